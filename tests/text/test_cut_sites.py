"""Where the chunker cuts, measured against sites that were labelled by hand.

`cut_sites_<language>.toml` hold texts in which `‖` marks a place where a good narrator may
stop (preferred) and `⊘` one where none would (forbidden); every other place is unlabelled.
The labels say what a reader of the text would do; they do not follow the implementation.
Lines of a text are joined as prose unless it is `verbatim`; an empty line is a paragraph.

A site is the end of the visible text in front of it: spaces and line ends between two words
are one place. Each text is an utterance of its own, in which it stands twice, as paragraphs
(once with more text to come, once at the end, where chunkers stretch to take the rest in);
cuts in both count, the text's own end never does. It goes through each of the `Run`s below:

- `OWN_RANGE`: sizes that the product uses (hard bounds 2.4-8 s), for many targets, first
  chunks and speaking rates, fed at once, in single characters with no lead, and adaptive.
- `SHORT`: sizes far below, down to a cut wherever one is allowed, so that chunks end in
  many more places. The longest unbreakable stretch in the texts still fits into each.
- `TINY`: too small for some addresses, which must then be broken; for measure 3 alone.

Three measures, per language:

1. forbidden: no chunk of any run ends at a forbidden site (0 of all cuts).
2. preferred: of all cuts of the `OWN_RANGE` runs, at least 95 % are at preferred sites.
   A cut at an unlabelled place counts against it; one site cut n times counts n times.
3. reachable: each preferred site at the end of a sentence or paragraph ends a chunk in at
   least one run.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from legato.text.semantic_chunker import ChunkerSettings, SemanticChunker

PREFERRED, FORBIDDEN = "‖", "⊘"
LANGUAGES = ("de", "en", "es", "fr", "ja", "ru")
SENTENCE_ENDS = ".!?…。！？"
CLOSERS = "\"'”’“»«)]」』*` \n\u00a0\u202f"
SILENT = "—–["  # heard alike on either side of a dash or a `[pause]` mark


@dataclass(frozen=True)
class Marked:
    """A text without its marks, and its sites as offsets."""

    name: str
    text: str
    preferred: frozenset[int]
    forbidden: frozenset[int]

    def strong(self) -> list[int]:
        """The preferred sites that end a sentence or a line, the end of the text excepted."""
        return [site for site in sorted(self.preferred) if self._is_strong(site)]

    def _is_strong(self, site: int) -> bool:
        rest = self.text[site:].lstrip(" ")
        if not rest.strip() or rest[0] in SILENT:
            return False
        if self.text[site - 1] in ".…" and self.text[site - 2] in "….":
            return rest[0].isupper()  # an ellipsis may end a sentence or be a mere hesitation
        before = self.text[:site].rstrip(CLOSERS)
        ends_sentence = before.endswith(tuple(SENTENCE_ENDS)) and not rest[0].islower()
        return rest.startswith("\n") or ends_sentence

    def show(self, site: int) -> str:
        """The site in its surroundings."""
        around = self.text[max(0, site - 30) : site] + "|" + self.text[site : site + 20]
        return f"{self.name}: {around!r}"


@dataclass(frozen=True)
class Run:
    """One way of putting a text through the chunker."""

    settings: ChunkerSettings
    rate: float = 1.0
    lead_s: float = 10.0
    single_characters: bool = False

    def cuts(self, language: str, text: str) -> list[int]:
        """Where the chunks of the text, spoken twice, end: sites, without the text's end."""
        twice = f"{text}\n\n{text}"
        chunker = SemanticChunker(language, rate=self.rate, settings=self.settings)
        deltas: Iterable[str] = twice if self.single_characters else (twice,)
        chunks = [c for delta in deltas for c in chunker.feed(delta, 0.0, self.lead_s)]
        chunks += chunker.flush()
        assert "".join(twice[c.source_start : c.source_end] for c in chunks) == twice
        ends = (visible_end(twice, chunk.source_end) for chunk in chunks)
        sites = (end % (len(text) + 2) for end in ends)
        return [site for site in sites if 0 < site < len(text)]


def sized(
    hard_min_s: float, target_min_s: float, target_max_s: float, hard_max_s: float, first_s: float
) -> ChunkerSettings:
    return ChunkerSettings(
        target_min_s=target_min_s,
        target_max_s=target_max_s,
        hard_min_s=hard_min_s,
        hard_max_s=hard_max_s,
        first_chunk_s=first_s,
    )


