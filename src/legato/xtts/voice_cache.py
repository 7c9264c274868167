"""The latents of the voices in use, ready on the model's device."""

from __future__ import annotations

from collections.abc import Callable

from legato.xtts.voices import VoiceLatents, VoiceStore

_KEPT = 64  # a voice is some 130 kB


class VoiceCache:
    """Loads a voice when it is first asked for; owned by one thread.

    load: gives the latents of a voice, or raises UnknownVoice. An own voice that is replaced
    in `store` meanwhile is loaded anew.
    """

    def __init__(self, load: Callable[[str], VoiceLatents], store: VoiceStore) -> None:
        self._load = load
        self._store = store
        self._kept: dict[str, tuple[object, VoiceLatents]] = {}

    def get(self, wanted: str) -> VoiceLatents:
        """Raises UnknownVoice."""
        stamp = self._store.stamp(wanted)
        kept = self._kept.pop(wanted, None)
        if kept is None or kept[0] != stamp:
            kept = (stamp, self._load(wanted))
        self._kept[wanted] = kept  # the latest comes last
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return kept[1]
