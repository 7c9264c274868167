"""The lexicon: which words it takes for which, alignment, files that change, bad files."""

from __future__ import annotations

import os
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.errors import UsageError
from legato.text.lexicon import Lexicon

EN = Lexicon(
    {
        "all": {"XTTS": "ex tee tee ess", "GIF": "giff"},
        "en": {
            "nginx": "engine x",
            "GIF": "jiff",
            "Polish": "Poe-lish",
            "polish": "pollish",
            "can": "kan",
            "new york": "noo york",
            "New York Times": "the Times",
            "C++": "see plus plus",
            "%": " percent",
        },
        "en-gb": {"nginx": "engine eks"},
        "tr": {"ışık": "ishik", "istanbul": "eestanbool"},
        "ja": {"山田": "やまだ"},
        "ko": {"서울": "seoul"},
        "hi": {"राम": "raam"},
    }
)


class HandClock:
    def __init__(self) -> None:
        self.time_s = 0.0

    def now_s(self) -> float:
        return self.time_s


@pytest.mark.parametrize(
    ("text", "language", "respelled"),
    [
        ("Nginx, NGINX and nginx.", "en", "engine x, engine x and engine x."),
        ("nginx's mynginx nginx2 nginx_x", "en", "engine x's mynginx nginx2 nginx_x"),
        ("Polish, polish, POLISH", "en", "Poe-lish, pollish, pollish"),
        ("XTTS xtts", "en", "ex tee tee ess xtts"),
        ("I can, you can't, she can’t.", "en", "I kan, you can't, she can’t."),
        ("The New York Times of New York", "en", "The the Times of noo york"),
        ("new york times", "en", "noo york times"),
        ("New\n York", "en", "noo york"),
        ("C++ at 20%", "en", "see plus plus at 20 percent"),
        ("a GIF", "en", "a jiff"),
        ("a GIF", "de", "a giff"),
        ("nginx", "en-gb", "engine eks"),
        ("nginx", "de", "nginx"),
        ("IŞIK Işık ışık", "tr", "ishik ishik ishik"),
        ("İstanbul'da Istanbul", "tr", "eestanbool'da Istanbul"),
        ("山田さんと山田", "ja", "やまださんとやまだ"),
        ("XTTS山田です", "ja", "ex tee tee essやまだです"),
        ("서울은 새서울", "ko", "seoul은 새서울"),
        ("राम रामा", "hi", "raam रामा"),
        ("", "en", ""),
    ],
)
def test_respells_whole_words_by_the_rules(text: str, language: str, respelled: str) -> None:
    assert EN.apply(text, language)[0] == respelled


def test_unchanged_text_needs_no_alignment() -> None:
    assert EN.apply("Nothing here.", "en") == ("Nothing here.", ())


def test_alignment_gives_the_ends_of_each_word() -> None:
    assert EN.apply("so nginx it", "en") == ("so engine x it", ((0, 0), (3, 3), (11, 8)))
    assert EN.apply("nginx", "en")[1] == ((0, 0), (8, 5))


def test_a_word_can_be_left_out() -> None:
    quiet = Lexicon({"en": {"hm": ""}})
    assert quiet.apply("a hm b", "en") == ("a  b", ((0, 0), (2, 4)))


def test_a_shorter_entry_fits_where_the_longer_one_has_the_wrong_case() -> None:
    lexicon = Lexicon({"en": {"Ab": "no", "ab cd": "yes", "Ab cd Ef": "longest"}})
    assert lexicon.apply("ab cd ef, Ab cd Ef, Ab cde", "en")[0] == "yes ef, longest, no cde"


WORDS = st.text(alphabet=string.ascii_letters, min_size=1, max_size=4)


@given(
    entries=st.dictionaries(WORDS, st.text(alphabet="xyz ", max_size=5), max_size=8),
    words=st.lists(st.one_of(WORDS, st.sampled_from([",", "-", "\n"])), max_size=30),
)
def test_same_as_looking_up_word_by_word(entries: dict[str, str], words: list[str]) -> None:
    text = " ".join(words)
    lower = {word: spoken for word, spoken in entries.items() if word == word.lower()}

    def look_up(match: re.Match[str]) -> str:
        word = match[0]
        return entries.get(word, lower.get(word.lower(), word))

    respelled, pairs = Lexicon({"en": entries}).apply(text, "en")
    assert respelled == re.sub(r"\w+", look_up, text)
    if not pairs:
        assert respelled == text
        return
    news, olds = zip(*pairs, strict=True)
    assert list(news) == sorted(set(news))
    assert list(olds) == sorted(olds)
    assert respelled[news[-1] :] == text[olds[-1] :]


def write(path: Path, text: str, time_s: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (time_s, time_s))


def test_a_changed_file_is_read_again_within_a_second(tmp_path: Path) -> None:
    path, clock = tmp_path / "lexicon.toml", HandClock()
    write(path, '[en]\ncat = "dog"\n', 100)
    lexicon = Lexicon.load(path, clock)
    assert lexicon.apply("cat", "en")[0] == "dog"
    write(path, '[en]\ncat = "cow"\n', 101)
    clock.time_s = 0.9
    assert lexicon.apply("cat", "en")[0] == "dog"
    clock.time_s = 1.0
    assert lexicon.apply("cat", "en")[0] == "cow"
    write(path, '[en]\ncat = "horse"\n', 101)
    clock.time_s = 2.0
    assert lexicon.apply("cat", "en")[0] == "horse"


def test_a_broken_edit_keeps_the_last_good_one_and_is_told_once(tmp_path: Path) -> None:
    path, clock, told = tmp_path / "lexicon.toml", HandClock(), list[str]()
    write(path, '[en]\ncat = "dog"\n', 100)
    lexicon = Lexicon.load(path, clock, told.append)
    write(path, "[en]\ncat = ", 101)
    for clock.time_s in (1.0, 2.0, 3.0):
        assert lexicon.apply("cat", "en")[0] == "dog"
    assert len(told) == 1
    assert str(path) in told[0]
    assert "\n" not in told[0]
    path.unlink()
    for clock.time_s in (4.0, 5.0):
        assert lexicon.apply("cat", "en")[0] == "dog"
    assert len(told) == 2
    write(path, '[en]\ncat = "cow"\n', 102)
    clock.time_s = 6.0
    assert lexicon.apply("cat", "en")[0] == "cow"
    assert len(told) == 2


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"[en]\ncat = \n", "line 2"),
        (b"[en]\ncat = 3", '[en] "cat"'),
        (b'cat = "dog"', '"cat" must be a table'),
        (b'[English]\ncat = "dog"', '"English" is no language'),
        (b'[en]\n" " = "dog"', "[en] has an entry without a word"),
        (b'[en]\n"' + b"a" * 201 + b'" = "dog"', "longer than 200"),
        (b"[en]\n\xff", "byte 5"),
    ],
)
def test_a_bad_file_is_one_line_with_file_and_key(
    tmp_path: Path, content: bytes, named: str
) -> None:
    path = tmp_path / "lexicon.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Lexicon.load(path)
    assert str(path) in str(caught.value)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: cannot read the lexicon"):
        Lexicon.load(tmp_path / "none.toml")


def test_many_entries_compile_and_work() -> None:
    entries = {f"w{number}": f"word {number}" for number in range(5000)}
    lexicon = Lexicon({"en": entries})
    assert lexicon.apply("w1 w4999 w5000", "en")[0] == "word 1 word 4999 w5000"
