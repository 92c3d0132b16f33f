"""Names of networks folded into families, as a shell's braces unfold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase


@dataclass(frozen=True)
class Family:
    """Networks whose names differ in some words alone; `words` has the choices of each word."""

    words: tuple[tuple[str, ...], ...]
    members: tuple[str, ...]

    @property
    def name(self) -> str:
        """All of them in one: `hrnet_w{18,32}_cls`."""
        return "_".join(map(_braced, self.words))


def fold_names(names: Sequence[str]) -> list[Family]:
    """Families of the names, each name in one, in the order of their first members.

    Example:
        >>> [family.name for family in fold_names(["net_w18_cls", "net_w32_cls", "net_w18"])]
        ['net_w{18,32}_cls', 'net_w18']
    """
    found = [Family(tuple((word,) for word in name.split("_")), (name,)) for name in names]
    while alike := max(_alike(found), key=len, default=[]):
        found[found.index(alike[0])] = _joined(alike)
        found = [family for family in found if family not in alike]
    return found


def _alike(families: Sequence[Family]) -> list[list[Family]]:
    """Groups of two or more that differ in one word; in the first one by its number alone."""
    groups = defaultdict(list)
    for family in families:
        for i in range(len(family.words)):
            before, word, behind = family.words[:i], family.words[i], family.words[i + 1 :]
            groups[i, before, _letters(word[0]) if i == 0 else "", behind].append(family)
    return [group for group in groups.values() if len(group) > 1]


def _joined(families: Sequence[Family]) -> Family:
    """One family of several: for each word the choices of all."""
    rows = zip(*(family.words for family in families), strict=True)
    words = [dict.fromkeys(word for choices in row for word in choices) for row in rows]
    members = tuple(name for family in families for name in family.members)
    return Family(tuple(map(tuple, words)), members)


def _braced(choices: Sequence[str]) -> str:
    """`w{18,32}` of w18 and w32; words that do not differ by a number alone stand whole."""
    if len(choices) == 1:
        return choices[0]
    stems = {_letters(word) for word in choices}
    stem = stems.pop() if len(stems) == 1 and choices[0] != _letters(choices[0]) else ""
    return f"{stem}{{{','.join(word.removeprefix(stem) for word in choices)}}}"


def _letters(word: str) -> str:
    """What a word begins with before its number."""
    return word.removesuffix(word.lstrip(ascii_lowercase))
