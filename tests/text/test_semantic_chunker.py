from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.errors import RunError, UsageError
from legato.text.semantic_chunker import ChunkerSettings, PauseTimes, SemanticChunker
from legato.types import LANGUAGES, Boundary, EngineLimits, TextChunk
from tests.text.texts import STORIES, cut_up, odd_texts

SENTENCE = "This sentence is just long enough to make a good chunk of speech. "
SYMBOLS = set("*#_~|^`\\<>[]")


def chunks_of(
    deltas: Iterable[str], chunker: SemanticChunker | None = None, lead_s: float = 10.0
) -> list[TextChunk]:
    chunker = chunker or SemanticChunker()
    chunks = [chunk for delta in deltas for chunk in chunker.feed(delta, 0.0, lead_s)]
    return chunks + chunker.flush()


def spoken(chunks: Iterable[TextChunk]) -> list[str]:
    return [chunk.spoken for chunk in chunks]


def assert_joins(text: str, chunks: list[TextChunk], first_ordinal: int = 0) -> None:
    starts = [0, *(chunk.source_end for chunk in chunks)]
    assert [chunk.source_start for chunk in chunks] == starts[:-1]
    assert starts[-1] == len(text)
    ordinals = [chunk.ordinal for chunk in chunks]
    assert ordinals == list(range(first_ordinal, first_ordinal + len(chunks)))
    for chunk in chunks:
        offsets = [offset for offset, _ in chunk.spoken_map]
        sources = [source for _, source in chunk.spoken_map]
        assert offsets == sorted(set(offsets))
        assert sources == sorted(sources)
        assert all(chunk.source_start <= source <= chunk.source_end for source in sources)


class TestPromises:
    @given(cut_up(), st.sampled_from(LANGUAGES), st.sampled_from(["mission", "scheduled"]))
    def test_cuts_do_not_depend_on_deltas(
        self, text_and_pieces: tuple[str, list[str]], language: str, sizing: str
    ) -> None:
        text, pieces = text_and_pieces
        settings = ChunkerSettings(sizing=sizing)  # type: ignore[arg-type]
        whole = chunks_of([text], SemanticChunker(language, settings=settings))
        assert_joins(text, whole)
        assert chunks_of(pieces, SemanticChunker(language, settings=settings)) == whole
        assert chunks_of(text, SemanticChunker(language, settings=settings)) == whole

    @given(odd_texts)
    def test_symbols_and_controls_are_never_spoken(self, text: str) -> None:
        for chunk in chunks_of([text]):
            assert not SYMBOLS & set(chunk.spoken)
            assert chunk.spoken == chunk.spoken.strip()
            kinds = {unicodedata.category(character) for character in chunk.spoken}
            assert not kinds & {"Cc", "Co", "Cs", "Zl", "Zp"}
            chunk.spoken.encode()  # no lone surrogates

    @given(cut_up(), st.floats(0.0, 5.0), st.floats(0.0, 5.0))
    def test_stalls_lose_nothing(
        self, text_and_pieces: tuple[str, list[str]], quiet_s: float, lead_s: float
    ) -> None:
        text, pieces = text_and_pieces
        chunker, chunks = SemanticChunker(first_ordinal=3), []
        for number, piece in enumerate(pieces):
            chunks += chunker.feed(piece, 10.0 * number, lead_s)
            chunks += chunker.release_stalled(10.0 * number + quiet_s, lead_s)
        chunks += chunker.flush()
        assert_joins(text, chunks, first_ordinal=3)

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("rate", [0.8, 1.0, 1.4])
    def test_sizes_stay_within_hard_bounds(self, language: str, rate: float) -> None:
        chunks = chunks_of([STORIES[language] * 3], SemanticChunker(language, rate=rate))
        assert len(chunks) > 3
        assert all(chunk.estimate_s <= 8.0 for chunk in chunks)
        assert all(chunk.estimate_s >= 2.4 for chunk in chunks[:-1])

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_language_is_cut_at_punctuation(self, language: str) -> None:
        chunks = chunks_of([STORIES[language]], SemanticChunker(language))
        assert all(chunk.boundary >= Boundary.COMMA for chunk in chunks)
        assert sum(chunk.boundary >= Boundary.SENTENCE for chunk in chunks) >= 2
        assert all(chunk.language == language for chunk in chunks)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_text_without_punctuation_is_cut_between_words(self, language: str) -> None:
        text = re.sub(r"[^\w\s\u0900-\u097f\u0600-\u06ff]", "", STORIES[language])
        chunks = chunks_of([text], SemanticChunker(language))
        assert_joins(text, chunks)
        assert all(chunk.boundary >= Boundary.SPACE for chunk in chunks)

    def test_an_unknown_language_is_cut_all_the_same(self) -> None:
        chunks = chunks_of([SENTENCE * 3], SemanticChunker("xx"))
        assert len(chunks) == 3


