"""Text cleaning: equal to the reference where it reads at all, and readable where it fails."""

from __future__ import annotations

import re
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.errors import UsageError
from legato.types import LANGUAGES
from legato.xtts.cleaning import chinese_numerals, clean_text, hindi
from legato.xtts.cleaning.transliterate import japanese
from tests.xtts.oracle_text import golden, hard_sentences

PRIMARY = [name.partition("-")[0] for name in LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_equals_the_reference(language: str) -> None:
    cases = golden()[language]
    assert [case["text"] for case in cases] == hard_sentences()[language], "make the golden anew"
    assert len(cases) >= 12
    for case in cases:
        assert clean_text(case["text"], language.partition("-")[0]) == case["cleaned"]


@pytest.mark.parametrize(
    ("language", "text", "cleaned"),
    [
        # Where num2words, and with it the reference, raises.
        ("hi", "12.5 सेकंड में 50 सैनिक", "बारह दशमलव पाँच सेकंड में पचास सैनिक"),
        ("hi", "$5 और 14% या 1,00,000", "डॉलर पाँच और चौदह प्रतिशत या एक लाख"),
        ("hi", "3.145 और 1,234.5", "तीन दशमलव एक चार पाँच और एक हज़ार दो सौ चौंतीस दशमलव पाँच"),
        (
            "cs",
            "Sejdeme se 5. května 1999.",
            "sejdeme se pět května tisíc devětset devadesát devět.",
        ),
        ("ko", "100번", "baegbeon"),
        ("pl", "12345678901234567890123.", None),
        ("en", "9" * 400, " ".join(["nine"] * 400)),
        ("tr", "1" * 40, " ".join(["bir"] * 40)),
        ("it", "12345678901234567890.5", None),
        ("hu", "12345678901234567890.5", None),
        ("en", "7" * 5_000, " ".join(["seven"] * 5_000)),
    ],
)
def test_reads_numbers_that_the_reference_fails_on(
    language: str, text: str, cleaned: str | None
) -> None:
    made = clean_text(text, language)
    assert not re.search("[0-9]", made)
    assert cleaned is None or made == cleaned


@pytest.mark.parametrize("language", PRIMARY)
@pytest.mark.parametrize(
    "text", ["7" * 10_000, "1." * 5_000, "a" * 10_000, "年" * 10_000, "1 " * 5_000, "12,$" * 2_500]
)
def test_time_grows_with_the_length_of_the_text(language: str, text: str) -> None:
    # The reference's patterns take minutes for the first of these; a busy machine takes seconds.
    started_s = time.process_time()
    clean_text(text, language)
    assert time.process_time() - started_s < 10.0


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), language=st.sampled_from(PRIMARY))
def test_never_fails_and_leaves_single_spaces(text: str, language: str) -> None:
    cleaned = clean_text(text, language)
    if language != "ja":
        assert cleaned == " ".join(cleaned.split())


@settings(max_examples=200, deadline=None)
@given(
    text=st.lists(
        st.one_of(st.from_regex(r"[0-9]{1,9}", fullmatch=True), st.sampled_from("$€£%.,o eº-年月")),
        max_size=12,
    ).map("".join),
    language=st.sampled_from(sorted(set(PRIMARY) - {"ja", "zh"})),
)
def test_leaves_no_digit(text: str, language: str) -> None:
    assert not re.search("[0-9]", clean_text(text, language))


@pytest.mark.parametrize(
    ("language", "module", "extra"),
    [
        ("en", "num2words", "xtts"),
        ("zh", "pypinyin", "xtts-zh"),
        ("ko", "ko_speech_tools", "xtts-ko"),
        ("ja", "cutlet", "xtts-ja"),
        ("ja", "unidic_lite", "xtts-ja"),
    ],
)
def test_names_the_extra_that_is_missing(
    language: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    japanese._cutlet.cache_clear()
    with pytest.raises(UsageError, match=re.escape(f"{module}: pip install 'legato[{extra}]'")):
        clean_text("1 年", language)


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("0", "零"),
        ("2", "二"),
        ("10", "十"),
        ("102", "一百零二"),
        ("200", "两百"),
        ("22", "二十二"),
        ("20200", "两万零二百"),
        ("2002002", "两百万两千零二"),
        ("100000000", "一亿"),
        ("00.5", "零点五"),
        ("250.25", "两百五十点二五"),
    ],
)
def test_chinese_quantities(number: str, spoken: str) -> None:
    assert chinese_numerals.quantity(number) == spoken


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("0", "शून्य"),
        ("007", "सात"),
        ("100", "एक सौ"),
        ("1999", "एक हज़ार नौ सौ निन्यानवे"),
        ("123456789", "बारह करोड़ चौंतीस लाख छप्पन हज़ार सात सौ नवासी"),
        ("12345678901234", "एक दो तीन चार पाँच छह सात आठ नौ शून्य एक दो तीन चार"),
    ],
)
def test_hindi_numbers(digits: str, spoken: str) -> None:
    assert hindi.cardinal(digits) == spoken
