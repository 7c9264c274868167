from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from legato.text.languages import rules_for
from legato.text.source_map import SourceMap, compose, rewrite
from legato.text.weights import Weights
from legato.types import LANGUAGES

words = st.text(alphabet="ab1中 é漢7", max_size=60)


@given(words, st.integers(0, 60))
def test_rewriting_keeps_positions(text: str, at: int) -> None:
    new, pairs = rewrite(text, re.compile("a+|1"), lambda match: "<>" if match[0] == "1" else "")
    assert new == re.sub("a+", "", text).replace("1", "<>")
    kept = [index for index, character in enumerate(text) if character not in "a1"]
    places = dict(pairs)
    offset = old = 0
    back = {}
    for index in range(len(new)):
        if index in places:
            offset, old = index, places[index]
        if new[index] not in "<>":
            back[old + index - offset] = index
    assert sorted(back) == kept


def test_composition() -> None:
    assert compose([(0, 0), (4, 6)], [(0, 10), (3, 20), (8, 40)]) == [
        (0, 10),
        (3, 20),
        (4, 23),
        (6, 40),
    ]
    assert compose([(0, 2)], [(0, 5), (2, 9)]) == [(0, 9)]


def test_a_map_forgets_what_was_cut() -> None:
    source = SourceMap()
    for number in range(100):
        source.append(2, number * 5, number * 5 + 2, spaced=False)
    assert source.cut(150) == 375
    source.forget(150)
    assert source.pairs(151, 155) == [(0, 376), (1, 380), (3, 385)]
    assert source.cut(153) == 381


@given(words, st.sampled_from(LANGUAGES), st.integers(0, 60), st.integers(0, 60))
def test_weights_do_not_depend_on_the_split(text: str, language: str, cut: int, at: int) -> None:
    whole, split = Weights(rules_for(language)), Weights(rules_for(language))
    cut, at = min(cut, len(text)), min(at, len(text))
    whole.scan(text, 0, len(text), 0)
    split.scan(text, 0, cut, 0)
    split.scan(text, cut, len(text), 0)
    assert split.units(at) == whole.units(at)
    assert split.position(whole.units(at)) == at == whole.position(whole.units(at))
    split.forget(at)
    assert split.units(len(text)) == whole.units(len(text))
    assert split.take_run("-", 0, len(text)) == 1


def test_numbers_and_foreign_scripts_take_their_time() -> None:
    english, chinese = Weights(rules_for("en")), Weights(rules_for("zh-cn"))
    for weights in (english, chinese):
        weights.scan("1990中文ab", 0, 8, 0)
    assert english.units(4) == 14.0
    assert english.units(6) - english.units(4) == 5.5
    assert chinese.units(8) - chinese.units(6) == 0.75