class TestLatency:
    def test_the_first_sentence_is_out_with_the_next_letter(self) -> None:
        chunker = SemanticChunker()
        assert chunker.feed("Once upon a time, there was a lighthouse.", 0.0, 0.0) == []
        assert chunker.feed(" ", 0.0, 0.0) == []
        assert spoken(chunker.feed("T", 0.0, 0.0)) == []  # letters wait for a sign or a space
        first = chunker.feed("he ", 0.0, 0.0)
        assert spoken(first) == ["Once upon a time, there was a lighthouse."]

    def test_the_first_chunk_does_not_wait_for_a_sentence(self) -> None:
        text = "When the wind turned and the rain came down upon the hills, nobody was surprised "
        chunks = SemanticChunker().feed(text, 0.0, 0.0)
        assert len(chunks) == 1
        assert 2.4 <= chunks[0].estimate_s <= 4.5

    def test_the_first_chunk_waits_for_a_phrase_to_end(self) -> None:
        text = "Seventeen unusually determined engineers quietly repaired every "
        chunker = SemanticChunker()
        assert chunker.feed(text, 0.0, 0.0) == []
        chunks = chunker.feed("ancient locomotive brake, nobody helped them ", 0.0, 0.0)
        assert [chunk.boundary for chunk in chunks] == [Boundary.COMMA]

    def test_the_first_chunk_is_cut_at_a_space_if_nothing_else_comes(self) -> None:
        words = "determined engineers repaired locomotive brakes " * 6
        chunks = SemanticChunker().feed(words, 0.0, 0.0)
        assert chunks[0].boundary is Boundary.SPACE
        assert 2.4 <= chunks[0].estimate_s <= 8.0

    def test_a_distant_change_of_paragraph_does_not_delay_the_first_chunk(self) -> None:
        words = "determined engineers repaired the locomotive brakes of Old Town last Friday"
        chunks = SemanticChunker().feed(f"{words}\n\nThen they ", 0.0, 0.0)
        assert spoken(chunks) == [words]
        assert chunks[0].boundary is Boundary.PARAGRAPH


