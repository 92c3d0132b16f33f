"""Configs of Lite-HRNet and HRFormer, of their authors and of mmpose, as the catalogue's networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hrnet_graph as hg
from hrnet_graph.spec.importers.read import import_config

LITE = """
model = dict(
    type='TopDown',
    backbone=dict(
        type='LiteHRNet',
        in_channels=3,
        extra=dict(
            stem=dict(stem_channels=32, out_channels=32, expand_ratio=1),
            num_stages=3,
            stages_spec=dict(
                num_modules=(2, 4, 2),
                num_branches=(2, 3, 4),
                num_blocks=(2, 2, 2),
                module_type=('LITE', 'LITE', 'LITE'),
                with_fuse=(True, True, True),
                reduce_ratios=(8, 8, 8),
                num_channels=((40, 80), (40, 80, 160), (40, 80, 160, 320))),
            with_head=True)),
    keypoint_head=dict(
        type='TopDownSimpleHead', in_channels=40, out_channels=17, num_deconv_layers=0,
        extra=dict(final_conv_kernel=1)))
data_cfg = dict(image_size=[192, 256])
"""
NAIVE = LITE.replace("'LITE'", "'NAIVE'").replace("(8, 8, 8)", "(1, 1, 1)")


def former(block: str, window: str, ratio: str, kind: str, head: str) -> str:
    """HRFormer-small's config, in the names of a repository."""
    stages = [(1, 2), (4, 3), (2, 4)]
    rows = ",\n".join(
        f"stage{i}=dict(num_modules={modules}, num_branches={n}, block='{block}',"
        f" num_blocks={(2,) * n}, num_channels={tuple(32 * 2**k for k in range(n))},"
        f" num_heads={[2**k for k in range(n)]}, {ratio}={[4] * n}, {window}={[7] * n})"
        for i, (modules, n) in enumerate(stages, start=2)
    )
    return f"""
model = dict(
    type='TopDown',
    backbone=dict(type='{kind}', in_channels=3, extra=dict(
        drop_path_rate=0.1,
        stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(2, ),
                    num_channels=(64, ), num_heads=[2], num_mlp_ratios=[4]),
        {rows})),
    {head})
data_cfg = dict(image_size=[192, 256])
"""


SIMPLE = "keypoint_head=dict(type='TopDownSimpleHead', in_channels=32, out_channels=17,"
SIMPLE += " num_deconv_layers=0)"
HEATMAP = "head=dict(type='HeatmapHead', in_channels=32, out_channels=17, deconv_out_channels=None)"
OFFICIAL = former("TRANSFORMER_BLOCK", "num_window_sizes", "num_mlp_ratios", "HRT", SIMPLE)
MMPOSE = former("HRFORMERBLOCK", "window_sizes", "mlp_ratios", "HRFormer", HEATMAP)


def imported(tmp_path: Path, text: str, **how: Any) -> hg.Spec:
    path = tmp_path / "config.py"
    path.write_text(text)
    return import_config(path, **how)[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (LITE, "litehrnet18_coco_256x192"),
        (NAIVE, "litehrnet18_wider_naive_coco_256x192"),
        (OFFICIAL, "hrformer_small_pose_256x192"),
    ],
    ids=["lite", "naive", "official HRFormer"],
)
def test_published_configs_are_the_catalogue_s_networks(
    tmp_path: Path, text: str, name: str
) -> None:
    ours, theirs = hg.build_graph(imported(tmp_path, text)), hg.build_graph(name)
    assert [(n.path, n.op, n.inputs, n.type) for n in ours.nodes] == [
        (n.path, n.op, n.inputs, n.type) for n in theirs.nodes
    ]
    assert list(ours.state()) == list(theirs.state())
    assert (ours.init, ours.head_init) == (theirs.init, theirs.head_init)


def test_mmpose_s_hrformer_reads_its_bias_and_fits_no_sizes(tmp_path: Path) -> None:
    spec = imported(tmp_path, MMPOSE)
    blocks = [stage["block"] for stage in spec.dump()["stages"][1:]]
    assert [block["position_bias"] for block in blocks] == [True] * 3
    assert spec.fuse.options["two_steps"] is False
    theirs = hg.build_graph("hrformer_small_pose_256x192")
    assert hg.build_graph(spec).state().keys() == theirs.state().keys()


