"""The language models of `legato serve`: each listener of the page has a narration of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from legato.cli.models import ModelChoice
from legato.errors import UsageError
from legato.llm.narration import Narration
from legato.streaming_pipeline import Playback


def narrations(choice: ModelChoice, system: str) -> Callable[[Playback], Narration]:
    """Puts the chosen models behind a listener's playback; the narration closes them.

    Raises UsageError for models without a server: every listener would load them anew.
    """
    if not all(choice.servers()):
        raise UsageError(
            "the models of a server need one of their own: --base-url URL, or LEGATO_BASE_URL"
        )

    def narrate(playback: Playback) -> Narration:
        with ExitStack() as made:
            opener, narrator = choice.make(made)
            story = Narration(opener=opener, narrator=narrator, speaker=playback, system=system)
            made.pop_all()
        return story

    return narrate