class TestStalls:
    def test_two_short_lines_and_a_stall_are_heard(self) -> None:
        chunker = SemanticChunker()
        assert chunker.feed("Yes, sir.\nNo, sir.\n", 0.0, 0.0) == []
        assert chunker.release_stalled(0.3, 0.0) == []
        assert spoken(chunker.release_stalled(0.5, 9.0)) == ["Yes, sir. No, sir."]
        assert chunker.release_stalled(10.0, 0.0) == []
        assert chunker.pending_characters == 1
        assert spoken(chunker.feed("Then more. ", 10.0, 0.0) + chunker.flush()) == ["Then more."]

    def test_a_blank_line_ends_a_paragraph(self) -> None:
        chunker = SemanticChunker()
        chunker.feed("The end\n\n", 0.0, 0.0)
        (chunk,) = chunker.release_stalled(1.0, 0.0)
        assert chunk.boundary is Boundary.PARAGRAPH

    @pytest.mark.parametrize(
        "text", ["It costs 3.", "We met Dr.", "It is in the U.S.", "Hello [pau", "Once upon"]
    )
    def test_what_is_unfinished_waits_for_a_long_stall(self, text: str) -> None:
        chunker = SemanticChunker()
        chunker.feed(text, 0.0, 0.0)
        assert chunker.release_stalled(1.9, 0.0) == []
        assert chunker.release_stalled(9.0, 2.0) == []
        (chunk,) = chunker.release_stalled(2.0, 0.0)
        assert chunk.boundary is Boundary.SPACE

    def test_with_little_lead_a_phrase_goes_out(self) -> None:
        chunker = SemanticChunker()
        chunker.feed("Well, it costs 3.", 0.0, 0.0)
        assert chunker.release_stalled(0.6, 2.0) == []
        assert spoken(chunker.release_stalled(0.6, 0.5)) == ["Well,"]
        assert chunker.release_stalled(0.6, 0.5) == []

    def test_a_complete_sentence_goes_out_before_an_unfinished_one(self) -> None:
        chunker = SemanticChunker()
        chunker.feed("Done. And th", 0.0, 0.0)
        assert spoken(chunker.release_stalled(0.6, 5.0)) == ["Done."]

    def test_a_low_lead_hurries_sentences_without_a_stall(self) -> None:
        chunker = SemanticChunker()
        assert len(chunker.feed(SENTENCE * 2 + "A third one th", 0.0, 0.0)) == 1
        assert chunker.release_stalled(0.1, 4.0) == []
        assert spoken(chunker.release_stalled(0.1, 1.0)) == [SENTENCE.strip()]
        assert chunker.release_stalled(0.1, 1.0) == []

    def test_much_text_is_still_cut_to_size(self) -> None:
        chunker = SemanticChunker()
        text = "Determined engineers repaired locomotive brakes in " * 5 + "Rome."
        chunks = chunker.feed(text, 0.0, 0.0) + chunker.release_stalled(1.0, 0.0)
        assert len(chunks) >= 2
        assert chunks[-1].source_end == len(text)
        assert all(chunk.estimate_s <= 8.0 for chunk in chunks)

    def test_scheduled_sizing_knows_no_time(self) -> None:
        chunker = SemanticChunker(settings=ChunkerSettings(sizing="scheduled"))
        chunker.feed("Yes.\nNo.\n", 0.0, 0.0)
        assert chunker.release_stalled(60.0, 0.0) == []
        assert spoken(chunker.flush()) == ["Yes. No."]

    def test_nothing_is_released_where_nothing_came(self) -> None:
        chunker = SemanticChunker()
        assert chunker.release_stalled(9.0, 0.0) == []
        chunker.flush()
        assert chunker.release_stalled(9.0, 0.0) == []


DEFAULTS = ChunkerSettings()
JUST_S = 0.01
UNBROKEN = {
    "en": ("Nobody had seen the old keeper that evening", " and the l"),
    "de": ("Niemand hatte den alten Wärter am Abend gesehen", " und die L"),
    "fr": ("Personne ce soir n'avait vu le vieux gardien", " et la l"),
    "es": ("Nadie había visto al viejo guardián esa noche", " y la lá"),
    "it": ("Nessuno aveva visto il vecchio guardiano quella sera", " e la l"),
    "pt": ("Ninguém tinha visto o velho guarda naquela noite", " e a l"),
    "nl": ("Niemand had de oude wachter die avond gezien", " en de l"),
    "pl": ("Nikt nie widział tego wieczoru starego strażnika", " i la"),
    "ru": ("Никто не видел вечером старого смотрителя", " и ла"),
    "ja": ("その晩は年老いた灯台守の姿を見た者はいなかったけれども", "灯"),
}


