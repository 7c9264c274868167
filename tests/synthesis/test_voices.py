import pytest

from legato.errors import EngineFull, TextTooLong, UnknownVoice
from legato.synthesis.voices import check_job, check_voice, has_voice, speaks, split_variant
from legato.types import Job, Voice
from tests.fakes import ScriptedVoice, make_chunk

INFO = ScriptedVoice.info


@pytest.mark.parametrize("wanted", ["low", "LOW", "high voice", "de", "+soft", "+SOFT"])
def test_a_voice_goes_by_id_name_or_language(wanted: str) -> None:
    assert has_voice(INFO.voices, wanted)


@pytest.mark.parametrize("wanted", ["", "lo", "Soft", "soft", "fr"])
def test_nothing_else_is_a_voice(wanted: str) -> None:
    assert not has_voice(INFO.voices, wanted)


@pytest.mark.parametrize(
    ("wanted", "parts"),
    [
        ("low", ("low", "")),
        ("low+soft", ("low", "+soft")),
        ("+soft", ("", "+soft")),
        ("", ("", "")),
    ],
)
def test_a_variant_is_split_off(wanted: str, parts: tuple[str, str]) -> None:
    assert split_variant(wanted) == parts


@pytest.mark.parametrize(
    ("voice", "language"),
    [("", "en"), ("", "en-AU"), ("", "EN_au"), ("low", "xx"), ("low+soft", "xx"), ("+soft", "de")],
)
def test_voices_that_can_be_said(voice: str, language: str) -> None:
    check_voice(INFO, voice, language)


@pytest.mark.parametrize(
    ("voice", "language"),
    [("", "fr"), ("+soft", "fr"), ("x", "en"), ("low+x", "en"), ("low+", "en")],
)
def test_voices_that_cannot(voice: str, language: str) -> None:
    with pytest.raises(UnknownVoice, match="scripted has no voice"):
        check_voice(INFO, voice, language)


def test_of_which_region_a_voice_is_does_not_matter() -> None:
    voices = [Voice("li", "Li", ("zh-cn",)), Voice("ada", "Ada", ("en", "pt"))]
    assert all(speaks(voices, code) for code in ("zh", "zh-CN", "zh_TW", "PT", "pt-br", "en"))
    assert not any(speaks(voices, code) for code in ("", "z", "ja", "e", "en2"))


def test_a_job_is_checked_for_room_length_and_voice() -> None:
    check_job(INFO, Job(1, make_chunk("x" * 400)), {2, 3, 4})
    with pytest.raises(EngineFull, match="4 jobs"):
        check_job(INFO, Job(1, make_chunk("x")), {2, 3, 4, 5})
    with pytest.raises(TextTooLong, match="takes 400"):
        check_job(INFO, Job(1, make_chunk("x" * 401)), ())
    with pytest.raises(UnknownVoice):
        check_job(INFO, Job(1, make_chunk("x", voice="nobody")), ())
