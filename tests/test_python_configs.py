"""A Python config is read as what running it would give, or refused; never as anything else."""

from __future__ import annotations

import contextlib
import random
import warnings
from pathlib import Path
from typing import Any

import pytest

import hrnet_graph as hg
from hrnet_graph.spec.importers.read import import_config

FOLDER = Path(__file__).parent / "data" / "import"
BASE = (FOLDER / "mmseg_fcn.py").read_text()
HEAD = "model['decode_head']"

FOLLOWED = [
    f"{HEAD}['num_classes'] = 2",
    f"{HEAD}.update(num_classes=3)",
    f"{HEAD}.update(dict(num_classes=4), align_corners=True)",
    f"head = {HEAD}\nhead['num_classes'] = 5",
    "for key in ['decode_head']:\n    model[key]['num_classes'] += 1",
    "for i in range(3):\n    if i == 1:\n        break\n    " + f"{HEAD}['num_classes'] += 10",
    f"for i, n in enumerate((7, 8)):\n    if i < 1:\n        continue\n    {HEAD}['num_classes'] = n",
    f"if len({HEAD}['in_channels']) == 4:\n    {HEAD}['num_classes'] = 6\nelse:\n    model = None",
    "import copy\nmodel = copy.deepcopy(model)",
    f"from copy import deepcopy\nother = deepcopy(model)\n{HEAD}['num_classes'] = 9\n"
    "model, other = other, model",
    "other = dict(model)\nother['decode_head']['num_classes'] = 11",
    "other = {**model, 'decode_head': dict(model['decode_head'])}\n"
    "other['decode_head']['num_classes'] = 12",
    f"first, *rest = [1, 2, 13]\n{HEAD}['num_classes'] = rest[-1]",
    f"(a, b), c = (1, 14), 3\n{HEAD}['num_classes'] = b",
    f"del {HEAD}['align_corners']",
    f"{HEAD}['num_classes'] = int('15')",
    f"n: int = 4 ** 2\n{HEAD}['num_classes'] = n if n > 3 else 1",
    f"{HEAD}['num_classes'] = [c * 2 for c in (1, 2, 3) if c != 2][-1]",
    f"{HEAD}['num_classes'] = {{k: v for k, v in [('a', 17), ('b', 18)]}}['b']",
    f"{HEAD}['num_classes'] = sum(c for c in {HEAD}['in_channels']) // 6",
    f"{HEAD}['num_classes'] = -(-39 // 2) if not False and True else 0",
    f"rows = [[1]] * 2\nrows[0].append(21)\n{HEAD}['num_classes'] = rows[1][1]",
    f"rows = [dict(n=1) for _ in range(2)]\nrows[0]['n'] = 22\n{HEAD}['num_classes'] = rows[1]['n']",
    f"{HEAD}['num_classes'] = dict(zip(('x', 'y'), (1, 23)))['y']",
    f"kinds = {{'a': {HEAD}}}\nkinds['a']['num_classes'] = 24",
    f"kinds = [{HEAD}]\nfor kind in kinds:\n    kind['num_classes'] = 25",
    f"{HEAD}['num_classes'] = {HEAD}.pop('num_classes') + 1",
    f"{HEAD}['num_classes'] = {HEAD}.get('missing', 26)",
    f"{HEAD}.setdefault('num_classes', 27)",
    "extra = model['backbone']['extra']\nextra['stage3']['num_modules'] = 2 * 1",
    "extra = model['backbone']['extra']\nextra['stage2'] = dict(extra['stage2'], num_blocks=(2, 2))",
    "crop_size = crop_size[::-1]",
    f"{HEAD}['num_classes'], crop_size = 28, (64, 64)",
    f"a = b = {HEAD}\nb['num_classes'] = 29",
    f"{HEAD}['num_classes'] = 'abc' in 'xabcx' and 30",
    f"x = f'{{30 + 1}}'\n{HEAD}['num_classes'] = int(x)",
    "model['backbone']['type'] = '{{ fileBasename }}'",
    "print(model.keys())",
    "for model['decode_head']['num_classes'] in (1, 2, 31):\n    pass",
    f"values = {HEAD}['in_channels'][:]\nvalues.extend([1])\n{HEAD}['num_classes'] = len(values)",
    "for name, part in model.items():\n    if name == 'decode_head':\n        part['num_classes'] = 32",
    "rows = [1, 2]\nfor i, n in enumerate(rows):\n    rows[i] = n + 30\n"
    f"{HEAD}['num_classes'] = rows[1]",
    f"a, b = (n * 2 for n in (16, 17))\n{HEAD}['num_classes'] = b",
    f"for name in list(model):\n    model[name] = model.pop(name)\n{HEAD}['num_classes'] = 35",
    "norm = dict(type='GN', num_groups=4)\nmodel['backbone']['norm_cfg'] = norm\n"
    f"{HEAD}['norm_cfg'] = norm\nnorm['num_groups'] = 2",
]
"""Statements that are followed to the end: the import must succeed where the network can be had."""

