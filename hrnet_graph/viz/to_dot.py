"""A drawing as DOT, with every position given, so that Graphviz only draws."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from hrnet_graph.viz.drawing import Arrow, Box, Drawing, Ink, Label, Point, Rect
from hrnet_graph.viz.shape import STAND_INS
from hrnet_graph.viz.text_metrics import clean


def to_dot(drawing: Drawing) -> str:
    """The drawing as DOT that any Graphviz draws as it stands: it says so itself, by its layout.

    Parts and tensors are nodes and edges; what is there for the eye alone is in the background.
    Words are drawn in the fonts that Graphviz finds.
    """
    names, high, fonts = drawing.names, drawing.height, f"{drawing.font.name},{STAND_INS}"
    sheet = {
        "layout": "nop2",
        "outputorder": "edgesfirst",
        "bgcolor": drawing.paper,
        "pad": "0",
        "margin": "0",
        **_size(drawing),
        "fontname": fonts,
    }
    return "".join(
        (
            f"digraph {_quote(clean(drawing.name, 300))} {{\n",
            _statement("graph", sheet),
            _statement("node", {"fixedsize": "true", "fontname": fonts, "margin": "0"}),
            f"\tgraph [_background={_background(drawing)}]\n",
            *(_statement(_quote(names[box.path]), _box(box, high)) for box in drawing.boxes),
            *(
                _statement(f'"words:{number}"', _label(label, high))
                for number, label in enumerate(drawing.labels)
            ),
            *(
                _statement(
                    f"{_quote(names[arrow.source])} -> {_quote(names[arrow.target])}",
                    _arrow(arrow, high),
                )
                for arrow in drawing.arrows
            ),
            "}\n",
        )
    )


def _statement(target: str, attributes: Mapping[str, str]) -> str:
    """A line of DOT; a label of ours is HTML-like and stands as it is."""
    said = (
        f"{key}={value if key == 'label' and value else _quote(value)}"
        for key, value in attributes.items()
    )
    return f"\t{target} [{' '.join(said)}]\n"


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
        "penwidth": "0.8",
        "label": "",
        "tooltip": clean(box.tooltip or box.path, 300).replace("\\", r"\\"),
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
    *spline, tip = arrow.points
    points, foot = " ".join(_point(point, high) for point in spline), spline[-1]
    length = abs(tip[0] - foot[0]) + abs(tip[1] - foot[1])
    return {
        "pos": f"e,{_point(tip, high)} {points}",
        "color": arrow.colour,
        "style": arrow.dash,
        "penwidth": _number(arrow.weight),
        "arrowsize": _number(length / 10),
        "class": arrow.kind,
    }


def _place(rect: Rect, high: float) -> dict[str, str]:
    width, height = _number(rect.width / 72, 4), _number(rect.height / 72, 4)
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
    """What is there for the eye alone, in Graphviz's xdot language, on a sheet of paper."""
    edge = Rect(0, 0, drawing.width, drawing.height).corners
    sheet = Ink(edge, drawing.paper, drawing.paper)
    pieces = [""]
    for ink in (sheet, *drawing.inks):
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