class TestRunningDry:
    """Text that still comes, and a listener who is about to have heard all of it."""

    @pytest.mark.parametrize("language", UNBROKEN)
    def test_with_an_urgent_lead_text_goes_out_before_a_conjunction(self, language: str) -> None:
        phrase, rest = UNBROKEN[language]
        chunker = SemanticChunker(language)
        assert chunker.feed(phrase + rest, 0.0, 0.0) == []
        assert chunker.release_stalled(0.1, DEFAULTS.urgent_lead_s) == []
        (chunk,) = chunker.release_stalled(0.1, DEFAULTS.urgent_lead_s - JUST_S)
        assert (chunk.spoken, chunk.boundary) == (phrase, Boundary.CONJUNCTION)
        assert chunker.release_stalled(0.1, 0.0) == []
        assert_joins(phrase + rest, [chunk, *chunker.flush()])

    def test_a_comma_goes_out_sooner_and_is_preferred(self) -> None:
        text = "Nobody had seen the keeper, that evening, and the lamp b"
        chunker = SemanticChunker()
        assert chunker.feed(text, 0.0, 0.0) == []
        assert chunker.release_stalled(0.1, DEFAULTS.phrase_lead_s) == []
        (chunk,) = chunker.release_stalled(0.1, DEFAULTS.phrase_lead_s - JUST_S)
        assert chunk.boundary is Boundary.COMMA
        assert chunk.spoken.endswith("evening,")

    def test_what_makes_no_chunk_is_waited_for(self) -> None:
        chunker = SemanticChunker()
        assert chunker.feed("Nobody had seen him and the lamp b", 0.0, 0.0) == []
        assert chunker.release_stalled(0.1, 0.0) == []

    def test_without_a_conjunction_no_sentence_is_cut(self) -> None:
        chunker = SemanticChunker()
        assert chunker.feed("Nobody had seen that old grey keeper all evening lo", 0.0, 0.0) == []
        assert chunker.release_stalled(0.1, 0.0) == []

    def test_a_stalled_source_is_cut_there_too(self) -> None:
        phrase, rest = UNBROKEN["en"]
        chunker = SemanticChunker()
        chunker.feed(phrase + rest, 0.0, 0.0)
        stalled_s = DEFAULTS.stall_s
        assert chunker.release_stalled(stalled_s, DEFAULTS.urgent_lead_s) == []
        assert spoken(chunker.release_stalled(stalled_s, 0.0)) == [phrase]

    def test_the_leads_are_settings(self) -> None:
        phrase, rest = UNBROKEN["en"]
        never = SemanticChunker(settings=ChunkerSettings(urgent_lead_s=0.0))
        early = SemanticChunker(settings=ChunkerSettings(urgent_lead_s=2.5))
        for chunker in (never, early):
            chunker.feed(phrase + rest, 0.0, 0.0)
        assert never.release_stalled(0.1, 0.0) == []
        assert spoken(early.release_stalled(0.1, 2.4)) == [phrase]