@pytest.mark.parametrize("text", [LITE, NAIVE, MMPOSE], ids=["lite", "naive", "HRFormer"])
def test_a_backbone_alone_hands_on_its_finest_map(tmp_path: Path, text: str) -> None:
    graph = hg.build_graph(imported(tmp_path, text, backbone_only=True))
    assert [graph[path].type.shape[1:] for _, path in graph.outputs] == [(64, 48)]
    assert not any(key.startswith("backbone.") for key in graph.state())


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (LITE, "expand_ratio=1", "expand_ratio=2", "stem.expand_ratio: expected 1, got 2"),
        (LITE, "'LITE', 'LITE')", "'LITE', 'HEAVY')", "expected one of LITE, NAIVE, got 'HEAVY'"),
        (LITE, "(2, 3, 4)", "(2, 3, 3)", "expected 4, as many as channels, got 3"),
        (LITE, "(8, 8, 8)", "(8, 8)", "expected a list of one value a stage of LiteHRNet, got (8, 8)"),
        (LITE, "with_head=True", "with_heads=True", "with_head: missing; expected true or false"),
        (LITE, "in_channels=40", "in_channels=30", "in_channels: expected 40, got 30"),
        (LITE, "((40, 80)", "((40, )", "expected 1, as many as channels, got 2"),
        (LITE, "reduce_ratios", "ratios", "reduce_ratios: expected a list of one value a stage"),
        (MMPOSE, "drop_path_rate=0.1", "with_rpe=False", "a block here holds its bias"),
        (MMPOSE, "drop_path_rate=0.1", "with_pad_mask=True", "with_pad_mask: expected False"),
        (MMPOSE, "num_heads=[1, 2, 4]", "num_heads=[1, 2, 3]", "heads that divide the channels"),
        (MMPOSE, "num_heads=[1, 2, 4]", "num_heads=[0, 2, 4]", "heads that divide the channels"),
        (MMPOSE, "window_sizes=[7, 7, 7]", "window_sizes=[7, 7]", "expected 3 numbers, one a"),
        (MMPOSE, "num_blocks=(2, 2, 2)", "num_blocks=(2, 2, 1)", "as many in every branch"),
        (MMPOSE, "HRFORMERBLOCK', num_blocks=(2, 2)", "BASIC', num_blocks=(2, 2)",
         "expected one of HRFORMERBLOCK, got 'BASIC'"),
        (OFFICIAL, "drop_path_rate=0.1", "with_rpe=True", "this key is not known here"),
        (OFFICIAL, "TopDownSimpleHead", "DeepposeRegressionHead", "no head of the spec language"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_its_name(
    tmp_path: Path, text: str, old: str, new: str, message: str
) -> None:
    assert old in text
    with pytest.raises(hg.FileError) as refused:
        imported(tmp_path, text.replace(old, new))
    assert message in refused.value.message
    assert refused.value.hint


HEATMAPS = LITE.replace("keypoint_head=", "head=").replace(
    "num_deconv_layers=0", "deconv_out_channels=()"
)
HEATMAPS = HEATMAPS.replace("'TopDownSimpleHead'", "'HeatmapHead'").replace(
    "extra=dict(final_conv_kernel=1)", "conv_out_channels=(32,), conv_kernel_sizes=(1,)"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEATMAPS, "model.head.conv_out_channels: expected no convolution before the last"),
        (
            LITE.replace("kernel=1", "kernel=3, num_conv_layers=1, num_conv_kernels=(1,)"),
            "model.keypoint_head.extra.num_conv_layers: expected no convolution before the last",
        ),
        (
            LITE.replace("keypoint_head=", "head=").replace("TopDownSimpleHead", "DEKRHead"),
            "model.neck: missing; expected a FeatureMapProcessor with concat=True",
        ),
    ],
    ids=["heatmap", "simple", "dekr"],
)
def test_a_head_of_other_maps_is_refused_by_what_makes_it_so(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(hg.FileError) as refused:
        imported(tmp_path, text)
    assert message in refused.value.message
    assert "--ignore" not in refused.value.hint


def test_what_is_offered_to_be_ignored_can_be(tmp_path: Path) -> None:
    text = LITE.replace("extra=dict(final_conv_kernel=1)", "extra=made()")
    with pytest.raises(hg.FileError, match="extra: not understood: `made") as refused:
        imported(tmp_path, text)
    key = refused.value.hint.partition("--ignore ")[2]
    assert imported(tmp_path, text, ignore=(key,)) == imported(tmp_path, LITE)


@pytest.mark.parametrize("mean", [[123.675, 116.28, 103.53], [1, 2, 3]], ids=["usual", "other"])
@pytest.mark.parametrize("kind", ["DDRNet", "LiteHRNet"])
def test_an_image_has_a_mean_of_every_channel(tmp_path: Path, kind: str, mean: list[float]) -> None:
    text = (
        LITE if kind == "LiteHRNet" else "model = dict(backbone=dict(type='DDRNet', in_channels=3))"
    )
    text = text.replace("in_channels=3", "in_channels=1")
    text += f"\ndata_preprocessor = dict(mean={mean}, std=[1, 1, 1], bgr_to_rgb=True)\n"
    message = r"py:\d+:\d+: data_preprocessor.mean: expected 1 numbers, as .*in_channels says"
    with pytest.raises(hg.FileError, match=message):
        imported(tmp_path, text)


@pytest.mark.parametrize("text", [MMPOSE, OFFICIAL], ids=["mmpose", "official"])
def test_branches_have_windows_ratios_and_heads_of_their_own(tmp_path: Path, text: str) -> None:
    for old, new in (
        ("window_sizes=[7, 7, 7]", "window_sizes=[7, 7, 5]"),
        ("mlp_ratios=[4, 4, 4]", "mlp_ratios=[4, 2, 4]"),
        ("num_heads=[1, 2, 4]", "num_heads=[1, 4, 4]"),
    ):
        assert old in text
        text = text.replace(old, new)
    blocks = imported(tmp_path, text).stages[2].block
    assert isinstance(blocks, tuple)
    rows = [[b.options.get(name) for b in blocks] for name in ("window", "mlp_ratio")]
    assert rows == [[7, 7, 5], [4, 2, 4]]
    assert [block.options["head_channels"] for block in blocks] == [32, 16, 32]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pid.py", "model = dict(backbone=dict(type='PIDNet'))", "DDRNet, LiteHRNet, HRFormer"),
        ("ddr.yaml", "MODEL: {NAME: ddrnet_39}", "`hrnet-graph init ddrnet39_seg_cityscapes`"),
        ("pid.yaml", "MODEL: {NAME: pidnet_small}", "`hrnet-graph list` shows"),
        ("hrt.json", '{"data": {}, "network": {}}', "init hrformer_small_ocr_cityscapes`"),
        ("bare.yaml", "a: 1", "`hrnet-graph list` shows"),
    ],
)
def test_a_refusal_says_what_to_do(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(hg.FileError) as refused:
        import_config(path)
    assert message in str(refused.value)
    assert refused.value.hint


def yaml_of(widths: tuple[int, ...] = (78, 156, 312, 624), attention: str = "isa_local") -> str:
    """HRFormer-base's config for classification."""
    lines = ["MODEL:", "  TYPE: hrt", "  NAME: hrt_base", "  HRT:", "    DROP_PATH_RATE: 0.2"]
    lines += ["    STAGE1: {NUM_MODULES: 1, NUM_BRANCHES: 1, NUM_BLOCKS: [2], NUM_CHANNELS: [64],"]
    lines += ["      NUM_HEADS: [2], NUM_MLP_RATIOS: [4], NUM_RESOLUTIONS: [[56, 56]],"]
    lines += ["      BLOCK: 'BOTTLENECK'}"]
    for stage, modules in ((2, 1), (3, 4), (4, 2)):
        heads = [2 * 2**i for i in range(stage)]
        sides = [[56 // 2**i] * 2 for i in range(stage)]
        kinds = [[[attention] * 2] * stage] * modules
        lines += [f"    STAGE{stage}: {{NUM_MODULES: {modules}, NUM_BRANCHES: {stage},"]
        lines += [f"      NUM_BLOCKS: {[2] * stage}, NUM_CHANNELS: {list(widths[:stage])},"]
        lines += [f"      NUM_HEADS: {heads}, NUM_MLP_RATIOS: {[4] * stage},"]
        lines += [f"      NUM_RESOLUTIONS: {sides}, NUM_WINDOW_SIZES: {[7] * stage},"]
        lines += [f"      ATTN_TYPES: {kinds}, BLOCK: 'TRANSFORMER_BLOCK'}}"]
    return "\n".join(lines)


def test_the_classifier_s_yaml_is_the_catalogue_s_network(tmp_path: Path) -> None:
    path = tmp_path / "hrt_base.yaml"
    path.write_text(yaml_of())
    ours, theirs = hg.build_graph(import_config(path)[0]), hg.build_graph("hrformer_base_cls")
    assert [(n.path, n.op, n.inputs, n.type) for n in ours.nodes] == [
        (n.path, n.op, n.inputs, n.type) for n in theirs.nodes
    ]
    alone = hg.build_graph(import_config(path, backbone_only=True)[0])
    assert len(alone.outputs) == 4
    path.write_text(yaml_of(attention="isa_global"))
    with pytest.raises(hg.FileError, match="ATTN_TYPES: expected isa_local everywhere"):
        import_config(path)
    path.write_text(yaml_of().replace("[[56, 56]]", "[[64, 64]]"))
    with pytest.raises(hg.FileError, match="NUM_RESOLUTIONS: expected"):
        import_config(path)
