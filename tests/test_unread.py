"""A stated value that nothing reads is refused where it stands, and never passes without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from broken_specs import GOOD
from commands import run
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.spec.json_schema import json_schema
from hrnet_graph.spec.load import load_with, read_override
from hrnet_graph.spec.schema import DESCRIPTIONS

SCHEMA = json_schema()
WORDS = "nothing in the network reads it"
CHANNELS = {"stages.1.channels": [4, 8], "stages.2.channels": [4, 8, 16]}
"""Overrides of the small network after which nothing reads its `width`."""

SHORT = {f"stages.{i}.blocks": 1 for i in range(4)} | {"stages.2.modules": 1, "stages.3.modules": 1}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "classification": ("hrnet_w18_small_v1_cls", {}),
    "pose": ("hrnet_w32_pose_256x192", {}),
    "bottom-up": ("higherhrnet_w32_512", {"input": [3, 64, 64]}),
    "segmentation": ("hrnetv2_w18_small_v1_seg_cityscapes", {"input": [3, 64, 64]}),
    "ocr": ("hrnetv2_w48_ocr_lip", {"input": [3, 64, 64]}),
    "landmarks": ("hrnetv2_w18_landmark_wflw", {"input": [3, 64, 64]}),
    "pyramid": ("hrnetv2p_w18", {"input": [3, 64, 64]}),
    "maps": ("hrnetv2_w18", {"norm": {"kind": "group", "groups": 2}, "stem.channels": 8}),
    "one map": ("hrnetv2_w18_small_v1_seg_cityscapes", {"stages.3.outputs": 1}),
    "wider maps": ("hrnetv2_w18", {"head.pyramid": True, "init.head": {"conv": "normal"}}),
    "no width": ("hrnet_w18_cls", {f"stages.{i}.channels": [2**k for k in range(i + 1)]
                                   for i in range(4)}),
    "no branches": ("hrnetv2_w18", {"stages": [{"branches": 1}, {"branches": 1, "modules": 2}]}),
}  # fmt: skip
"""One catalogue network of every head, and what makes others of them."""


def leaves(schema: dict[str, Any], data: Any, key: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Every key that may be stated beside some data, each with values of its type."""
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema and "properties" not in schema:
        kind = data.get("kind") if isinstance(data, dict) else data
        choices = [part for part in schema["anyOf"] if part.get("type") != "null"]
        of_kind = [part for part in choices
                   if part.get("properties", {}).get("kind", {}).get("const") in (kind, "sum")]  # fmt: skip
        yield from leaves(
            (of_kind or [p for p in choices if "enum" not in p] or choices)[0], data, key
        )
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            if key or name not in {*DESCRIPTIONS, "extends"}:
                at = f"{key}.{name}".strip(".")
                yield from leaves(inner, data.get(name) if isinstance(data, dict) else None, at)
    elif schema.get("type") == "array" and key == "stages":
        for i, stage in enumerate(data):
            yield from leaves(schema["items"], stage, f"{key}.{i}")
    else:
        yield key, values(schema, data)


def values(schema: dict[str, Any], data: Any) -> list[Any]:
    """Some values of a type, one beside another."""
    if "enum" in schema or "const" in schema:
        return [*schema.get("enum", [schema.get("const")])]
    if schema.get("type") == "array":
        row = list(data) if isinstance(data, list | tuple) else [4, 8, 12, 16]
        return [row, [row[0] + 4, *row[1:]], [*row[:-1], row[-1] + 32]]
    several: dict[str, list[Any]] = {
        "boolean": [False, True],
        "integer": [1, 2, 3, 4],
        "number": [0.125, 0.25, 0.5],
    }
    return several.get(schema.get("type", ""), ["backbone", "other"])


def outcome(spec: hg.Spec, key: str, value: object) -> hg.Graph | None:
    """The network with one value stated, whatever it is called, or None if that is refused."""
    try:
        graph = hg.build_graph(hg.load_spec(spec, {key: value}))
    except hg.SpecError:
        return None
    return replace(graph, name="network")


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NETWORKS)
def test_another_value_makes_another_network_or_is_refused(name: str, every: bool) -> None:
    """Of each key values up to the second network, or all of them."""
    origin, changes = NETWORKS[name]
    short = SHORT if "stages" not in changes else {}
    spec = hg.load_spec(origin, {**short, **changes})
    hg.build_graph(spec)
    checked = 0
    for key, tried in leaves(SCHEMA, spec.dump()):
        made: list[hg.Graph] = []
        for value in tried:
            made += filter(None, [outcome(spec, key, value)])
            if not every and made and made[-1] != made[0]:
                break
        different = any(graph != made[0] for graph in made[1:])
        assert different or len(made) < 2, f"{key}: of {tried} all make the same network"
        checked += len(made)
    assert checked > 30