NOT_FOLLOWED = [
    "def change(m):\n    m['decode_head']['num_classes'] = 40\nchange(model)",
    f"def change():\n    {HEAD}['num_classes'] = 41\nchange()",
    f"(lambda: {HEAD}.update(num_classes=42))()",
    f"class X:\n    n = {HEAD}.pop('num_classes')",
    f"try:\n    {HEAD}['num_classes'] = 43\nexcept KeyError:\n    pass",
    f"while {HEAD}['num_classes'] < 44:\n    {HEAD}['num_classes'] += 1",
    f"[{HEAD}.update(num_classes=n) for n in (45, 46)]",
    f"{HEAD}.__setitem__('num_classes', 47)",
    "(head := model['decode_head'])['num_classes'] = 48",
    "model |= dict(decode_head=dict(model['decode_head'], num_classes=49))",
    "import json\nmodel = json.loads(json.dumps(model).replace('19', '50'))",
    f"import random\nrandom.shuffle({HEAD}['in_channels'])",
    f"import os\nif os.sep == '/':\n    {HEAD}['num_classes'] = 51",
    "import os\nfor i in range(3):\n    if os.sep == '/':\n        break\n    "
    + f"{HEAD}['num_classes'] += 1",
    "globals()['model'] = None",
    "exec('crop_size = (32, 32)')",
    f"getattr({HEAD}, 'update')(num_classes=52)",
    f"setter = {HEAD}.update\nsetter(num_classes=53)",
    f"dict = lambda **k: 5\n{HEAD}['num_classes'] = dict(a=1)",
    f"len = 54\n{HEAD}['num_classes'] = len",
    f"{HEAD}['num_classes'] = '%d' % 55",
    f"{HEAD}['num_classes'] = 1_000 .__add__(1)",
    f"list(map(lambda k: {HEAD}.pop(k), ['align_corners']))",
    f"from functools import partial\npartial({HEAD}.update, num_classes=56)()",
    f"import contextlib\nwith contextlib.suppress(KeyError):\n    {HEAD}['num_classes'] = 57",
    f"match 1:\n    case 1:\n        {HEAD}['num_classes'] = 58",
    f"sorted([1], key=lambda _: {HEAD}.update(num_classes=59))",
    "model = type('M', (), {})",
    "import os\nx = model if os.sep == '/' else {}\nx['decode_head']['num_classes'] = 60",
    "x = (model if unknown else {}) if 0 else model\nx['decode_head']['num_classes'] = 61",
    "import os\nrows = {os.sep: model}\nrows['/']['decode_head']['num_classes'] = 62",
    "import os\nos.model = model\nos.model['decode_head']['num_classes'] = 63",
    "held = [model['decode_head'].update]\nheld[0](num_classes=64)",
    "held = {'f': model['decode_head'].update}\nheld['f'](num_classes=65)",
    "def give(m=model['decode_head']):\n    return m\ngive()['num_classes'] = 66",
    "head, = [h for h in (model['decode_head'],) if h.update(num_classes=67) is None]",
    "model['self'] = model\nmodel['self']['decode_head']['num_classes'] = 68\ndel model['self']",
    "import operator\noperator.setitem(model['decode_head'], 'num_classes', 69)",
    "for n in model['decode_head'].values():\n    pass\nfor crop_size in [(64, 64)]: pass",
    "x = y = []\nx += [(32, 32)]\ncrop_size = y[0]",
    "x = [1]\nx *= 2\nx.append(70)\nmodel['decode_head']['num_classes'] = x[2]",
    "a = [[1], [2]]\nb = a[:]\nb[0][0] = 71\nmodel['decode_head']['num_classes'] = a[0][0]",
    "a = [3, 1, 72]\na.sort()\nmodel['decode_head']['num_classes'] = a[-1]",
    "a = [73]\nb = a\nb.pop()\nb.append(74)\nmodel['decode_head']['num_classes'] = a[0]",
    "a = dict(b=1)\na.update([('b', 75)])\nmodel['decode_head']['num_classes'] = a['b']",
    "a = {True: 76, 1: 77}\nmodel['decode_head']['num_classes'] = a[1]",
    "a = {'1': 78}\nmodel['decode_head']['num_classes'] = a.get(1, 79)",
    "x = 5\ny = [x for x in (80,)]\nmodel['decode_head']['num_classes'] = x",
    "model['decode_head']['num_classes'] = True + 80",
    "model['decode_head']['num_classes'] = 5 if 1 is True else 6",
    "model['decode_head']['num_classes'] = 2 if None else 1 if [] else 82",
    "model['decode_head']['num_classes'] = 83 if 'a' < 'b' < 'c' else 84",
    "model['decode_head']['num_classes'] = 7 // 2 ** 0 * 3",
    "model['decode_head']['num_classes'] = (1, 2) + (85,) == (1, 2, 85) and 86",
    "model['decode_head']['num_classes'] = [1, 2] == (1, 2) and 86 or 87",
    "del crop_size",
    "(model['decode_head']['num_classes']) = 88.0",
    "del model",
    "crop_size = __import__('os').sep",
    f"head = {HEAD}\ndef change():\n    head['num_classes'] = 89\nchange()",
    f"head = {HEAD}\nclass X:\n    head['num_classes'] = 90",
    f"heads = [{HEAD}]\nchange = lambda: heads[0].update(num_classes=91)\nchange()",
    f"match {HEAD}:\n    case crop_size:\n        pass",
    f"match dict(model, decode_head=dict({HEAD}, num_classes=92)):\n    case model:\n        pass",
    "try:\n    1 / 0\nexcept ZeroDivisionError as model:\n    pass",
    "def change():\n    global model\n    from os import path as model\nchange()",
    f"print(end=str({HEAD}.pop('align_corners')))",
    f"rows = [1, 2, 3]\nfor n in rows:\n    rows[2] = 93\n{HEAD}['num_classes'] = n",
    f"rows = [1, 2, 3]\nfor i, n in enumerate(rows):\n    rows[2] = 94\n{HEAD}['num_classes'] = n",
    f"rows = [1]\nfor n in rows:\n    if n < 5:\n        rows.append(n + 1)\n{HEAD}['num_classes'] = n",
    "rows = dict(a=1, b=2)\nfor key, n in rows.items():\n    rows['b'] = 95\n"
    f"{HEAD}['num_classes'] = n",
    f"pairs = zip([1], [2])\nlist(pairs)\n{HEAD}['num_classes'] = 96 + len(list(pairs))",
    f"rows = (n for n in (1, 2))\nsum(rows)\n{HEAD}['num_classes'] = 97 + sum(rows)",
    "import sys\nsys._getframe().f_globals['model']['decode_head']['num_classes'] = 98",
    f"import builtins\nbuiltins.exec(\"{HEAD}['num_classes'] = 99\")",
    f"from builtins import exec as e\ne(\"{HEAD}['num_classes'] = 99\")",
    f"x: {HEAD}.update(num_classes=100) = 3",
    f"x = 2 < 1 < {HEAD}.pop('num_classes')",
    f"rows = dict(a=1)\nkeys = rows.keys()\nrows['b'] = 2\n{HEAD}['num_classes'] = 97 + len(keys)",
]
"""Statements that can change the network in ways that are not followed: often refused."""


