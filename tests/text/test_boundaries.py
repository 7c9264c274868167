from __future__ import annotations

import pytest
from hypothesis import given

from legato.text.boundaries import BoundaryScanner
from legato.text.languages import rules_for
from legato.text.markup import MarkupCleaner
from legato.types import LANGUAGES, Boundary
from tests.text.texts import cut_up

LEVELS = {
    Boundary.COMMA: ",",
    Boundary.CLAUSE: ";",
    Boundary.SENTENCE: ".",
    Boundary.SPEAKER: "§",
    Boundary.PARAGRAPH: "¶",
    Boundary.SPACE: "_",
}


def marked(text: str, language: str = "en") -> str:
    """The text with `|` and the strength in front of every place where it may be cut."""
    scanner, stepwise = (BoundaryScanner(rules_for(language)) for _ in range(2))
    cleaned = MarkupCleaner().feed(text, final=True)
    scanner.scan(cleaned, final=True)
    for character in cleaned:
        stepwise.scan(character)
    stepwise.scan("", final=True)
    assert stepwise.candidates == scanner.candidates
    pieces, start = [], 0
    for candidate in scanner.candidates:
        pieces.append(
            scanner.slice(start, candidate.at).rstrip() + "|" + LEVELS[candidate.strength]
        )
        start = candidate.at
    return " ".join([*pieces, scanner.slice(start, scanner.end)])


def unmarked(text: str, language: str = "en") -> bool:
    return marked(text, language) == " " + text or marked(text, language) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Dr. Smith and Mrs. Jones of St. Louis"),
        ("en", "J. R. R. Tolkien and John F. Kennedy"),
        ("en", "e.g. London or the U.S. Navy at 5 p.m. Eastern time"),
        ("en", "it cost $3.50 or 1,000 at 10:30 in v2.4.1"),
        ("en", "see no. 7 on p. 42 of vol. III in fig. 2"),
        ("en", "mail a@b.cd or www.x.org/a,b;c or read-me.txt now"),
        ("en", "Yahoo! is well-known and we"),
        ("en", 'a "short. Quotation! Kept" whole'),
        ("en", "a (short. Bracket, kept) whole"),
        ("en", "the ‘small. Miracle’ and 'one. More' here"),
        ("en", "March 3, 1911 and 1990–1995 and 5 - 3"),
        ("en", '"Run!" he said'),
        ("en", '"Run!" Mary said'),
        ("en", '"Run!" the postman asked'),
        ("en", '"Never," she whispered'),
        ("de", "am 3. Oktober um 8 Uhr"),
        ("de", "etwas z. B. eine Mütze"),
        ("de", "„Komm!“, rief er"),
        ("de", "»Komm!«, rief er"),
        ("fr", "« Viens ! » dit-il"),
        ("fr", "« Viens », dit-il"),
        ("ru", "«Беги!» — крикнул он"),
        ("ru", "и т. д. и т. п. в 1990 г. они"),
        ("ja", "「逃げろ！」と叫んだ"),
        ("zh-cn", "“快跑！”他说"),
        ("ja", "１，０００と３．５と10：30"),
        ("ja", "。「Dr. 山本」"[2:8]),
    ],
)
def test_never_cut(language: str, text: str) -> None:
    assert unmarked(text, language)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "One. Two? Three! Four", "One.|. Two?|. Three!|. Four"),
        ("en", "He has plan B. Then we go", "He has plan B.|. Then we go"),
        ("en", "Lamps, ropes, etc. The rest", "Lamps,|, ropes,|, etc.|. The rest"),
        ("en", "He left in 1990. He was 30. She", "He left in 1990.|. He was 30.|. She"),
        ("en", "Do: 1. this. 2. that", "Do:|; 1. this.|. 2. that"),
        ("en", "He paused... Then he went… on", "He paused...|. Then he went…|, on"),
        ("en", "He paused. . . Then", "He paused. . .|. Then"),
        ("en", "The end. . Then", "The end. .|. Then"),
        ("en", "It is v. 3. the", "It is v. 3. the"),
        ("en", "In the U.S. 40 people", "In the U.S. 40 people"),
        ("en", '"Go." she', '"Go." she'),
        ("en", '"Go." 5 left', '"Go."|. 5 left'),
        ("en", "One; two: three, four", "One;|; two:|; three,|, four"),
        ("en", "One—two -- three – four - five", "One—|; two --|; three –|; four -|; five"),
        ("en", 'He said: "Go." Then left', 'He said:|; "Go."|. Then left'),
        ("en", '"Go." He left, "and" she', '"Go."|. He left,|, "and" she'),
        ("en", '"Go," and he went', '"Go,"|, and he went'),
        ("en", '"I know," said', '"I know," said'),
        ("en", f'"{"word " * 15}end. New." X', f'"{"word " * 15}end.|. New."|. X'),
        ("en", "It was ‘${x}’. Then", "It was ‘${x}’.|. Then"),
        ("en", "One.\n\nTwo.\nThree", "One.|¶ Two.|. Three"),
        ("en", "One\n\n'Two'\nBob: three", "One|¶ 'Two'|§ Bob:|; three"),
        ("en", "- one\n- two", "one|. two"),
        ("en", "One [pause:1s] two: [pause:1s]three", "One|_ two:|; three"),
        ("es", "—Hola —dijo él—. ¿Qué? ¡Ven!", "—Hola|; —dijo él—.|. ¿Qué?|. ¡Ven!"),
        ("es", "—Hola. —Sí", "—Hola.|. —Sí"),
        ("es", "Los EE. UU. son. ¿Y?", "Los EE. UU. son.|. ¿Y?"),
        ("fr", "« Oui. » Elle partit ; puis", "« Oui. »|. Elle partit ;|; puis"),
        ("de", "Es war 1990. Er ging. Der 3. Er", "Es war 1990.|. Er ging.|. Der 3.|. Er"),
        ("ja", "はい。「いいえ。」彼は、そう；", "はい。|. 「いいえ。」|. 彼は、|, そう；"),
        ("ja", "彼は言った、。それで", "彼は言った、。|. それで"),
        ("zh-cn", "好！“是。”我们：走", "好！|. “是。”|. 我们：|; 走"),
        ("ar", "نعم، لا؛ لماذا؟ هنا۔ ثم", "نعم،|, لا؛|; لماذا؟|. هنا۔|. ثم"),
        ("hi", "हाँ। नहीं, ठीक", "हाँ।|. नहीं,|, ठीक"),
        ("ko", "네. 아니요, 그래요", "네.|. 아니요,|, 그래요"),
    ],
)
def test_strengths(language: str, text: str, expected: str) -> None:
    assert marked(text, language) == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", ["Dr.", "3.", "J.", "word"])
