"""What a cast costs and how often it is right: a dialogue whose speakers are known.

The story comes a character at a time. A quotation whose speaker is not told in front of it waits
for what follows it, up to `Cast.tag_reach` characters. For several reaches: how many quotations
wait and for how many characters, what that is in milliseconds while a model writes (4.2
characters a token), and how many of them are spoken by whom they should be.

    python -m legato.bench.cast [--json]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from statistics import median

from rich.console import Console
from rich.table import Table

from legato.text.cast import Cast, Role
from legato.text.cast_reader import CastReader
from legato.text.languages import rules_for
from legato.text.semantic_chunker import ChunkerSettings, SemanticChunker

_OPENER = "“"
REACHES = (0, 40, 80, 120, 160, 320)
CHARACTERS_PER_TOKEN = 4.2
TOKENS_PER_S = (25, 60)

CAST = Cast(
    (
        Role("Mira", aliases=("the innkeeper",)),
        Role("Tom"),
        Role("Brann", aliases=("the smith",)),
        Role("Ysolde", aliases=("the old woman",)),
    ),
    unknown=Role("unknown"),
)

# Narration in plain strings; (who, what) is a quotation. "unknown": nothing tells.
_STORY: tuple[str | tuple[str, str], ...] = (
    "The door of the inn flew open, and the rain came in with a stranger.\n\n",
    ("Mira", "“Shut that door,”"), " said Mira. ",
    ("Mira", "“You are letting the whole night in, and the fire has trouble enough as it is.”"),
    "\n\nThe stranger pushed it shut and shook out his cloak. ", ("unknown", "“Forgive me.”"),
    "\n\n", ("Tom", "“Who rides on a night like this?”"), " Tom asked from his corner.\n\n",
    ("Brann", "“Somebody who is running,”"), " muttered Brann, ",
    ("Brann", "“or somebody who is running after him.”"), "\n\nMira put a bowl on the table. ",
    ("Mira", "“Eat first. Then tell us which of the two you are.”"),
    "\n\nThe stranger ate. Nobody spoke for a while.\n\n",
    ("Ysolde", "“He has the mark on his hand,”"), " said the old woman by the window. ",
    ("Ysolde", "“I saw it when he took the spoon. I have not seen it for forty years, and I had "
     "hoped not to see it again before they carry me out of here, feet first, up to the hill.”"),
    "\n\nTom stood up so quickly that his chair fell over. ", ("Tom", "“What mark?”"), "\n\n",
    ("Ysolde", "“Sit down, boy.”"), " Ysolde did not even turn her head.\n\n",
    ("Tom", "“I will not sit down!”"), "\n\n", ("Ysolde", "“Then stand, and be quiet.”"), "\n\n",
    "Brann laughed into his cup and said: ", ("Brann", "“She has you there.”"),
    " He wiped his beard. ", ("Brann", "“Let the man finish his soup.”"), "\n\n",
    ("Mira", "“Nobody touches him under my roof,”"), " the innkeeper said, and she meant it. ",
    ("Mira", "“That is the law here, and it is older than any mark.”"), "\n\n",
    "Tom looked from one to the other. ", ("Tom", "“And when he leaves?”"), " he asked.\n\n",
    ("Mira", "“Then he is the road's business, and not mine,”"), " said Mira.\n\n",
    "The smith bent down and picked up the chair. ", ("Brann", "“Sit, lad.”"), "\n\n",
    "Outside a horse screamed. All of them heard it.\n\n",
    ("Tom", "“That is my mare!”"), " shouted Tom, and was at the door before anyone could hold "
    "him. ", ("Tom", "“Somebody is in the stable!”"), "\n\n", ("Brann", "“Wait for me!”"),
    " Brann reached for his hammer.\n\nYsolde whispered, ", ("Ysolde", "“It has begun.”"), "\n\n",
    ("Mira", "“What has?”"), " asked Mira, but the old woman had closed her eyes.\n\n",
    "It was called the “Golden Lion” once, and nobody knew why.\n\n",
    "Mira: Tom, come back here!\nTom: Too late!\nBrann: Hold the lantern higher.\n\n",
    "A long silence followed. Then somebody laughed in the dark. ", ("unknown", "“Well met.”"),
)  # fmt: skip


def text() -> str:
    """The story as it is read."""
    return "".join(part if isinstance(part, str) else part[1] for part in _STORY)


def waits(cast: Cast) -> list[int]:
    """For each quotation that is held back: how many characters it waits."""
    reader = CastReader(cast, rules_for("en"))
    waited, held, last = [], 0, ""
    for character in text():
        given = reader.feed(character)
        if given and held and last == _OPENER:
            waited.append(held)
        last = given[-1] if given else last
        held = len(reader.waits_for)
    return waited


def right(cast: Cast) -> tuple[int, int]:
    """How many quotations are spoken by whom they should be, and how many there are."""
    chunker = SemanticChunker(cast=cast, settings=ChunkerSettings(sizing="scheduled"))
    chunks = chunker.feed(text(), 0.0, 0.0) + chunker.flush()
    found = count = at = 0
    for part in _STORY:
        if isinstance(part, str):
            at += len(part)
            continue
        who, what = part
        middle, count = at + len(what) // 2, count + 1
        speaker = next(c.speaker for c in chunks if c.source_start <= middle < c.source_end)
        found += speaker == who
        at += len(what)
    return found, count


def run() -> list[dict[str, float]]:
    """One row for each reach."""
    rows = []
    for reach in REACHES:
        cast = replace(CAST, tag_reach=reach)
        waited = sorted(waits(cast))
        found, count = right(cast)
        longest = waited[-1] if waited else 0
        middle = median(waited) if waited else 0
        row: dict[str, float] = {"reach": reach, "quotations": count, "right": found}
        row |= {"waiting": len(waited), "wait_median": middle, "wait_max": longest}
        for tokens_per_s in TOKENS_PER_S:
            per_s = tokens_per_s * CHARACTERS_PER_TOKEN
            row[f"median_ms_at_{tokens_per_s}"] = round(middle / per_s * 1_000)
            row[f"max_ms_at_{tokens_per_s}"] = round(longest / per_s * 1_000)
        rows.append(row)
    return rows


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON line")
    rows = run()
    if parser.parse_args().json:
        print(json.dumps({"bench": "cast", "rows": rows}))
        return
    table = Table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(*(f"{value:g}" for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
