from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from legato.report.axes import styled
from legato.report.figures import window_figure
from legato.report.palette import NAMES
from legato.report.svg import inline
from legato.report.windows import select
from tests.report.scenes import Story, line

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def svg() -> str:
    shown = line(Story(chunks=3, chunk_s=4.0, rtf=1.25))
    figure = window_figure(shown, select(shown).windows[0])
    return inline(figure, "w1", "A <title>", 'What "is" seen')


def test_it_is_whole_xml_with_a_name_and_a_description(svg: str) -> None:
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "w1-title w1-desc"
    assert [child.text for child in root[:2]] == ["A <title>", 'What "is" seen']
    assert str(root.get("viewBox")).startswith("0 0 778 ")


def test_text_stays_text(svg: str) -> None:
    texts = ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert "1.0 s synthesis" in texts
    assert "Once upon a time, in a town by…" in texts


def test_every_silence_and_bar_has_its_tooltip(svg: str) -> None:
    titles = [title.text for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert "hold of 1.0 s at 9.00 s, before chunk 1, at sentence; synthesis" in titles
    assert "hold of 1.0 s at 14.00 s, before chunk 2, at comma; synthesis" in titles
    assert "chunk 1 decoded 5.00 to 10.00 s" in titles
    assert "chunk 1 heard 10.00 to 14.00 s" in titles


def test_neutral_colours_are_left_to_the_page(svg: str) -> None:
    for colour, name in NAMES.items():
        assert colour not in svg
        assert f"var(--{name})" in svg


def test_ids_are_its_own_and_each_is_used(svg: str) -> None:
    ids = re.findall(r' id="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert all(each.startswith("w1-") for each in ids)
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg))
    assert {one or other for one, other in used} <= set(ids)


def test_the_same_run_gives_the_same_drawing(svg: str) -> None:
    shown = line(Story(chunks=3, chunk_s=4.0, rtf=1.25))
    figure = window_figure(shown, select(shown).windows[0])
    assert inline(figure, "w1", "A <title>", 'What "is" seen') == svg


def test_it_brings_no_style_of_its_own_and_no_metadata(svg: str) -> None:
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert "<!DOCTYPE" not in svg


def test_lines_are_drawn_to_hundredths_and_words_left_as_they_are() -> None:
    with styled():
        figure = Figure(figsize=(2, 1))
        figure.text(1 / 3, 0.5, "0.00314 s")
    drawn = inline(figure, "w2", "", "")
    assert "0.00314 s</text>" in drawn
    assert re.search(r"<text[^>]* x=\"48(\.0+)?\"", drawn)
    assert not re.search(r"<[^>]*\d\.\d{3}", drawn)