def test_what_may_go_on_is_not_complete(language: str, text: str) -> None:
    scanner = BoundaryScanner(rules_for(language))
    scanner.scan(text)
    assert not scanner.complete_end()


@pytest.mark.parametrize("text", ["Done.", "Why?!", "Hm...", "“So.” ", "はい。」", "نعم؟"])
def test_what_is_complete(text: str) -> None:
    scanner = BoundaryScanner(rules_for("en"))
    scanner.scan(text)
    assert scanner.complete_end()


@given(cut_up())
def test_candidates_do_not_depend_on_the_pieces(text_and_pieces: tuple[str, list[str]]) -> None:
    text, pieces = text_and_pieces
    for language in ("en", "fr", "ja"):
        whole, pieced = (BoundaryScanner(rules_for(language)) for _ in range(2))
        whole.scan(text)
        whole.scan("", final=True)
        for piece in pieces:
            pieced.scan(piece)
        pieced.scan("", final=True)
        assert pieced.candidates == whole.candidates
        assert pieced.protected == whole.protected


def test_only_what_is_pending_is_kept() -> None:
    scanner = BoundaryScanner(rules_for("en"))
    for _ in range(1_000):
        scanner.scan('He said "no", and left. ')
        scanner.forget(scanner.settled)
        scanner.trim(scanner.settled)
    assert len(scanner.text) < 1_200
    assert len(scanner.candidates) + len(scanner.protected) < 5
