from __future__ import annotations

import pytest
from hypothesis import given

from legato.text.marks import (
    ITEM_SIGN,
    LINE_SIGN,
    MARK_SIGN,
    PARAGRAPH_SIGN,
    SIGNS,
    SPEAKER_SIGN,
    Mark,
)
from legato.text.markup import MarkupCleaner
from tests.text.texts import cut_up

NAMES = {PARAGRAPH_SIGN: "¶", SPEAKER_SIGN: "§", ITEM_SIGN: "•", LINE_SIGN: "/", MARK_SIGN: "!"}
LONG = "This line is broken because it has become too long for its page,"


def cleaned(text: str) -> str:
    """The cleaned text; signs stand as ¶ (paragraph) § (speaker) • (item) / (line) ! (mark)."""
    cleaner = MarkupCleaner()
    found = cleaner.feed(text) + cleaner.feed("", final=True)
    return "".join(NAMES.get(character, character) for character in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** *it* __b__ _i_ ~~s~~ `c`", "bold it b i s c"),
        ("snake_case, 5*3, x^2, C:\\dir", "snake case, 5 3, x 2, C:dir"),
        ("[the docs](https://x.y/z_(a) 'T') end", "the docs end"),
        ("[the docs][ref] [1] [^note]end", "the docs 1 end"),
        ("a [b](not a link) c", "a b(not a link) c"),
        ("![a cat](cat.png)", "!a cat"),
        ("<b>bold</b> <i class='x'>it</i> <https://x.y>", "bold it https://x.y"),
        ("a<br>b<p>c</p>d", "a/b¶c¶d"),
        ("a <!-- no --> b <!DOCTYPE x> c", "a  b  c"),
        ("x < y > z, I <3 you", "x  y  z, I 3 you"),
        ("R&D &amp; M&Ms &lt;b&gt; &nosuch; &#65;&#1;", "R&D & M&Ms  b  &nosuch; A"),
        ("Hi 😀! No👩‍👩‍👧no 1️⃣ 🇩🇪", "Hi ! No no 1 "),
        ("a\0b\x1bc\u200bd\ufeffe\u00adf\ud800g", "abcdefg"),
        ("क्‍ष می‌شود a\u200db", "क्‍ष می‌شود ab"),
        ("tab\tand → arrow", "tab and  arrow"),
        ("#tag and C#", "tag and C"),
    ],
)
def test_within_a_line(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\n\nTwo.", "One.¶Two."),
        ("One.\r\n\r\nTwo.\r\rThree.\fFour.\u2029Five.", "One.¶Two.¶Three./Four.¶Five."),
        (f"{LONG}\nand goes on.", f"{LONG} and goes on."),
        (f"{LONG} {LONG}\nNext.", f"{LONG} {LONG}¶Next."),
        ("Roses are red\nViolets are blue", "Roses are red/Violets are blue"),
        ("昨日は雨でした\n今日は晴れです", "昨日は雨でした/今日は晴れです"),
        ("# Title #\nText", "Title ¶Text"),
        ("Text\n## Title\nText", "Text¶Title¶Text"),
        ("To do:\n- one\n* two\n+ [x] three\n  • four\nDone", "To do:•one•two•three•four•Done"),
        ("To do:\n1. one\n2) two\n\n3. three", "To do:•1. one•2) two¶3. three"),
        ("> quoted\n> > twice\nend", "quoted/twice/end"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a / b /• 1 / 2 /"),
        ("One\n***\nTwo\n\n- - -\nThree\n=====\nFour", "One¶Two¶Three¶Four"),
        ("One\n```py\nx = 1\n``\n```\nTwo", "One¶Two"),
        ("~~~\nall code", ""),
        ('One.\n"Two," he said.\n— Three.', 'One.§"Two," he said.§— Three.'),
        ("One.\n\n“Two.”", "One.§“Two.”"),
        ("Hi.\nBob Smith: Hello.\n**ANN:** Hm.", "Hi.§Bob Smith: Hello.§ANN: Hm."),
        ("やあ。\n太郎：こんにちは。", "やあ。§太郎：こんにちは。"),
        ("Hi.\nBob\nAnn: x", "Hi./Bob§Ann: x"),
        ("Hi.\nAt ten: go", "Hi./At ten: go"),
        ("Hi.\nBob:30", "Hi./Bob:30"),
        ("Hi.\n" + "Bob" * 20 + ": no name", "Hi./" + "Bob" * 20 + ": no name"),
        ("\n\n  Text", "Text"),
        ("\ufeff# Title", "Title"),
        (">", ""),
        ("-", "-"),
    ],
)
def test_lines(text: str, expected: str) -> None:
    spaced = cleaned(text)
    for sign in NAMES.values():
        spaced = spaced.replace(f"• {sign}", f"•{sign}")
    assert spaced.replace("•1 ", "• 1 ").strip() == expected.strip()


