"""Whose each stretch of a text is: rules, offsets, and independence of how the text came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.bench.cast import CAST as DIALOGUE
from legato.bench.cast import text as dialogue
from legato.text.cast import Cast
from legato.text.semantic_chunker import SemanticChunker
from legato.types import Boundary, TextChunk
from tests.text.casts import (
    CAST,
    WITH_UNKNOWN,
    spoken_texts,
)
from tests.text.test_semantic_chunker import assert_joins
from tests.text.texts import cut_up, odd_texts

CASTS = {
    "narrator": CAST,
    "unknown": WITH_UNKNOWN,
    "names": replace(CAST, speak_names=True, tag_reach=20),
    "hasty": replace(CAST, tag_reach=0),
}


def read(deltas: Iterable[str], language: str = "en", cast: Cast = CAST) -> list[TextChunk]:
    chunker = SemanticChunker(language, cast=cast)
    chunks = [chunk for delta in deltas for chunk in chunker.feed(delta, 0.0, 10.0)]
    return chunks + chunker.flush()


class TestPromises:
    @settings(max_examples=400)
    @given(
        cut_up(spoken_texts | odd_texts),
        st.sampled_from(["en", "de", "fr", "ja", "zh-cn"]),
        st.sampled_from(list(CASTS)),
    )
    def test_voices_and_cuts_do_not_depend_on_deltas(
        self, text_and_pieces: tuple[str, list[str]], language: str, cast: str
    ) -> None:
        text, pieces = text_and_pieces
        whole = read([text], language, CASTS[cast])
        assert_joins(text, whole)
        assert read(pieces, language, CASTS[cast]) == whole
        assert read(text, language, CASTS[cast]) == whole

    @given(cut_up(spoken_texts), st.floats(0.0, 5.0), st.floats(0.0, 5.0))
    def test_stalls_lose_nothing(
        self, text_and_pieces: tuple[str, list[str]], quiet_s: float, lead_s: float
    ) -> None:
        text, pieces = text_and_pieces
        chunker, chunks = SemanticChunker(cast=CAST), []
        for number, piece in enumerate(pieces):
            chunks += chunker.feed(piece, 10.0 * number, lead_s)
            chunks += chunker.release_stalled(10.0 * number + quiet_s, lead_s)
        chunks += chunker.flush()
        assert_joins(text, chunks)


def told(text: str, cast: Cast = CAST) -> list[tuple[str, str]]:
    """(speaker, what is spoken) of each chunk."""
    return [(chunk.speaker, chunk.spoken) for chunk in read([text], cast=cast)]


class TestScriptLines:
    def test_a_name_begins_a_turn_and_is_not_spoken(self) -> None:
        assert told("Mira: Come in, quickly!\nTom: Thanks.\n\nThe door closed.") == [
            ("mira", "Come in, quickly!"),
            ("Tom", "Thanks."),
            ("", "The door closed."),
        ]

    @pytest.mark.parametrize(
        "line", ["MIRA: No.", "**Mira:** No.", "**Mira**: No.", "- Mira: No.", "the innkeeper: No."]
    )
    def test_how_a_name_may_be_written(self, line: str) -> None:
        assert told(line) == [("mira", "No.")]

    def test_moods_stand_in_brackets_and_other_remarks_are_dropped(self) -> None:
        assert told("Mira (Angry): Out!\nMira (laughing): Out!") == [
            ("mira/angry", "Out!"),
            ("mira", "Out!"),
        ]

    def test_behind_quoted_speech_the_line_is_the_narrators(self) -> None:
        assert told('Tom: "Thanks." He shook off the snow. "Cold night."') == [
            ("Tom", '"Thanks."'),
            ("", "He shook off the snow."),
            ("Tom", '"Cold night."'),
        ]

    def test_a_name_may_stand_on_a_line_of_its_own(self) -> None:
        assert told("Tom:\nThanks.") == [("Tom", "Thanks.")]

    def test_the_narrator_has_names_too(self) -> None:
        assert told("Tom: Thanks.\nNarrator: He sat.\nVoice: And slept.") == [
            ("Tom", "Thanks."),
            ("", "He sat."),
            ("", "And slept."),
        ]

    def test_names_outside_the_cast_are_read_out(self) -> None:
        assert told("Anna: Hello there, my friend.") == [("", "Anna: Hello there, my friend.")]

    def test_names_are_spoken_where_the_cast_says_so(self) -> None:
        cast = replace(CAST, speak_names=True)
        assert told("It rained.\nTom: Thanks.", cast) == [
            ("", "It rained. Tom"),
            ("Tom", "Thanks."),
        ]

    def test_a_name_belongs_to_the_chunk_that_it_announces(self) -> None:
        text = "It rained.\n\nTom: Thanks."
        rained, thanks = read([text])
        assert text[thanks.source_start : thanks.source_end] == "Tom: Thanks."
        assert thanks.source_at(0) == text.index("Thanks")
        assert rained.boundary is Boundary.SPEAKER


class TestQuotations:
    """Whose they are; what is not told below goes to the narrator."""

    @pytest.mark.parametrize(
        ("text", "whose"),
        [
            ('Mira said: "Come in."', "mira"),
            ('Then Mira whispered, "Come in."', "mira"),
            ('Tom knocked, and Mira said, "Come in."', "mira"),
            ('Mira said to Tom, "Come in."', "mira"),
            ('"Come in," said Mira.', "mira"),
            ('"Come in", said Mira.', "mira"),
            ('"Come in," Mira breathed.', "mira"),
            ('"Who is there?" Tom asked.', "Tom"),
            ('"Who is there?" asked the innkeeper.', "mira"),
            ('"Who is there?" The innkeeper looked up.', "mira"),
            ("“Come in,” said Mira.", "mira"),
            ("«Entrez», dit Mira.", "mira"),
            ('Mira put down the jug. "Come in."', "mira"),
            ('Mira put down the jug. "Who is there?" asked Tom.', "Tom"),
            ("Behind the bar stood Mira. It was late. “Come in.”", "mira"),
            ('"Come in." Mira smiled.', "mira"),
            ('"No" - said Tom.', "Tom"),
            ('Mira came in.\n\n"It is late," she said.', "mira"),
        ],
    )
    def test_by_what_stands_around_them(self, text: str, whose: str) -> None:
        speakers = [chunk.speaker for chunk in read([text]) if chunk.speaker]
        assert speakers == [whose]

    @pytest.mark.parametrize(
        ("text", "whose"), [("米拉说：“进来。”", "米拉"), ("“进来。”米拉说。", "米拉")]
    )
    def test_in_chinese(self, text: str, whose: str) -> None:
        assert [chunk.speaker for chunk in read([text], "zh-cn") if chunk.speaker] == [whose]

    def test_what_surrounds_them_is_the_narrators(self) -> None:
        assert told('He nodded. "Come in," said Mira. "Sit down." The fire burned.') == [
            ("", "He nodded."),
            ("mira", '"Come in,"'),
            ("", "said Mira."),
            ("mira", '"Sit down."'),
            ("", "The fire burned."),
        ]

    def test_two_speakers_take_turns(self) -> None:
        text = '"Who?" asked Tom.\n\n"Me," said Mira.\n\n"Why?"\n\n"It rains."\n\nHe sat.\n\n"So?"'
        speech = [(who, what) for who, what in told(text) if '"' in what]
        assert [who for who, _ in speech] == ["Tom", "mira", "Tom", "mira", ""]

    def test_an_unknown_speaker_has_a_voice_where_the_cast_gives_one(self) -> None:
        assert told('He sat. "So?"', WITH_UNKNOWN) == [("", "He sat."), ("unknown", '"So?"')]
        assert told('He sat. "So?"') == [("", "He sat."), ("", '"So?"')]

    @pytest.mark.parametrize(
        "text",
        ['Tom met her at the "Golden Lion" inn.', 'It is 5" long, said Mira.', "(Tom's) 'thing'."],
    )
    def test_quoted_words_are_no_speech(self, text: str) -> None:
        assert told(text, WITH_UNKNOWN) == [("", text)]

    def test_who_is_named_and_not_in_the_cast_is_unknown(self) -> None:
        text = 'Mira put down the jug. "Who is there?" asked Anna. "Come in."'
        assert [who for who, what in told(text, WITH_UNKNOWN) if '"' in what] == [
            *("unknown", "unknown")
        ]
        text = 'Mira put down the jug. "Who is there?" she asked.'
        assert [who for who, what in told(text, WITH_UNKNOWN) if '"' in what] == ["mira"]

    def test_a_speech_over_several_paragraphs_goes_on(self) -> None:
        text = 'Mira said: "It began long ago.\n\n"Nobody knows when." She fell silent.'
        assert told(text) == [
            ("", "Mira said:"),
            ("mira", '"It began long ago.'),
            ("mira", '"Nobody knows when."'),
            ("", "She fell silent."),
        ]

    def test_without_white_space_the_quotation_marks_are_the_places_to_cut(self) -> None:
        chunks = read(["「進め」と米拉が言った。"], "ja")
        assert [(each.speaker, each.spoken) for each in chunks] == [
            ("米拉", "進め"),
            ("", "と米拉が言った。"),
        ]


class TestWaiting:
    QUOTED = '"Come in and close the door, it is cold outside," '

    def test_narration_does_not_wait_for_the_speaker_behind_it(self) -> None:
        chunker = SemanticChunker(cast=CAST)
        chunks = chunker.feed('He put down the jug. "C', 0.0, 0.0)
        assert [chunk.spoken for chunk in chunks] == ["He put down the jug."]

    def test_a_quotation_waits_for_its_tag_and_no_longer(self) -> None:
        chunker = SemanticChunker(cast=CAST)
        assert chunker.feed(self.QUOTED + "said the innk", 0.0, 0.0) == []
        (chunk,) = chunker.feed("eeper. ", 0.0, 0.0)
        assert chunk.speaker == "mira"

    def test_told_before_it_does_not_wait(self) -> None:
        chunker = SemanticChunker(cast=CAST)
        told = 'Mira said: "Come in and close the door, for it is cold outside. Sit down, '
        chunks = [*chunker.feed(told, 0.0, 0.0), *chunker.release_stalled(0.0, 0.0)]
        assert [chunk.speaker for chunk in chunks] == ["", "mira"]

    def test_one_that_does_not_close_within_reach_is_decided_without(self) -> None:
        chunker = SemanticChunker(cast=replace(WITH_UNKNOWN, tag_reach=40))
        long = '"Come in and close the door, will you, for it is cold outside," said Mira. '
        chunks = [*chunker.feed(long, 0.0, 0.0), *chunker.flush()]
        assert [chunk.speaker for chunk in chunks] == ["unknown", ""]

    def test_a_source_that_stalls_is_not_waited_for(self) -> None:
        chunker = SemanticChunker(cast=WITH_UNKNOWN)
        assert chunker.feed('Tom sat. "Come in and close the door."', 0.0, 0.0) != []
        assert chunker.release_stalled(0.4, 0.0) == []
        (chunk,) = chunker.release_stalled(0.5, 0.0)
        assert (chunk.speaker, chunk.spoken) == ("Tom", '"Come in and close the door."')
        rest = [*chunker.feed(" He rose. \n", 1.0, 0.0), *chunker.flush()]
        assert [(each.speaker, each.spoken) for each in rest] == [("", "He rose.")]


class TestMarks:
    def test_a_voice_mark_names_one_of_the_cast(self) -> None:
        text = "It rained. [voice:Mira] Come in. [voice:mira/angry] Out! [voice:default] He left."
        assert told(text) == [
            ("", "It rained."),
            ("mira", "Come in."),
            ("mira/angry", "Out!"),
            ("", "He left."),
        ]

    def test_roles_say_how_they_sound(self) -> None:
        text = "It rained. [voice:mira/angry] Out! [voice:Tom] No. [voice:Guard 2] Nein. "
        chunks = read([text])
        assert [(each.voice, each.language, each.rate, each.volume) for each in chunks] == [
            ("low+soft", "en", 1.0, 1.0),
            ("high", "en", 1.2, 1.5),
            ("low", "en", 1.0, 0.5),
            ("", "de", 1.0, 1.0),
        ]

    def test_other_names_stay_the_engines_affair(self) -> None:
        chunks = read(["It rained. [voice:bob] Hello. [voice:narrator] He left."])
        assert [(each.voice, each.speaker) for each in chunks] == [
            ("low+soft", ""),
            ("bob", ""),
            ("low+soft", ""),
        ]

    def test_nothing_else_decides_behind_a_mark(self) -> None:
        text = '[voice:Tom] He said, "No," and Mira said: "Yes." [voice:default] "So," said Mira.'
        assert [who for who, _ in told(text)] == ["Tom", "mira", ""]

    def test_an_unknown_mood_is_told_and_spoken_in_the_speakers_own_voice(self) -> None:
        heard: list[str] = []
        chunker = SemanticChunker(cast=CAST, tell=heard.append)
        (chunk,) = [*chunker.feed("[voice:mira/sad] Come in.", 0.0, 0.0), *chunker.flush()]
        assert chunk.voice == "high"
        assert heard == ["mira has no mood 'sad'; there are: angry"]

    def test_rates_multiply(self) -> None:
        chunker = SemanticChunker(rate=2.0, cast=CAST)
        chunks = chunker.feed('[rate:1.5] Mira said: "Come in." He left. ', 0.0, 0.0)
        chunks += chunker.flush()
        assert [chunk.rate for chunk in chunks] == pytest.approx([1.5, 1.35, 1.5])

    def test_pauses_are_kept_within_speech(self) -> None:
        text = 'Mira said: "Wait. [pause:2s] Now."'
        chunks = read([text])
        assert [(each.speaker, each.pause_before_s) for each in chunks] == [
            ("", 0.0),
            ("mira", 0.0),
            ("mira", 2.0),
        ]

    def test_a_mark_ends_a_quotation(self) -> None:
        assert told('Tom said: "No. [voice:mira] Yes. [voice:default] He left.') == [
            ("", "Tom said:"),
            ("Tom", '"No.'),
            ("mira", "Yes."),
            ("", "He left."),
        ]


class TestBoundaries:
    def test_within_a_paragraph_the_punctuation_decides(self) -> None:
        chunks = read(['Mira said: "Come in," and Tom said "no"'])
        assert [chunk.boundary for chunk in chunks[:2]] == [Boundary.CLAUSE, Boundary.COMMA]

    def test_without_punctuation_it_is_at_least_a_commas(self) -> None:
        first, _ = read(['"No" said Mira.'])
        assert (first.boundary, first.pause_after_s) == (Boundary.COMMA, 0.15)

    def test_between_turns_it_is_half_a_second(self) -> None:
        first, _, _ = read(['"No," said Mira.\n\n"Yes."'])[:3]
        second = read(['"No," said Mira.\n\n"Yes."'])[1]
        assert first.boundary is Boundary.COMMA
        assert (second.boundary, second.pause_after_s) == (Boundary.SPEAKER, 0.5)


class TestCorners:
    def test_a_long_text_is_forgotten_behind_and_read_the_same(self) -> None:
        text = f"{dialogue()}\n\n" * 8
        chunks = read(text, cast=DIALOGUE)
        assert chunks == read([text], cast=DIALOGUE)
        assert_joins(text, chunks)
        spoken = [chunk.speaker for chunk in chunks if "law here" in chunk.spoken]
        assert spoken == ["Mira"] * 8

    def test_a_quotation_that_its_paragraph_leaves_open(self) -> None:
        assert told('Tom sat. "Come in\n\nThe door closed.') == [
            ("", "Tom sat."),
            ("Tom", '"Come in'),
            ("", "The door closed."),
        ]

    def test_a_pause_behind_a_quotation(self) -> None:
        text = '"No,"[pause:1s] said Mira.'
        chunks = read([text])
        assert [(each.speaker, each.pause_before_s) for each in chunks] == [("", 0.0), ("", 1.0)]
        text = 'Mira said: "No."[pause:1s] Tom sat.'
        chunks = read([text])
        assert [(each.speaker, each.pause_before_s) for each in chunks] == [
            ("", 0.0),
            ("mira", 0.0),
            ("", 1.0),
        ]

    def test_spaces_behind_a_name(self) -> None:
        assert told("Tom: \u200b\u00a0 No.") == [("Tom", "No.")]

    def test_a_text_that_ends_within_a_tag(self) -> None:
        assert told('Tom sat. "No," said', WITH_UNKNOWN)[1] == ("Tom", '"No,"')
        assert [each.speaker for each in read(["「進め」と、"], "ja", WITH_UNKNOWN)] == [
            "unknown",
            "",
        ]
        chunker = SemanticChunker("ja", cast=CAST)
        assert chunker.feed("「進め」と、", 0.0, 0.0) == []
        chunks = [*chunker.feed("米拉が言った。", 0.0, 0.0), *chunker.flush()]
        assert [each.speaker for each in chunks] == ["米拉", ""]

    def test_a_text_that_breaks_off_within_speech(self) -> None:
        chunker = SemanticChunker(cast=CAST)
        begun = 'Tom sat. "Come in and rest by the fire, for the road was long and cold, and clo'
        chunks = chunker.feed(begun, 0.0, 0.0) + chunker.break_off()
        assert [(each.speaker, each.spoken) for each in chunks] == [
            ("", "Tom sat."),
            ("Tom", '"Come in and rest by the fire, for the road was long and cold,'),
        ]

    def test_a_sentence_whose_source_knows_that_it_ends(self) -> None:
        chunker = SemanticChunker(cast=CAST)
        chunks = chunker.feed('Tom sat. "Come in."', 0.0, 0.0) + chunker.release_sentence(0.0)
        chunks += chunker.feed(" He rose.", 0.0, 0.0) + chunker.flush()
        assert [(each.speaker, each.spoken) for each in chunks] == [
            ("", "Tom sat."),
            ("Tom", '"Come in."'),
            ("", "He rose."),
        ]
