"""All figures of a report in one PNG, one above the other, on white."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from legato.report.axes import MARGIN_IN, WIDTH_IN, styled
from legato.report.palette import MUTED

_DPI = 130
_EDGE = 40  # pixels of white around it
_MOST_ROWS = 30_000  # of pixels: what viewers still open


def write_picture(path: Path, figures: Iterable[Figure]) -> None:
    """Draw them all, as many as a viewer can still open. Raises OSError."""
    rows: list[NDArray[np.uint8]] = []
    for figure in figures:
        rows.append(_pixels(figure))
        if sum(row.shape[0] for row in rows) > _MOST_ROWS:
            rows.pop()
            break
    whole = np.vstack(rows)
    edges = ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0))
    matplotlib.image.imsave(path, np.pad(whole, edges, constant_values=255), format="png")


def heading(title: str, lines: Sequence[str], size: float = 15) -> Figure:
    """A title and lines beneath it, as a figure of its own."""
    height_in = 0.2 + size / 40 + 0.22 * len(lines)
    with styled():
        figure = Figure(figsize=(WIDTH_IN, height_in))
        left, top_in = MARGIN_IN / WIDTH_IN, 0.1 + size / 60
        figure.text(
            left, 1 - top_in / height_in, title, fontsize=size, weight="bold", va="center"
        )  # fmt: skip
        for number, line in enumerate(lines):
            at_in = top_in + size / 80 + 0.17 + 0.22 * number
            figure.text(left, 1 - at_in / height_in, line, fontsize=9.5, color=MUTED, va="center")
    return figure


def _pixels(figure: Figure) -> NDArray[np.uint8]:
    """Shape (height, width, 3)."""
    with styled(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.set_dpi(_DPI)
        figure.set_facecolor("white")
        canvas = FigureCanvasAgg(figure)
        raw = io.BytesIO()
        canvas.print_raw(raw)  # type: ignore[no-untyped-call]
        width, height = canvas.get_width_height()
        pixels = np.frombuffer(raw.getvalue(), np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(pixels[:, :, :3])