@pytest.mark.parametrize("name", hg.list_specs())
def test_what_is_shown_of_a_catalogue_network_reads_back(name: str) -> None:
    graph = hg.build_graph(name)
    assert hg.build_graph(graph.spec.dump()) == graph  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["width=48"], "--set width=48: width: {}\n  every stage states its `channels`"),
        (["init.std=0.1"], "--set init.std=0.1: init.std: {}\n  it is for `conv: normal`"),
        (["fuse.align_corners=true"], "--set fuse.align_corners=true: fuse.align_corners: {}\n"
                                      "  it is read with `upsample: bilinear`"),
        (["stages.0.fuse=sum"], "--set stages.0.fuse=sum: stages.0.fuse: {}\n"
                                "  no module fuses by it"),
        (["stages.0.transition=strided"],
         "--set stages.0.transition=strided: stages.0.transition: {}\n  no stage is reached by it"),
        (["init.conv_bias=zero"],
         "--set init.conv_bias=zero: init.conv_bias: {}\n  no convolution there has a bias"),
    ],
)  # fmt: skip
def test_an_override_that_nothing_reads(changes: list[str], message: str) -> None:
    data = {**SMALL, "head": "features"}
    del data["width"]
    spec = hg.load_spec({**data, "stages": [
        *data["stages"][:1], {"branches": 2, "channels": [4, 8]}, {"channels": [4, 8, 16]}]})  # fmt: skip
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(load_with(spec, map(read_override, changes)))
    assert str(caught.value) == message.format(WORDS)


def write(folder: Path, **texts: str) -> Path:
    """Spec files; the path of the last."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / f"{[*texts][-1]}.yaml"


def complaint(path: Path, changes: Sequence[str] = ()) -> str:
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(load_with(path, map(read_override, changes)))
    return str(caught.value).replace(f"{path.parent}/", "").partition("\n")[0]


ALL_CHANNELS = GOOD.replace("branches: 2", "branches: 2, channels: [4, 8]")


def test_a_value_of_a_file_is_refused_there_whatever_is_laid_over_it(tmp_path: Path) -> None:
    path = write(tmp_path, base=ALL_CHANNELS)
    assert complaint(path) == f"base.yaml:2:8: width: {WORDS}"
    assert complaint(path, ["head.classes=3"]) == f"base.yaml:2:8: width: {WORDS}"
    assert complaint(path, ["width=8"]) == f"--set width=8: width: {WORDS}"
    path = write(tmp_path, child="extends: base.yaml\nhead: {classes: 4}\n")
    assert complaint(path) == f"base.yaml:2:8: width: {WORDS}"


def test_what_a_child_makes_of_no_use_is_taken_over_by_nobody(tmp_path: Path) -> None:
    child = "extends: base.yaml\nstages: {1: {channels: [4, 8]}}\nfuse: {upsample: nearest}\n"
    base = f"{GOOD}fuse: {{upsample: bilinear, align_corners: true}}\n"
    spec = hg.build_graph(write(tmp_path, base=base, child=child)).spec
    assert isinstance(spec, hg.Spec)
    assert spec.width is None
    assert spec.fuse.options["align_corners"] is False
    hg.build_graph(spec.dump())
    shown = run("show", tmp_path / "child.yaml")
    assert "width" not in shown.stdout
    path = write(tmp_path, grandchild="extends: child.yaml\nwidth: 8\n")
    assert complaint(path) == f"grandchild.yaml:2:8: width: {WORDS}"


def test_commands_refuse_it_too(tmp_path: Path) -> None:
    path = write(tmp_path, mine=re.sub("width.*\n", "", ALL_CHANNELS))
    for command in ("show", "flops", "validate", "keys"):
        done = run(command, path, "--set", "width=48")
        assert done.returncode == 2, command
        assert done.stderr.startswith(f"--set width=48: width: {WORDS}")
    done = run("sweep", path, "--vary", "width=18,48")
    assert done.returncode == 2
    assert done.stderr.startswith(f"--vary width: width: {WORDS}")
    both = run("sweep", path, "--vary", "width=18,48", "--vary", "stages.1.channels=null,[4, 8]")
    assert both.returncode == 0
    assert both.stdout.count(WORDS) == 2


def test_a_saved_network_that_lost_a_value_opens(tmp_path: Path) -> None:
    model = hg.build_module(hg.load_spec(SMALL, CHANNELS))
    hg.save(model, tmp_path / "net.pt")
    assert hg.load(tmp_path / "net.pt").graph == model.graph


def test_a_network_that_was_saved_when_such_values_passed_opens(tmp_path: Path) -> None:
    model = hg.build_module(SMALL)
    hg.save(model, tmp_path / "net.pt")
    saved = torch.load(tmp_path / "net.pt", weights_only=True)
    saved["spec"] = saved["spec"].replace("std: 0.001", "std: 0.5")
    assert "std: 0.5" in saved["spec"]
    torch.save(saved, tmp_path / "net.pt")
    assert hg.load(tmp_path / "net.pt").graph == model.graph