class TestSizing:
    def test_the_strongest_place_in_the_window_wins(self) -> None:
        text = SENTENCE + "It was cold, it was wet; it was dark. And it went on, and on, and on. "
        chunks = chunks_of([text * 2])
        assert {chunk.boundary for chunk in chunks[:-1]} == {Boundary.SENTENCE}

    def test_a_paragraph_ends_a_chunk(self) -> None:
        chunks = chunks_of([SENTENCE * 2 + "\n\n" + SENTENCE * 2])
        assert [chunk.boundary for chunk in chunks[:3]] == [
            Boundary.SENTENCE,
            Boundary.PARAGRAPH,
            Boundary.SENTENCE,
        ]
        assert chunks[1].pause_after_s == 0.7

    def test_a_short_paragraph_is_read_into_the_next(self) -> None:
        assert spoken(chunks_of(["Chapter One\n\nIt was a dark night."])) == [
            "Chapter One. It was a dark night."
        ]

    def test_no_rest_too_short_is_left_before_a_paragraph(self) -> None:
        text = SENTENCE * 2 + "Then she left. " + "He stayed.\n\n" + SENTENCE
        assert spoken(chunks_of([text]))[1:3] == [
            SENTENCE + "Then she left. He stayed.",
            SENTENCE.strip(),
        ]

    def test_adaptive_chunks_grow_with_the_lead(self) -> None:
        def longest(lead_s: float) -> float:
            chunker = SemanticChunker(settings=ChunkerSettings(sizing="adaptive"))
            return max(chunk.estimate_s for chunk in chunks_of([SENTENCE * 30], chunker, lead_s))

        assert longest(3.0) <= 8.0
        assert 8.0 < longest(15.0) <= 15.0
        assert 12.0 < longest(60.0) <= 320 / 15

    def test_measured_speech_corrects_the_sizes(self) -> None:
        def second(*observed: tuple[str, int, float], sizing: str = "mission") -> int:
            settings = ChunkerSettings(sizing=sizing)  # type: ignore[arg-type]
            chunker = SemanticChunker(settings=settings)
            for each in observed:
                chunker.observe(*each)
            return len(chunks_of(["word, " * 200], chunker)[1].spoken)

        usual = second()
        assert second(("en", 600, 80.0)) < usual
        assert second(("en", 2000, 80.0)) > usual
        assert second(("de", 600, 80.0), ("en", 10, 0.0)) == usual
        assert second(("en", 600, 80.0), sizing="scheduled") == usual

    def test_estimates_follow_the_rate(self) -> None:
        (slow,) = chunks_of(["Hello there."], SemanticChunker(rate=0.5))
        (fast,) = chunks_of(["Hello there."], SemanticChunker(rate=2.0))
        assert slow.estimate_s == 4 * fast.estimate_s

    def test_a_rate_must_be_positive(self) -> None:
        with pytest.raises(UsageError, match="rate"):
            SemanticChunker(rate=0.0)


class TestLimits:
    @pytest.mark.parametrize("language", ["en", "ja", "zh-cn", "hi"])
    def test_characters(self, language: str) -> None:
        limits = EngineLimits(characters_by_language=MappingProxyType({language: 20}))
        chunks = chunks_of([STORIES[language]], SemanticChunker(language, limits=limits))
        assert max(len(chunk.spoken) for chunk in chunks) <= 20

    def test_a_variant_has_its_languages_limit(self) -> None:
        limits = EngineLimits(characters_by_language=MappingProxyType({"en": 30}))
        chunks = chunks_of([SENTENCE], SemanticChunker("en-gb", limits=limits))
        assert max(len(chunk.spoken) for chunk in chunks) <= 30

    def test_seconds(self) -> None:
        chunks = chunks_of([SENTENCE * 3], SemanticChunker(limits=EngineLimits(max_audio_s=3.0)))
        assert max(chunk.estimate_s for chunk in chunks) <= 2.7

    def test_respelling_counts(self) -> None:
        class Shout:
            def apply(self, text: str, _language: str) -> tuple[str, tuple[tuple[int, int], ...]]:
                return " ".join("a" * 12 for _ in text.split()), ()

        limits = EngineLimits(max_characters=60)
        text = "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 2
        chunks = chunks_of([text], SemanticChunker(limits=limits, lexicon=Shout()))
        assert_joins(text, chunks)
        assert max(len(chunk.spoken) for chunk in chunks) <= 60

    def test_one_character_goes_out_however_long_it_is_to_say(self) -> None:
        class Long:
            def apply(self, _text: str, _language: str) -> tuple[str, tuple[tuple[int, int], ...]]:
                return "x" * 50, ((0, 0),)

        chunker = SemanticChunker(limits=EngineLimits(max_characters=10), lexicon=Long())
        assert spoken(chunks_of(["ab"], chunker)) == ["x" * 50] * 2

    def test_a_lexicon_respells_and_positions_follow(self) -> None:
        class Respell:
            def apply(self, text: str, language: str) -> tuple[str, tuple[tuple[int, int], ...]]:
                assert language == "en"
                at = text.index("nginx")
                return text.replace("nginx", "engine x"), ((0, 0), (at + 8, at + 5))

        (chunk,) = chunks_of(["The *nginx* server"], SemanticChunker(lexicon=Respell()))
        assert chunk.spoken == "The engine x server"
        assert chunk.source_at(chunk.spoken.index("server")) == 12