OWN_RANGE = (
    *(
        Run(sized(2.4, low_s, high_s, 8.0, first_s), rate)
        for low_s, high_s in ((3.0, 7.0), (2.4, 4.0), (4.0, 6.0), (6.0, 8.0))
        for first_s in (2.4, 3.0, 4.5, 7.0)
        for rate in (0.8, 1.0, 1.3)
    ),
    *(Run(ChunkerSettings(), rate, 0.0, single_characters=True) for rate in (0.8, 1.0, 1.3)),
    *(Run(ChunkerSettings(sizing="adaptive"), 1.0, lead_s) for lead_s in (0.0, 5.0, 20.0)),
    Run(ChunkerSettings(sizing="scheduled")),
)
SHORT = (
    *(
        Run(sized(hard_s / 40, hard_s / divisor, hard_s * 0.8, hard_s, hard_s / divisor))
        for hard_s in (3.5, 4.0, 5.0, 6.0, 8.0)
        for divisor in (40, 8, 4, 2)
    ),
    *(Run(sized(0.05, 0.05, high_s, 8.0, 0.05)) for high_s in (0.1, 0.5, 1.0, 2.0, 3.0)),
    Run(sized(0.05, 0.05, 0.1, 8.0, 0.05), 1.0, 0.0, single_characters=True),
)
TINY = tuple(Run(sized(0.05, 0.05, hard_s / 2, hard_s, 0.05)) for hard_s in (1.0, 1.5, 2.0, 2.7))


def visible_end(text: str, offset: int) -> int:
    return len(text[:offset].rstrip())


def marked(name: str, source: str) -> Marked:
    """Take the marks out of `source`, and remember where they were."""
    sites: dict[str, set[int]] = {PREFERRED: set(), FORBIDDEN: set()}
    text = ""
    for character in source:
        if character in sites:
            sites[character].add(visible_end(text, len(text)))
        else:
            text += character
    both = sites[PREFERRED] & sites[FORBIDDEN]
    assert not both, f"{name}: preferred and forbidden at once: {both}"
    return Marked(name, text, frozenset(sites[PREFERRED]), frozenset(sites[FORBIDDEN]))


def prose(source: str, language: str) -> str:
    space = "" if language == "ja" else " "
    paragraphs = source.strip().split("\n\n")
    return "\n\n".join(space.join(paragraph.split("\n")) for paragraph in paragraphs)


@cache
def texts(language: str) -> tuple[Marked, ...]:
    path = Path(__file__).parent / f"cut_sites_{language}.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert content["language"] == language
    return tuple(
        marked(
            f"{language}/{text['id']}",
            text["text"].strip() if text.get("verbatim") else prose(text["text"], language),
        )
        for text in content["text"]
    )


@cache
def cuts(language: str, runs: tuple[Run, ...]) -> dict[str, Counter[int]]:
    """How many of the runs cut each text at each site."""
    return {
        text.name: Counter(site for run in runs for site in run.cuts(language, text.text))
        for text in texts(language)
    }


def report(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        print(f"\n  {line}", end="")


def test_the_set_is_large_enough(capsys: pytest.CaptureFixture[str]) -> None:
    total = 0
    for language in LANGUAGES:
        preferred = sum(len(text.preferred) for text in texts(language))
        forbidden = sum(len(text.forbidden) for text in texts(language))
        report(capsys, f"{language}: {preferred} preferred, {forbidden} forbidden sites")
        assert preferred + forbidden >= 50
        assert min(preferred, forbidden) >= 40
        total += preferred + forbidden
    assert total >= 330


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_chunk_ends_at_a_forbidden_site(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, total = [], 0
    for kind, runs in (("own range", OWN_RANGE), ("short", SHORT)):
        for text in texts(language):
            counted = cuts(language, runs)[text.name]
            total += counted.total()
            wrong = sorted(counted.keys() & text.forbidden)
            found += [f"{counted[site]:4d} {kind}  {text.show(site)}" for site in wrong]
    report(capsys, f"{language}: {len(found)} forbidden sites among {total} cuts")
    assert not found, "\n".join(["chunks end at forbidden sites (runs, place):", *found])


@pytest.mark.parametrize("language", LANGUAGES)
def test_cuts_fall_on_preferred_sites(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    good, total, elsewhere = 0, 0, []
    for text in texts(language):
        for site, times in cuts(language, OWN_RANGE)[text.name].items():
            total += times
            if site in text.preferred:
                good += times
            else:
                elsewhere.append((times, text.show(site)))
    report(capsys, f"{language}: {good} of {total} cuts preferred ({100 * good / total:.1f} %)")
    worst = [f"{times:4d}  {shown}" for times, shown in sorted(elsewhere, reverse=True)]
    assert good >= 0.95 * total, "\n".join(["cuts at other places (runs, place):", *worst])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_end_is_reachable(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    missed, total = [], 0
    for text in texts(language):
        reached = set().union(
            *(cuts(language, runs)[text.name] for runs in (OWN_RANGE, SHORT, TINY))
        )
        total += len(text.strong())
        missed += [text.show(site) for site in text.strong() if site not in reached]
    report(capsys, f"{language}: {total - len(missed)} of {total} sentence ends reached")
    assert not missed, "\n".join(["sentence ends that no run reaches:", *missed])