def run(text: str) -> dict[str, Any] | None:
    """The names that running a config gives, as mmengine would; None if it raises."""
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(None), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(text, "config.py", "exec"), names)
        except Exception:  # any error means that there is no network
            return None
    return {key: names[key] for key in ("model", "crop_size") if key in names}


def imported(path: Path, text: str) -> hg.Spec | None:
    path.write_text(text)
    try:
        return import_config(path)[0]
    except hg.HRNetGraphError:
        return None


def agrees(folder: Path, text: str) -> bool:
    """Whether a config was imported; asserts that this was right, if it was."""
    ran = run(text.replace("{{ fileBasename }}", "config.py"))
    path = folder / "config.py"
    found = imported(path, text)
    if found is None or ran is None:  # a config that cannot be run makes no network at all
        return False
    wanted = imported(path, "\n".join(f"{key} = {value!r}" for key, value in ran.items()))
    assert found == wanted, text
    return True


@pytest.mark.parametrize("statement", FOLLOWED)
def test_a_statement_that_is_data_is_followed(tmp_path: Path, statement: str) -> None:
    text = f"{BASE}\n{statement}\n"
    ran = run(text.replace("{{ fileBasename }}", "config.py"))
    assert ran is not None
    literal = "\n".join(f"{key} = {value!r}" for key, value in ran.items())
    assert agrees(tmp_path, text) == (imported(tmp_path / "config.py", literal) is not None)