class TestMarks:
    def test_a_pause_cuts_and_replaces_the_boundarys_own(self) -> None:
        chunks = chunks_of(["Wait. [pause:1.5s] Now go."])
        assert spoken(chunks) == ["Wait.", "Now go."]
        assert [chunk.pause_after_s for chunk in chunks] == [0.0, 0.0]
        assert [chunk.pause_before_s for chunk in chunks] == [0.0, 1.5]

    def test_pauses_add_up_to_a_limit(self) -> None:
        chunks = chunks_of(["A [pause:300ms][pause=0.5] B [pause:9] [PAUSE: 9 s]C"])
        assert [chunk.pause_before_s for chunk in chunks] == [0.0, 0.8, 10.0]

    def test_a_pause_at_the_end_comes_after_the_last_chunk(self) -> None:
        (chunk,) = chunks_of(["That was all. [pause:2s]"])
        assert (chunk.boundary, chunk.pause_after_s) == (Boundary.PARAGRAPH, 2.0)

    def test_a_pause_at_the_start_comes_before_the_first(self) -> None:
        (chunk,) = chunks_of(["[pause:2s] Hello."])
        assert (chunk.spoken, chunk.pause_before_s, chunk.source_start) == ("Hello.", 2.0, 0)

    def test_a_voice_is_another_speaker(self) -> None:
        chunks = chunks_of(
            ["Hi. [voice:ann] Hello. [voice:default]Bye."], SemanticChunker(voice="bob")
        )
        assert [chunk.voice for chunk in chunks] == ["bob", "ann", "bob"]
        assert [chunk.boundary for chunk in chunks[:2]] == [Boundary.SPEAKER] * 2
        assert chunks[0].pause_after_s == 0.5

    def test_a_rate_changes_the_estimate(self) -> None:
        chunks = chunks_of(["Hello. [rate:2.0]Hello. [rate:default]Hello."])
        assert [chunk.rate for chunk in chunks] == [1.0, 2.0, 1.0]
        assert chunks[1].estimate_s < 0.6 * chunks[0].estimate_s

    def test_a_mark_split_across_deltas_works(self) -> None:
        assert spoken(chunks_of(list("Go [pause:1s]on"))) == ["Go", "on"]

    @pytest.mark.parametrize("text", ["[laughs]", "[pause:long]", "[rate:9]", "[rate:1s]"])
    def test_other_brackets_are_text(self, text: str) -> None:
        (chunk,) = chunks_of([f"Well {text} well"])
        assert chunk.spoken == f"Well {text[1:-1]} well"


