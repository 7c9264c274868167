"""A figure as SVG that may stand inside a page: colours by name, tooltips, ids of its own."""

from __future__ import annotations

import io
import re
import warnings
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from legato.report.axes import styled
from legato.report.palette import NAMES
from legato.report.tips import text_of

_TIP = re.compile(r'<g id="tip-([0-9a-f]*)">')
_ID = re.compile(r' id="([^"]+)"')
_STYLE = re.compile(r"<style.*?</style>", re.S)
_TAG = re.compile(r"<[^>]+>")
_FINE = re.compile(r"(\d\.\d\d)\d+")  # hundredths of a point are enough, for lines
_USED = re.compile(r'(?:url\(#|href="#)([^")]+)')


def inline(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an <svg> element. name: unique within the page, letters and digits."""
    raw = io.StringIO()
    with styled(), mpl.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # Letters that no font of ours has: the page's reader brings fonts of his own.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(raw, format="svg", metadata=nothing)
    whole = raw.getvalue()
    svg = _STYLE.sub("", whole[whole.index("<svg") :].strip())
    svg = _TAG.sub(lambda tag: _FINE.sub(r"\1", tag[0]).replace(" \nL ", "L"), svg)
    svg = _coloured(_own_ids(_with_tips(svg), name))
    width, height = (round(72 * inches) for inches in figure.get_size_inches())
    head = (
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return head + svg[svg.index(">") + 1 :]


def _with_tips(svg: str) -> str:
    return _TIP.sub(lambda found: f'<g class="tip"><title>{escape(text_of(found[1]))}</title>', svg)


def _own_ids(svg: str, name: str) -> str:
    """Ids that something refers to get the figure's name; the others go."""
    used = set(_USED.findall(svg))
    svg = _ID.sub(lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    return _USED.sub(lambda found: found[0].replace(f"#{found[1]}", f"#{name}-{found[1]}"), svg)


def _coloured(svg: str) -> str:
    for colour, name in NAMES.items():
        svg = svg.replace(f'="{colour}"', f'="var(--{name})"').replace(colour, f"var(--{name})")
    return svg
