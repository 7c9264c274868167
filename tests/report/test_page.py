from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from legato.events import Event
from legato.report.page import page
from legato.report.timeline import timelines
from legato.report.trace import Trace
from tests.report.scenes import Story, run_event, told, trace

_VOID = {"meta", "br", "img", "hr", "input", "link"}
_NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


class Reader(HTMLParser):
    """Elements in order, their text, and whether each one is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def html_of(read: Trace, name: str = "run.jsonl") -> str:
    return page(name, read, timelines(read), [("chunks", "4")])


@pytest.fixture(scope="module")
def html() -> str:
    return html_of(trace(Story(chunks=4, chunk_s=4.0, rtf=1.25, cause="text")))


def test_it_is_one_whole_page(html: str) -> None:
    reader = Reader(html)
    assert reader.open == []
    assert html.startswith('<!doctype html><html lang="en">')
    assert len(reader.all("h1")) == 1
    assert [name for name, _ in reader.tags if name in ("header", "main", "footer")] == [
        "header", "main", "footer",
    ]  # fmt: skip


def test_it_needs_nothing_beside_it(html: str) -> None:
    reader = Reader(html)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & {
        name for name, _ in reader.tags
    }
    assert set(re.findall(r"https?://[^\s\"'<)]+", html)) <= _NAMESPACES
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    links = [attributes.get("href") or "" for attributes in reader.all("a")]
    assert all(link.startswith("#") for link in links)


def test_ids_are_unique_and_references_lead_somewhere(html: str) -> None:
    reader = Reader(html_of(trace(Story(chunks=40), Story(lane=3, rtf=1.25))))
    ids = [value for _, attributes in reader.tags if (value := attributes.get("id"))]
    assert len(ids) == len(set(ids))
    for _, attributes in reader.tags:
        for name in ("href", "xlink:href"):
            if (target := attributes.get(name)) is not None:
                assert target.removeprefix("#") in ids
        for named in (attributes.get("aria-labelledby") or "").split():
            assert named in ids


def test_every_figure_is_described_and_every_table_has_its_heads(html: str) -> None:
    reader = Reader(html)
    drawings = [svg for svg in reader.all("svg") if svg.get("role") == "img"]
    assert len(drawings) == len(reader.all("figure")) == 4
    assert all(svg.get("aria-labelledby") for svg in drawings)
    assert len(reader.all("caption")) == len(reader.all("table")) >= 4
    assert {head.get("scope") for head in reader.all("th")} == {"col", "row"}


def test_every_silence_is_marked_in_a_figure_and_listed_with_its_cause(html: str) -> None:
    for at_s, chunk, place in ((9, 1, "sentence"), (14, 2, "comma"), (19, 3, "paragraph")):
        tooltip = f"hold of 1.0 s at {at_s}.00 s, before chunk {chunk}, at {place}; text"
        assert html.count(f"<title>{tooltip}</title>") == 1
        assert f'<th scope="row">{at_s}.00</th><td>1.0 s</td><td>hold</td>' in html
    text = Reader(html).text
    assert "3 silences, 3.0 s in all" in text
    assert "3 × · 3.0 s" in text


def test_it_tells_what_the_policy_assumed(html: str) -> None:
    row = "".join(f'<td class="number">{value}</td>' for value in (1.25, 1.25, 1.265, 1.28, 1.28))
    assert f'<th scope="row">rtf</th>{row}' in html
    assert '<th scope="row">quantile</th>' in html
    assert "rtf 1.25, quantile 0.99, slack_s 0.4" in html


def test_without_assumptions_it_says_so() -> None:
    assert "The policy told no assumptions" in html_of(trace(Story(assumed=False)))


def test_both_schemes_print_and_phones_are_served(html: str) -> None:
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
    assert "max-width: 640px" in html


def test_words_of_strangers_are_words() -> None:
    evil = '</title><script>alert("x")</script>\x00\ud800'
    rows = [
        replace(row, detail={**row.detail, "spoken": evil, "boundary": evil})
        if row.kind == "chunk"
        else replace(row, detail={**row.detail, "why": evil, "assumed": {evil: 1.0}})
        if row.kind == "gate"
        else row
        for row in told(Story(cause="<b>", rtf=1.25))  # type: ignore[arg-type]
    ]
    read = Trace((run_event(Story(), engine=evil), *rows))
    reader = Reader(html_of(read, f"{evil}.jsonl"))
    assert reader.open == []
    assert reader.all("script") == []
    assert reader.all("b") == []
    assert 'alert("x")' in reader.text


def test_each_lane_has_its_section() -> None:
    html = html_of(trace(Story(), Story(lane=3, rtf=1.25)))
    assert [head.get("id") for head in Reader(html).all("h2") if head.get("id")] == [
        "lane0", "lane3",
    ]  # fmt: skip
    assert "16.0 s heard without a gap." in html
    assert "3 silences, 3.0 s in all" in html


def test_a_long_run_links_to_its_stretches_and_says_what_is_left_out() -> None:
    html = html_of(trace(Story(chunks=300, rtf=1.01, levels=False)))
    links = [link.get("href") for link in Reader(html).all("a")]
    assert links == [f"#at-window0x{number}" for number in range(6)]
    assert "the 5 stretches with most silence. 10 more would show the rest." in html
    assert "All 299 silences" in html


def test_a_run_without_chunks_is_a_page_all_the_same() -> None:
    html = html_of(Trace((run_event(Story()), Event(100.0, "text"))))
    assert "No chunk was made in this run." in html
    assert Reader(html).all("figure") == []


def test_a_clock_that_jumped_is_drawn_all_the_same() -> None:
    rows = [*told(Story(levels=False)), Event(1e9, "hold", 0, 3, 3 * 192_000, "device",
            {"gap_s": 1.0})]  # fmt: skip
    html = html_of(Trace(tuple(rows)))
    assert "1 silence, 1.0 s in all" in html