class TestEdges:
    def test_nothing(self) -> None:
        assert chunks_of([]) == []
        assert chunks_of(["", ""]) == []

    @pytest.mark.parametrize(
        "text", [" \n ", "...", "?!", "😀👩‍👩‍👧", "***\n\n---\n", "\0\x1b\ufeff"]
    )
    def test_nothing_to_say_is_one_silent_chunk(self, text: str) -> None:
        (chunk,) = chunks_of([text])
        assert (chunk.spoken, chunk.estimate_s, chunk.source_end) == ("", 0.0, len(text))

    def test_silent_text_goes_with_its_neighbour(self) -> None:
        text = SENTENCE + "…\n\n" + "😀 " * 40 + "\n\n" + SENTENCE
        chunks = chunks_of([text])
        assert_joins(text, chunks)
        assert all(chunk.spoken for chunk in chunks)

    @pytest.mark.parametrize(
        "unit", ["a", "中", "é", "9", "ক্ষ", "👩‍👩‍👧", "\u05d0", ".", " ", "\n", '"', "[", "$"]
    )
    def test_endless_runs_are_cut_and_kept_whole(self, unit: str) -> None:
        text = unit * 1_000
        chunks = chunks_of([text])
        assert_joins(text, chunks)
        assert chunks == chunks_of(text)
        assert all(chunk.estimate_s <= 8.0 for chunk in chunks)

    @pytest.mark.parametrize("cluster", ["e\u0301\u0323", "क्षि", "각"])
    def test_no_cut_inside_a_cluster(self, cluster: str) -> None:
        for chunk in chunks_of([cluster * 400]):
            assert chunk.source_start % len(cluster) == 0

    def test_ten_megabytes_leave_nothing_behind(self) -> None:
        chunker = SemanticChunker()
        chunks = [c for _ in range(100) for c in chunker.feed("x" * 100_000, 0.0, 10.0)]
        assert chunker.pending_characters < 1_000
        assert chunks[-1].source_end > 9_990_000

    def test_pending_characters_count_what_was_not_given_out(self) -> None:
        chunker = SemanticChunker()
        chunker.feed("Hello", 0.0, 0.0)
        assert chunker.pending_characters == 5
        chunker.flush()
        assert chunker.pending_characters == 0

    def test_after_the_end_nothing_is_taken(self) -> None:
        chunker = SemanticChunker()
        assert spoken(chunks_of(["Hello."], chunker)) == ["Hello."]
        assert chunker.flush() == []
        with pytest.raises(RunError, match="ended"):
            chunker.feed("more", 0.0, 0.0)

    def test_the_last_chunk_ends_a_paragraph_without_a_pause(self) -> None:
        last = chunks_of([SENTENCE * 3])[-1]
        assert (last.boundary, last.pause_after_s) == (Boundary.PARAGRAPH, 0.0)

    def test_pauses_are_settings(self) -> None:
        settings = ChunkerSettings(pauses=PauseTimes(sentence_s=1.0))
        assert chunks_of([SENTENCE * 3], SemanticChunker(settings=settings))[0].pause_after_s == 1.0

    def test_a_chunk_is_split_through_the_chunker(self) -> None:
        chunker = SemanticChunker()
        (chunk,) = chunks_of([SENTENCE])
        assert len(chunker.split(chunk, EngineLimits())) == 2


# -- sources that know, or break off -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A man rises. He knows your na", "A man rises."),
        ("He knows your name, and you kn", "He knows your name,"),
        ("A man rises. He knows your name,", "A man rises. He knows your name,"),
        ("A man rises. He knows your name.", "A man rises. He knows your name."),
        ("A man rises. He knows **your na", "A man rises."),
        ("And then he", ""),
        ("", ""),
    ],
)
def test_of_a_text_that_broke_off_what_is_whole_is_said(text: str, said: str) -> None:
    chunker = SemanticChunker()
    chunks = chunker.feed(text, 0.0, 10.0) + chunker.break_off()
    assert " ".join(spoken(chunks)) == said
    if said:
        assert text[: chunks[-1].source_end].rstrip() == said
    assert chunker.break_off() == chunker.flush() == []


def test_a_long_text_that_broke_off_is_cut_as_ever() -> None:
    chunker = SemanticChunker()
    chunks = chunker.feed(SENTENCE * 6 + "And the last of them is", 0.0, 10.0)
    chunks += chunker.break_off()
    assert "".join(spoken(chunks)).count("speech.") == 6
    assert chunks[-1].source_end == len(SENTENCE) * 6


def test_a_sentence_that_is_known_to_be_over_is_not_held_back() -> None:
    chunker = SemanticChunker()
    assert chunker.feed("A man rises.", 0.0, 0.0) == []
    (chunk,) = chunker.release_sentence(0.0)
    assert (chunk.spoken, chunk.boundary) == ("A man rises.", Boundary.SENTENCE)
    assert chunker.release_sentence(0.0) == []
    chunks = chunker.feed(" He knows you.", 1.0, 0.0) + chunker.flush()
    assert_joins("A man rises. He knows you.", [chunk, *chunks])
    assert chunker.release_sentence(0.0) == []


def test_in_scheduled_sizing_nothing_is_given_out_early() -> None:
    chunker = SemanticChunker(settings=ChunkerSettings(sizing="scheduled"))
    chunker.feed("A man rises.", 0.0, 0.0)
    assert chunker.release_sentence(0.0) == []