@pytest.mark.parametrize("statement", NOT_FOLLOWED)
def test_a_statement_that_is_not_followed_is_never_passed_over(
    tmp_path: Path, statement: str
) -> None:
    agrees(tmp_path, f"{BASE}\n{statement}\n")


def test_any_statements_together_give_what_running_them_gives(tmp_path: Path) -> None:
    draw = random.Random(7)
    outcomes = []
    for _ in range(300):
        statements = draw.choices(FOLLOWED, k=3) + draw.choices(NOT_FOLLOWED, k=draw.randint(0, 1))
        draw.shuffle(statements)
        outcomes.append(agrees(tmp_path, "\n".join([BASE, *statements])))
    assert outcomes.count(True) > 60
    assert outcomes.count(False) > 60


BASED = {
    "_base_.model.decode_head.num_classes = 2": 2,
    "_base_['model']['decode_head']['num_classes'] = 3": 3,
    "_base_.model.decode_head.update(num_classes=4)": 4,
    "head = _base_.model.decode_head\nhead.num_classes = 5": 5,
    "for key in ['decode_head']:\n    _base_.model[key].num_classes = 6": 6,
    "head = dict(_base_.model.decode_head, num_classes=7)\nmodel = dict(decode_head=head)": 7,
    "head = dict(_base_['model'].decode_head)\n_base_.model.decode_head = head\n"
    "head['num_classes'] = 8": 19,
    "model = {{_base_.model}}": 19,
    "def change():\n    _base_.model.decode_head.num_classes = 9\nchange()": None,
    "import os\nos.path.exists(_base_)": None,
    "_base_.model.decode_head.items = 10": None,
    "model = '{{_base_.model}}'": None,
}
"""What a config says of its base -> the classes that mmengine 0.10.7 reads, None if refused."""


@pytest.mark.parametrize("statement", BASED)
def test_what_a_config_changes_in_its_base_is_changed(tmp_path: Path, statement: str) -> None:
    (tmp_path / "base.py").write_text(BASE)
    found = imported(tmp_path / "config.py", f"_base_ = 'base.py'\n{statement}\n")
    assert (found and found.dump()["head"]["classes"]) == BASED[statement]


LAZY = {
    "model['decode_head']['num_classes'] = 2": 2,
    "model.decode_head.num_classes = 3": 3,
    "head = dict(model['decode_head'])\nmodel['decode_head'] = head\nhead['num_classes'] = 4": 19,
    "model.update(decode_head=dict(num_classes=5))": 5,
    "def change():\n    model['decode_head']['num_classes'] = 6\nchange()": None,
}
"""The same for a config that imports its base under `read_base()`."""


@pytest.mark.parametrize("statement", LAZY)
def test_what_a_config_changes_of_an_import_is_changed(tmp_path: Path, statement: str) -> None:
    (tmp_path / "base.py").write_text(BASE)
    start = "from mmengine.config import read_base\nwith read_base():\n    from .base import *\n"
    found = imported(tmp_path / "config.py", f"{start}{statement}\n")
    assert (found and found.dump()["head"]["classes"]) == LAZY[statement]
    assert imported(tmp_path / "config.py", f"model = dict(a=1)\n{start}") is None
