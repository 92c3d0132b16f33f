"""Three people at work, each in an empty folder, command by command, by what they are answered.

One builds a product, one writes a paper, one has checkpoints and data. Each step is the installed
command as they would type it; what it says is held against what is found out in another way.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from desk import ROOT, Desk
from PIL import Image

import hrnet_graph as hg

pytestmark = pytest.mark.slow  # processes that load torch, one after another

TINY = """\
input: [3, 64, 64]
width: 8
stem: {kind: conv, channels: 16}
stages:
  - {block: bottleneck, branches: 1, modules: 1, blocks: 1, channels: [8]}
  - {block: basic, branches: 2, modules: 1, blocks: 1}
  - {block: basic, branches: 3, modules: 1, blocks: 1}
head: {kind: classification, classes: 2, channels: [8, 16, 32], features: 64}
"""


@pytest.fixture
def desk(tmp_path: Path, one_thread: None) -> Desk:
    return Desk(tmp_path)


def photo(path: Path, colour: tuple[int, int, int], seed: int) -> None:
    """An image of one colour, with noise."""
    noise = np.random.default_rng(seed).integers(-60, 60, (80, 100, 3))
    Image.fromarray((noise + colour).clip(0, 255).astype(np.uint8)).save(path)


def test_for_a_product(desk: Desk) -> None:
    """The smallest published classifier, made smaller, as module, source and ONNX."""
    networks = [n for n in desk.asks("hrnet-graph list") if n["task"] == "classification"]
    smallest = min(networks, key=lambda network: network["macs"])
    assert (smallest["name"], smallest["params"]) == ("hrnet_w18_small_v1_cls", 13_187_464)

    desk.types(f"hrnet-graph init {smallest['name']} -o mine.yaml")
    assert desk.asks("hrnet-graph flops mine.yaml")["macs"] == smallest["macs"]
    before = (desk / "mine.yaml").read_bytes()
    assert "is there already" in desk.refused(f"hrnet-graph init {smallest['name']} -o mine.yaml")
    assert (desk / "mine.yaml").read_bytes() == before
    desk.edits("mine.yaml", ("width:", "widht:"))
    row = next(
        i for i, t in enumerate((desk / "mine.yaml").read_text().splitlines(), 1) if "widht" in t
    )
    assert re.search(
        rf"mine.yaml:{row}:1: .*did you mean 'width'",
        desk.refused("hrnet-graph validate mine.yaml"),
    )
    desk.edits(
        "mine.yaml",
        ("widht:", "width:"),
        ("width: 16", "width: 8"),
        ("classes: 1000", "classes: 7"),
        ("224, 224", "64, 64"),
    )
    (desk / "mine.yaml").write_text(
        re.sub(r"(?m)^labels:.*\n", "", (desk / "mine.yaml").read_text())
    )
    desk.types("hrnet-graph validate mine.yaml")

    desk.types("hrnet-graph build mine.yaml -o mine.pt")
    model = hg.load(desk / "mine.pt").eval()
    counted = desk.asks("hrnet-graph flops mine.yaml")
    assert counted["params"] == sum(value.numel() for value in model.parameters())
    assert counted["flops"] == 2 * counted["macs"] < smallest["macs"]
    keys = desk.asks("hrnet-graph keys mine.yaml")
    assert {k["key"]: tuple(k["shape"]) for k in keys} == {
        k: tuple(v.shape) for k, v in model.state_dict().items()
    }

    for file in ("mine.onnx", "mine.safetensors"):
        desk.types(f"hrnet-graph build mine.yaml --weights mine.pt -o {file}")
    desk.types("hrnet-graph build mine.yaml -o mine_net.py")
    x = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        expected = model(x)
        assert torch.equal(hg.load(desk / "mine.safetensors").eval()(x), expected)
    torch.save((x, model.state_dict(), expected), desk / "given.pt")
    code = (
        "import torch, onnxruntime; from mine_net import HRNet\n"
        "x, weights, expected = torch.load('given.pt'); net = HRNet().eval()\n"
        "net.load_state_dict(weights); assert torch.equal(net(x), expected)\n"
        "session = onnxruntime.InferenceSession('mine.onnx')\n"
        "got, = session.run(None, {session.get_inputs()[0].name: x.numpy()})\n"
        "torch.testing.assert_close(torch.from_numpy(got), expected, rtol=1e-3, atol=1e-4)\n"
        "import sys; assert 'hrnet_graph' not in sys.modules"
    )
    (desk / "run.py").write_text(code)
    desk.types("python run.py")

    measured = desk.asks(
        "hrnet-graph bench mine.yaml --targets torch,onnxruntime --runs 2 --threads 1"
    )
    text = json.dumps(measured)
    assert '"torch"' in text
    assert '"onnxruntime"' in text

    photo(desk / "photo.jpg", (120, 90, 60), seed=0)
    line = "hrnet-graph predict mine.yaml photo.jpg --weights mine.pt"
    said = desk.asks(line)
    assert said == desk.asks(line)
    assert said["weights"] == "mine.pt"
    scores = [best["score"] for best in said["best"]]
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1.001
    with Image.open(desk / "mine_photo.png") as picture:
        assert picture.width >= 100
    whole = desk.asks("hrnet-graph predict mine.pt photo.jpg")
    assert whole["best"] == said["best"]
    assert whole["random"].startswith("random (seed ")  # as they were when mine.pt was built
    assert "random" in desk.types("hrnet-graph build mine.yaml -o random.pt --seed 1").stderr
    assert desk.asks("hrnet-graph predict random.pt photo.jpg")["random"]
    desk.types("hrnet-graph build mine.pt -o again.onnx")
    engine = hg.load(desk / "again.onnx", target="onnxruntime")
    torch.testing.assert_close(engine(x), expected, rtol=1e-3, atol=1e-4)
    desk.types("hrnet-graph render mine.pt -o mine.svg")
    assert "no image" in desk.refused("hrnet-graph predict mine.yaml nothing.jpg").lower()


def test_for_a_paper(desk: Desk) -> None:
    """Costs beside the published ones, a figure of a journal's width, a sweep and a difference."""
    names = ("hrnet_w18_cls", "hrnet_w32_cls", "hrnet_w48_cls")
    published = {(row["name"], row["metric"]): row for row in desk.asks("hrnet-graph published")}
    listed = {row["name"]: row for row in desk.asks("hrnet-graph list")}
    params = []
    for name in names:
        counted = desk.asks(f"hrnet-graph flops {name} --by stage")
        params.append(counted["params"])
        assert (counted["params"], counted["macs"]) == (
            listed[name]["params"],
            listed[name]["macs"],
        )
        assert published[name, "params"]["published"] == round(counted["params"] / 1e6, 1)
        for count in ("params", "macs"):
            assert sum(part[count] for part in counted["parts"]) == counted[count]
    assert params == sorted(params)

    for file in ("costs.tex", "costs.md", "costs.csv"):
        desk.types(f"hrnet-graph flops {' '.join(names)} -o {file}")
    with (desk / "costs.csv").open() as opened:
        table = list(csv.DictReader(opened))
    assert [row["network"] for row in table] == [*names]
    assert [int(row["params"]) for row in table] == params
    assert [int(row["more_params"]) for row in table] == [n - params[0] for n in params]
    tex, markdown = ((desk / f"costs.{kind}").read_text() for kind in ("tex", "md"))
    assert r"\toprule" in tex
    assert all(rf"{n / 1e6:.1f}\,M" in tex and f"| {n:,} |" in markdown for n in params)
    assert f"| +{params[2] - params[0]:,} |" in markdown

    changed = desk.asks("hrnet-graph flops hrnet_w32_cls --set width=48")
    assert (changed["name"], changed["params"]) == ("hrnet_w32_cls, width 48", params[2])
    desk.types("hrnet-graph render hrnet_w32_cls --set width=48")
    assert (desk / "hrnet_w32_cls_width_48.svg").stat().st_size
    (desk / "stated.yaml").write_text(
        TINY.replace("blocks: 1}", "blocks: 1, channels: [8, 16, 32]}")
    )
    stated = (
        (desk / "stated.yaml")
        .read_text()
        .replace(
            "branches: 2, modules: 1, blocks: 1, channels: [8, 16, 32]",
            "branches: 2, modules: 1, blocks: 1, channels: [8, 16]",
        )
    )
    (desk / "stated.yaml").write_text(stated.replace("width: 8\n", ""))
    assert "nothing in the network reads it" in desk.refused(
        "hrnet-graph flops stated.yaml --set width=48"
    )

    desk.types("hrnet-graph render hrnet_w32_cls -o folded.svg --fold")
    desk.types("hrnet-graph render hrnet_w32_cls -o open.svg")
    folded, whole = (
        float(re.findall(r'viewBox="\S+ \S+ ([\d.]+)', (desk / file).read_text())[0])
        for file in ("folded.svg", "open.svg")
    )
    assert folded < whole

    for width, points in (("single", 252), ("double", 515.5)):
        desk.types(f"hrnet-graph render hrnet_w32_cls -o {width}.pdf --no-title --width {width}")
        desk.types(f"hrnet-graph render hrnet_w32_cls -o {width}.svg --no-title --width {width}")
        box = re.search(rb"/MediaBox *\[ *0 0 ([\d.]+)", (desk / f"{width}.pdf").read_bytes())
        assert box is not None
        assert float(box[1]) == pytest.approx(points, abs=1.5)
        assert "hrnet_w32_cls" not in re.sub(
            r"<title>.*?</title>|<!--.*?-->", "", (desk / f"{width}.svg").read_text()
        )

    desk.types("hrnet-graph sweep hrnet_w18_small_v1_cls --vary width=16,24,32 -o table.csv")
    with (desk / "table.csv").open() as opened:
        rows = {row["width"]: row for row in csv.DictReader(opened)}
    assert list(rows) == ["16", "24", "32"]
    for width, row in rows.items():
        counted = desk.asks(f"hrnet-graph flops hrnet_w18_small_v1_cls --set width={width}")
        assert (int(row["params"]), int(row["macs"])) == (counted["params"], counted["macs"])

    line = "hrnet-graph search hrnet_w18_small_v1_cls --vary width=8,16,24 --where 'macs < 2e9' --storage found.db --trials 12 --seed 1"
    desk.types(f"{line} -o winners")
    winners = sorted((desk / "winners").glob("*.yaml"))
    assert winners
    for path in winners:
        counted = desk.asks(f"hrnet-graph flops winners/{path.name}")
        assert counted["macs"] < 2e9
    smallest = min(
        desk.asks(f"hrnet-graph flops winners/{path.name}")["params"] for path in winners
    )
    assert smallest == desk.asks("hrnet-graph flops hrnet_w18_small_v1_cls --set width=8")["params"]

    (desk / "mine.yaml").write_text("extends: hrnet_w32_cls\nstages:\n  2: {modules: 2}\n")
    (desk / "same.yaml").write_text("extends: hrnet_w32_cls\n")
    assert "the same network" in desk.types("hrnet-graph diff hrnet_w32_cls same.yaml").stdout
    said = desk.types(
        "hrnet-graph diff hrnet_w32_cls mine.yaml --render diff.svg", expected=1
    ).stdout
    mine = desk.asks("hrnet-graph flops mine.yaml")
    fewer = params[1] - mine["params"]
    stage3 = desk.asks("hrnet-graph flops hrnet_w32_cls --by module")["parts"]
    modules = {part["module"]: part["params"] for part in stage3}
    assert fewer == modules["stage3.2"] + modules["stage3.3"]
    assert "stage3.2.branches.0.0.conv2.weight" in said
    assert "stage3" in (desk / "diff.svg").read_text()


