"""A drawing as PNG: its PDF, painted."""

from __future__ import annotations

import math
import struct
import zlib
from threading import Lock

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.extras import missing
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.to_pdf import to_pdf

RESOLUTION, PRINTED = 192, 300
"""In pixels an inch: on a screen, and on a journal's page."""

_SIDE, _PIXELS = 32_767, 200_000_000
"""How many pixels a png may be wide or high, and have in all."""

_PAINTING = Lock()
"""PDFium paints for one at a time."""


def fitting(drawing: Drawing, resolution: float) -> float:
    """The resolution in which a drawing is no larger than a png may be."""
    wide, high = (resolution * side / 72 for side in drawing.size)
    return resolution * min(1.0, _SIDE / max(wide, high), math.sqrt(_PIXELS / (wide * high)))


def to_png(drawing: Drawing, resolution: float = RESOLUTION) -> bytes:
    """The drawing in so many pixels an inch, which it says.

    Raises `HRNetGraphError` where nothing paints, as in a browser, which paints svg by itself.

    Source: PNG 3rd ed., 11.
    """
    if missing(("pypdfium2",)):
        raise HRNetGraphError("a png needs pypdfium2", "pip install pypdfium2")
    wide, high, rows = _paint(to_pdf(drawing), resolution)
    metre = round(resolution / 0.0254)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", metre, metre, 1)),
            _chunk(b"IDAT", _packed(rows, 3 * wide)),
            _chunk(b"IEND", b""),
        )
    )


def _paint(pdf: bytes, resolution: float) -> tuple[int, int, memoryview]:
    """Width and height in pixels, and rows of red, green and blue."""
    from pypdfium2 import PdfDocument

    with _PAINTING:
        document = PdfDocument(pdf)
        page = document[0]
        longer = max(page.get_size())
        # which rounds the pixels of each side up
        scale = (max(1, round(longer * resolution / 72)) - 1e-3) / longer
        bitmap = page.render(scale=scale, rev_byteorder=True)
        found = bitmap.width, bitmap.height, memoryview(bitmap.buffer).cast("B")
        document.close()
    return found


def _packed(rows: memoryview, length: int) -> bytes:
    """Rows of so many bytes, packed: each begins with how it was filtered, which is not at all."""
    packer = zlib.compressobj(6)
    parts = []
    for start in range(0, len(rows), length):
        parts += [packer.compress(b"\0"), packer.compress(rows[start : start + length])]
    return b"".join((*parts, packer.flush()))


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
