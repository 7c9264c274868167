"""From clips of speech to a voice that is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from legato.errors import UsageError
from legato.xtts.checkpoint import load_checkpoint, load_speakers
from legato.xtts.conditioning import Conditioner
from legato.xtts.config import XttsConfig
from legato.xtts.reference_audio import read_reference
from legato.xtts.voices import VoiceStore, check_name, find_name


def clone_voice(
    name: str,
    clips: Sequence[Path],
    folder: Path,
    store: VoiceStore,
    *,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    loading: Callable[[str], None] = lambda _: None,
) -> Path:
    """Compute a voice's latents in float32 with the checkpoint in `folder`; returns its file.

    `tell` hears a line about each clip that is poor but will do, `loading` how far it is. Clips and
    name are checked before weights are loaded. Raises UsageError, EngineError, OutputError.
    """
    config = XttsConfig.load(folder)
    name = _free_name(name, folder, store, replace)
    references = [read_reference(clip, config.max_ref_len) for clip in clips]
    for reference in references:
        if reference.warning:
            tell(reference.warning)
    checkpoint = load_checkpoint(
        folder, progress=lambda share: loading(f"reading weights, {share:.0%}")
    )
    conditioner = Conditioner.load(checkpoint)
    loading(f"listening to {len(clips)} clip{'s' if len(clips) > 1 else ''}")
    latents = conditioner.latents([reference.pcm for reference in references])
    return store.add(name, latents, replace=replace)


def _free_name(name: str, folder: Path, store: VoiceStore, replace: bool) -> str:
    kept = check_name(name)
    speaker = find_name(kept, tuple(load_speakers(folder)))
    if speaker is not None:
        raise UsageError(f"{speaker!r} is a studio speaker: choose another name")
    store.check_free(kept, replace)
    return kept