def test_with_checkpoints_and_data(desk: Desk) -> None:
    """Two classes learnt, predicted with what was saved, and weights through other dialects."""
    colours = {"blue": (60, 80, 190), "red": (190, 80, 60)}
    for kind, colour in colours.items():
        (desk / "photos" / kind).mkdir(parents=True)
        for i in range(8):
            photo(desk / "photos" / kind / f"{i}.png", colour, seed=i)
        photo(desk / f"new_{kind}.png", colour, seed=100)
    (desk / "tiny.yaml").write_text(TINY)
    train = ROOT / "examples" / "train.py"
    desk.types(
        f"python {train} tiny.yaml --data photos --epochs 6 --batch 8 --lr 3e-3 --workers 0 --output run"
    )
    for kind, place in (("blue", 0), ("red", 1)):
        said = desk.asks(f"hrnet-graph predict tiny.yaml new_{kind}.png --weights run/model.pt")
        assert said["best"][0]["index"] == place
        assert said["best"][0]["score"] > 0.5
        whole = desk.asks(f"hrnet-graph predict run/model.pt new_{kind}.png")
        assert whole["best"][0] == {**said["best"][0], "name": kind}

    model = hg.load(desk / "run" / "model.pt").eval()
    state = model.state_dict()
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        expected = model(x)
    wrapped = {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}
    torch.save(wrapped, desk / "published.pth.tar")
    for i, file in enumerate(("run/model.pt", "published.pth.tar")):
        report = desk.types(f"hrnet-graph build tiny.yaml --weights {file} -o again{i}.pt").stderr
        assert f"{len(state)} loaded" in report.replace(",", "")
        with torch.inference_mode():
            assert torch.equal(hg.load(desk / f"again{i}.pt").eval()(x), expected)

    wide = "hrnet-graph build tiny.yaml --set width=16 --weights published.pth.tar"
    said = desk.refused(f"{wide} -o wide.pt")
    assert "published.pth.tar" in said
    assert "--partial" in said
    partly = desk.types(f"{wide} --partial -o wide.pt").stderr
    reshaped = re.search(r"(\d+) reshaped", partly)
    assert reshaped is not None
    fits = hg.load(desk / "wide.pt").state_dict()
    same = {key for key in state if state[key].shape == fits[key].shape}
    assert int(reshaped[1]) == len(state) - len(same)
    assert all(torch.equal(fits[key], state[key]) for key in same)
    (desk / "broken.pth").write_bytes((desk / "published.pth.tar").read_bytes()[:2000])
    assert "broken.pth" in desk.refused(
        "hrnet-graph build tiny.yaml --weights broken.pth -o never.pt"
    )

    small = "hrnet_w18_small_v1_cls"
    desk.types(f"hrnet-graph build {small} --set head.classes=3 -o ours.pt")
    desk.types("hrnet-graph weights convert ours.pt --to timm -o timm.pth")
    names = torch.load(desk / "timm.pth")
    names = names.get("state_dict", names)
    import timm

    theirs = timm.create_model("hrnet_w18_small", num_classes=3).eval()
    theirs.load_state_dict(names)
    with torch.inference_mode():
        torch.testing.assert_close(
            hg.load(desk / "ours.pt").eval()(x), theirs(x), rtol=1e-4, atol=1e-5
        )
    desk.types(f"hrnet-graph build {small} --set head.classes=3 --weights timm.pth -o back.pt")
    ours, back = (hg.load(desk / name).state_dict() for name in ("ours.pt", "back.pt"))
    assert all(torch.equal(ours[key], back[key]) for key in ours)


