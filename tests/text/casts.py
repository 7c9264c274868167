"""A cast for tests, and texts in which its people speak."""

from __future__ import annotations

from types import MappingProxyType

from hypothesis import strategies as st

from legato.text.cast import Cast, Role
from legato.text.semantic_chunker import ChunkerSettings, SemanticChunker
from legato.types import TextChunk

_ANGRY = Role("mira", "high", rate=1.2, volume=1.5, aliases=("the innkeeper",), mood="angry")
MIRA = Role(
    "mira",
    "high",
    rate=0.9,
    aliases=("the innkeeper",),
    moods=MappingProxyType({"angry": _ANGRY}),
)
TOM = Role("Tom", "low", volume=0.5)
GUARD = Role("Guard 2", "", "de")
MI = Role("米拉", "high")
NARRATOR = Role("", "low+soft", aliases=("Voice",))
UNKNOWN = Role("unknown", "+soft")
CAST = Cast((MIRA, TOM, GUARD, MI), NARRATOR)
WITH_UNKNOWN = Cast((MIRA, TOM, GUARD, MI), NARRATOR, UNKNOWN)

_PIECES = (
    "Mira", "mira", "MIRA", "Tom", "the innkeeper", "The inn", "keeper ", "Guard", " 2", "米拉",
    "Mira: ", "**Mira:** ", "Tom (angry): ", "Mira (angry): ", "Narrator: ", "Voice: ", "Tom:\n",
    "- Tom: ", "Mira:", ":", "*", "(", ")", " said ", " said, ", " asked", "he ", "she said. ",
    "said Mira", "asked Tom",
    "said Anna. ", "the innkeeper said", "Mira shook her head. ", "Tom's ", "called it ",
    '"', '"', '"', ' "', '" ', "“", "”", "„", "«", "»", "「", "」", "と", "说：", ", ", ". ", "! ",
    "? ", ".", ",", "…", "—", " ", "  ", "\u00a0", "\n", "\n\n", "\r\n", "[voice:mira]",
    "[voice:Mira/angry]", "[voice:Mira/sad]", "[voice:bob]", "[voice:default]", "[voice:narrator]",
    "[pause:1s]", "[rate:1.5]", "Come in", "no", "Sit down by the fire and rest. ", "x" * 30,
    "and the wind came down from the hills, as it had for as long as anybody could remember. ",
)  # fmt: skip

spoken_texts = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)


def cast_chunker(cast: Cast = CAST, **options: object) -> SemanticChunker:
    return SemanticChunker(cast=cast, settings=ChunkerSettings(sizing="scheduled"), **options)  # type: ignore[arg-type]


def spoken_by(text: str, cast: Cast = CAST) -> list[tuple[str, str]]:
    """(speaker, what is spoken) of each chunk."""
    return [(chunk.speaker, chunk.spoken) for chunk in chunks_of(text, cast)]


def chunks_of(text: str, cast: Cast = CAST) -> list[TextChunk]:
    chunker = cast_chunker(cast)
    return chunker.feed(text, 0.0, 10.0) + chunker.flush()
