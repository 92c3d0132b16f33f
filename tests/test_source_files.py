"""Source files: written by `build` and by `save`, without torch and without weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
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


def test_save_writes_source(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = hg.build_module(REPEATED)
    hg.save(model, tmp_path / "net.py")
    assert (tmp_path / "net.py").read_text() == to_source(model.graph)