def test_with_boxes(desk: Desk) -> None:
    """A whole detector, trained, saved and predicted: what is trained is what predicts."""
    (desk / "boxes" / "images").mkdir(parents=True)
    for i in range(4):
        photo(desk / "boxes" / "images" / f"{i}.png", (60, 90, 120), seed=i)
    marks = {f"{i}.png": [[10, 10, 60, 60, 1 + i % 2]] for i in range(4)}
    (desk / "boxes" / "boxes.json").write_text(json.dumps(marks))
    head = "head: {kind: feature_pyramid, channels: 16, levels: 3}\n"
    (desk / "det.yaml").write_text(TINY[: TINY.index("head:")] + head)
    train = ROOT / "examples" / "train.py"
    desk.types(
        f"python {train} det.yaml --data boxes --epochs 1 --batch 2 --workers 0 --output run"
    )
    line = "hrnet-graph predict run/model.pt boxes/images/0.png --threshold 0"
    first, second = (desk.asks(line) for _ in range(2))
    assert first == second
    assert first["random"] is None
    assert first["boxes"]
    assert {box["index"] for box in first["boxes"]} <= {1, 2}
    untrained = "hrnet-graph predict det.yaml boxes/images/0.png --threshold 0"
    assert desk.asks(untrained)["random"]
    assert desk.asks(untrained)["boxes"] != first["boxes"]
