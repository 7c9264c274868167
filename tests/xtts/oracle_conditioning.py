"""Writes golden/conditioning.safetensors with coqui-tts 0.28.0: voices of made-up clips.

`python -m tests.xtts.oracle_conditioning`; needs coqui-tts and torchaudio. The tests make the same
clips and the same checkpoint, and read the file without either. Only the reading of WAV files is
replaced, as torchaudio's needs FFmpeg; mixing, resampling and all that follows are the reference's.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save

from legato.xtts.synthetic import make_checkpoint

if TYPE_CHECKING:
    from torch import Tensor

GOLDEN = Path(__file__).parent / "golden" / "conditioning.safetensors"
SEED = 1
SIZE = "tiny"
MEL_SECONDS = 0.5


def golden() -> dict[str, Tensor]:
    """What the reference made of it."""
    return load(GOLDEN.read_bytes())


def made_up_speech(seconds: float, rate_hz: int, pitch_hz: float = 120.0) -> NDArray[np.float32]:
    """(samples,): harmonics under a wandering pitch and formant, in syllables, with breath."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * pitch_hz * time_s + 3 * np.sin(2 * np.pi * 0.7 * time_s)
    formant_hz = 900 + 500 * np.sin(2 * np.pi * 1.3 * time_s)
    voice = np.zeros_like(time_s)
    for harmonic in range(1, int(min(rate_hz / 2, 8_000) / pitch_hz / 1.3)):
        distance = (harmonic * pitch_hz - formant_hz) / 700
        voice += np.sin(harmonic * phase) * (np.exp(-(distance**2)) + 0.3 / harmonic)
    syllables = np.clip(np.sin(2 * np.pi * 2.1 * time_s) + 0.6, 0, 1)
    breath = np.random.default_rng(7).standard_normal(time_s.size) * 0.01
    return (0.1 * voice * syllables + breath).astype(np.float32)


def write_clips(folder: Path) -> tuple[Path, Path]:
    """9.2 s mono at 22,050 Hz, and 3.1 s of another voice in stereo at 44,100 Hz."""
    first, second = folder / "first.wav", folder / "second.wav"
    soundfile.write(first, made_up_speech(9.2, 22_050), 22_050, subtype="FLOAT")
    left = made_up_speech(3.1, 44_100, 190.0)
    soundfile.write(second, np.stack((left, 0.5 * left[::-1]), 1), 44_100, subtype="FLOAT")
    return first, second


def _reference(folder: Path) -> Any:
    config = import_module("TTS.tts.configs.xtts_config").XttsConfig()
    config.load_json(str(folder / "config.json"))
    model = import_module("TTS.tts.models.xtts").Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
    return model


def _read(path: str) -> tuple[Tensor, int]:
    """In place of torchaudio.load: (channels, samples) and the rate."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(samples.T.copy()), rate_hz


def _voice(model: Any, clips: list[str]) -> tuple[Tensor, Tensor]:
    config = model.config
    gpt, speaker = model.get_conditioning_latents(
        clips, config.max_ref_len, config.gpt_cond_len, config.gpt_cond_chunk_len
    )
    return gpt[0].contiguous(), speaker[0, :, 0].contiguous()


def main() -> None:
    """Write the golden file."""
    torch.set_num_threads(1)
    import_module("torchaudio").load = _read  # type: ignore[attr-defined]
    made: dict[str, Tensor] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = _reference(make_checkpoint(folder / "model", SIZE, SEED))
        clips = [str(clip) for clip in write_clips(folder)]
        made["first.gpt"], made["first.speaker"] = _voice(model, clips[:1])
        made["both.gpt"], made["both.speaker"] = _voice(model, clips)
    short = torch.from_numpy(made_up_speech(MEL_SECONDS, 22_050))[None]
    made["mel.conditioning"] = (
        import_module("TTS.tts.models.xtts")
        .wav_to_mel_cloning(
            short, mel_norms=model.mel_stats, n_fft=2048, hop_length=256, win_length=1024
        )[0]
        .contiguous()
    )
    short = torch.from_numpy(made_up_speech(MEL_SECONDS, 16_000))[None]
    spectrogram = model.hifigan_decoder.speaker_encoder.torch_spec
    made["mel.speaker"] = spectrogram(short)[0].detach().contiguous()
    made["mel.stats"] = model.mel_stats.clone()
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_bytes(save(made))


if __name__ == "__main__":
    main()