def test_marks_are_read_and_leave_a_sign() -> None:
    cleaner = MarkupCleaner()
    text = cleaner.feed("a [pause:1.5s] b[voice: Ann B ]c[rate:default][pause:.5]", final=True)
    assert text == f"a {MARK_SIGN} b{MARK_SIGN}c{MARK_SIGN}{MARK_SIGN}"
    assert cleaner.take_marks(3) == [Mark(pause_s=1.5)]
    assert cleaner.take_marks(99) == [Mark(voice="Ann B"), Mark(rate=0.0), Mark(pause_s=0.5)]


@pytest.mark.parametrize(
    "text", ["[pause", "[", "<b", "<!-- x", "&am", "](http://x", '](a "b', "*"]
)
def test_what_cannot_be_understood_yet_waits(text: str) -> None:
    cleaner = MarkupCleaner()
    assert cleaner.feed("y" + text) == "y"
    assert cleaner.waits_for == text
    assert cleaner.between_lines == 0


def test_a_fence_that_is_not_whole_yet_waits() -> None:
    cleaner = MarkupCleaner()
    assert cleaner.feed("```\ncode\n``") == ""
    assert cleaner.waits_for == "``"
    assert cleaner.feed("`\nText", final=True) == "Text"


@pytest.mark.parametrize("text", ["[pause" + " x" * 60, "<b" + "b" * 400, "<!--" + "x" * 1_100])
def test_waiting_is_bounded(text: str) -> None:
    cleaner = MarkupCleaner()
    assert cleaner.feed(text) != ""
    assert cleaner.waits_for == ""


def test_line_breaks_behind_the_text_are_counted() -> None:
    cleaner = MarkupCleaner()
    cleaner.feed("Yes.\n")
    assert cleaner.between_lines == 1
    cleaner.feed("\n")
    assert cleaner.between_lines == 2
    cleaner.feed("More")
    assert cleaner.between_lines == 0


def test_markup_goes_with_the_text_that_it_belongs_to() -> None:
    cleaner = MarkupCleaner()
    text = "中文**粗体**中文<b>粗</b>。"
    assert cleaner.feed(text, final=True) == "中文粗体中文粗。"
    cuts = [cleaner.map.cut(at) for at in (2, 4, 6, 7, 8, 99)]
    assert [text[:cut] for cut in cuts] == [
        "中文",
        "中文**粗体**",
        "中文**粗体**中文",
        "中文**粗体**中文<b>粗</b>",
        text,
        text,
    ]


@given(cut_up())
def test_the_result_does_not_depend_on_the_pieces(text_and_pieces: tuple[str, list[str]]) -> None:
    text, pieces = text_and_pieces
    whole, pieced = MarkupCleaner(), MarkupCleaner()
    expected = whole.feed(text) + whole.feed("", final=True)
    assert "".join(map(pieced.feed, pieces)) + pieced.feed("", final=True) == expected
    assert pieced.marks == whole.marks
    length = len(expected)
    assert pieced.map.pairs(0, length) == whole.map.pairs(0, length)
    assert [pieced.map.cut(at) for at in range(length)] == [
        whole.map.cut(at) for at in range(length)
    ]
    assert set(expected) & set(SIGNS) <= set(SIGNS)
