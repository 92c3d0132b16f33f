"""What is imported before anything is computed: a command waits for what it needs and no more."""

from __future__ import annotations

import subprocess
import sys

import pytest

FLOPS = {
    "annotated_types", "click", "pydantic", "pydantic_core", "rich", "typing_extensions",
    "typing_inspection", "yaml",
}  # fmt: skip

SEEN = """
import sys
known = sys.stdlib_module_names | {"cython_runtime", "hrnet_graph"}
tops = {name.partition(".")[0] for name in sys.modules} - known
print("\\n", *sorted(name for name in tops if name[0] != "_"))
print(*sorted(name for name in sys.modules if name.startswith("hrnet_graph.")))
"""


def loaded(code: str) -> tuple[set[str], set[str]]:
    """Other packages, and modules of this one, that a fresh Python has loaded after `code`."""
    command = [sys.executable, "-c", code + SEEN]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    others, own = result.stdout.splitlines()[-2:]
    return set(others.split()), set(own.split())


def command_line(*arguments: str) -> str:
    return f"from hrnet_graph.cli.main import cli\ncli.main({arguments}, standalone_mode=False)\n"


def test_importing_the_package_imports_nothing() -> None:
    others, own = loaded("import hrnet_graph")
    assert (others, own) == (set(), {"hrnet_graph.version"})


@pytest.mark.parametrize("arguments", [("--help",), ("flops", "--help")])
def test_help_needs_click_alone(arguments: tuple[str, ...]) -> None:
    others, own = loaded(command_line(*arguments))
    assert others == {"click"}
    assert not {name for name in own if name.startswith(("hrnet_graph.ir", "hrnet_graph.spec"))}


def test_counting_loads_the_rules_that_the_spec_names_and_no_other() -> None:
    others, own = loaded(command_line("flops", "hrnet_w48_cls"))
    assert others <= FLOPS
    assert {name for name in own if name.startswith("hrnet_graph.rules.heads.")} == {
        "hrnet_graph.rules.heads.classification"
    }
    rooms = ("viz", "engines", "search", "benchmark", "prediction", "compiler.torch")
    assert not {name for name in own if name.startswith(tuple(f"hrnet_graph.{r}" for r in rooms))}


def test_checking_a_text_loads_what_counting_does() -> None:
    others, own = loaded(
        "import hrnet_graph as hg\nhg.check('extends: hrnet_w48_cls').report.total\n"
    )
    assert others <= FLOPS - {"click", "rich"}
    assert not {name for name in own if name.startswith(("hrnet_graph.viz", "hrnet_graph.cli"))}
