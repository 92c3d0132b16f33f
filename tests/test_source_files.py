"""Source files: written by `build` and by `save`, without torch and without weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from plugged import lay_out_package
from written import REPEATED

import hrnet_graph as hg
from hrnet_graph.cli.main import main
from hrnet_graph.compiler.source.write import to_source


def test_build_writes_source_without_torch(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    code = (
        "import sys; from hrnet_graph.cli.main import main\n"
        "try: main()\n"
        "finally: assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", code, "build", "hrnet_w18_cls", "-o", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert path.read_text() == to_source(hg.build_graph("hrnet_w18_cls"))


@pytest.mark.parametrize(
    "option", [["--weights", "w.pth"], ["--device", "cpu"], ["--dialect", "timm"], ["--partial"]]
)
def test_source_takes_no_weights(
    option: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.pth").touch()
    path = tmp_path / "net.py"
    arguments = ["hrnet-graph", "build", "hrnet_w18_cls", "-o", str(path), *option]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    message = capsys.readouterr().err
    assert f"{option[0]}: source holds no weights" in message
    assert "another build" in message
    assert not path.exists()


HEAD = '''
from hrnet_graph.rules.options import Channels


def depth(b, maps, *, features: Channels = 7, bins: Channels = 64):
    """The distance of every pixel, in bins of a logarithmic scale."""
    return b.conv("bins", b.activation("act", b.conv("features", maps[0], features)), bins)
'''


def test_another_packages_head_is_described_in_its_own_words(tmp_path: Path) -> None:
    points = "[hrnet_graph.heads]\ndepth = deep:depth\n"
    lay_out_package(tmp_path, "deep", points, {"deep": HEAD})
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import hrnet_graph as hg\n"
        "from hrnet_graph.compiler.source.write import to_source\n"
        "overrides = {'head': {'kind': 'depth'}, 'stages.3.outputs': 1}\n"
        "print(to_source(hg.build_graph(hg.load_spec('hrnet_w32_pose_256x192', overrides))))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    head = result.stdout.partition("class DepthHead(nn.Module):")[2]
    assert head.startswith(
        '\n    """The distance of every pixel, in bins of a logarithmic scale.\n'
    )
    assert "def build_head(self, bins: int) -> None:" in head
    assert "def __init__(self, bins: int = 64) -> None:" in head


def test_save_writes_source(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = hg.build_module(REPEATED)
    hg.save(model, tmp_path / "net.py")
    assert (tmp_path / "net.py").read_text() == to_source(model.graph)
