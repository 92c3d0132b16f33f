"""A drawing as DOT, with every position given, so that an engine only draws."""

from __future__ import annotations

from html import escape

import graphviz

from hrnet_graph.viz.drawing import STAND_INS, Arrow, Box, Drawing, Ink, Label, Point, Rect
from hrnet_graph.viz.words import clean


def to_dot(drawing: Drawing) -> str:
    """The drawing as DOT that any Graphviz draws as it stands: it says so itself, by its layout.

    Parts and tensors are nodes and edges; what is there for the eye alone is in the background.
    """
    names, high = drawing.names, drawing.height
    fonts = graphviz.escape(f"{drawing.font.name},{STAND_INS}")
    dot = graphviz.Digraph(
        name=graphviz.escape(clean(drawing.name, 300)),
        graph_attr={
            "layout": "nop2",
            "outputorder": "edgesfirst",
            "bgcolor": drawing.paper,
            "pad": "0",
            "margin": "0",
            **_size(drawing),
            "fontname": fonts,
        },
        node_attr={"fixedsize": "true", "fontname": fonts, "margin": "0"},
    )
    dot.body.append(f"\tgraph [_background={_background(drawing)}]\n")
    for box in drawing.boxes:
        dot.node(names[box.path], **_box(box, high))
    for number, label in enumerate(drawing.labels):
        dot.node(f"words:{number}", **_label(label, high))
    for arrow in drawing.arrows:
        ends = f"{_quote(names[arrow.source])} -> {_quote(names[arrow.target])}"
        said = " ".join(f"{key}={_quote(value)}" for key, value in _arrow(arrow, high).items())
        dot.body.append(f"\t{ends} [{said}]\n")
    return str(dot.source)


def _size(drawing: Drawing) -> dict[str, str]:
    """What Graphviz scales the figure to, its dashes and its text too: a width alone, in inches.

    It rounds to whole points, so that a height as well would make the figure narrower.
    """
    width, height = (side / 72 for side in drawing.size)
    return {} if drawing.scale == 1 else {"size": f"{_number(width, 4)},{_number(height + 1)}!"}


def _box(box: Box, high: float) -> dict[str, str]:
    drawn = bool(box.fill or box.stroke)
    return {
        **_place(box.rect, high),
        "shape": "box",
        "style": "filled,rounded" if drawn else "filled",
        "color": box.stroke or "transparent",
        "fillcolor": box.fill or "transparent",
        "penwidth": _number(box.weight),
        "label": "",
        "tooltip": graphviz.escape(clean(box.tooltip or box.path, 300)),
        "class": f"part {box.kind}",
    }


def _label(label: Label, high: float) -> dict[str, str]:
    return {
        **_place(label.rect, high),
        "shape": "none",
        "fixedsize": "shape",
        "label": _html(label),
        "fontsize": _number(label.size),
        "fontcolor": label.colour,
        "class": "words",
    }


def _html(label: Label) -> str:
    """The lines as an HTML-like label; a table as wide as the rectangle keeps them left."""
    lines = [f"<b>{escape(x)}</b>" if label.bold else escape(x) for x in label.lines]
    if label.align == "centre":
        return f"<{'<br/>'.join(lines)}>"
    rows = "".join(f'<tr><td align="left">{line}</td></tr>' for line in lines)
    frame = 'border="0" cellborder="0" cellspacing="0" cellpadding="0"'
    return f'<<table {frame} width="{round(label.rect.width)}">{rows}</table>>'


def _arrow(arrow: Arrow, high: float) -> dict[str, str]:
    return {
        "pos": " ".join(_point(point, high) for point in arrow.points[:-1]),
        "color": arrow.colour,
        "style": arrow.dash,
        "penwidth": _number(arrow.weight),
        "class": arrow.kind,
    }


def _place(rect: Rect, high: float) -> dict[str, str]:
    """Centre and size, in whole points, to which older versions of Graphviz round it."""
    width, height = (_number(round(side) / 72, 6) for side in (rect.width, rect.height))
    return {"pos": f"{_point(rect.centre, high)}!", "width": width, "height": height}


def _point(point: Point, high: float) -> str:
    """A point as Graphviz has it: y up; a tenth of a point is finer than any eye."""
    return f"{_number(point[0], 1)},{_number(high - point[1], 1)}"


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def _quote(text: str) -> str:
    """A string of DOT, in which a backslash stands before a quote and before a backslash."""
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


_LONGEST = 8000
"""Graphviz reads quoted strings of 16384 characters at most, but adds them up."""


def _background(drawing: Drawing) -> str:
    """The backdrop in Graphviz's xdot language."""
    pieces = [""]
    for ink in drawing.backdrop:
        if len(pieces[-1]) > _LONGEST:
            pieces.append("")
        pieces[-1] += _ink(ink, drawing.height)
    return " + ".join(_quote(piece) for piece in pieces)


def _ink(ink: Ink, high: float) -> str:
    points = " ".join(_point(point, high).replace(",", " ") for point in ink.points)
    styles = (ink.dash, f"setlinewidth({_number(ink.weight)})")
    style = " ".join(f"S {len(name)} -{name}" for name in styles)
    shape = f"C 7 -{ink.fill} P" if ink.fill else "L"
    return f"{style} c 7 -{ink.stroke or ink.fill} {shape} {len(ink.points)} {points} "
