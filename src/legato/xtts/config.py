"""What a checkpoint folder's config.json says, as values. Knows no tensors.

The names of the keys and the meaning of missing ones are coqui-tts 0.28.0's (`XttsArgs`,
`XttsConfig`). Training-only keys of the file are ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from legato.errors import EngineError, UsageError

CONFIG_FILE = "config.json"
VOCAB_FILE = "vocab.json"
Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class GptConfig:
    """Sizes of the autoregressive model, and the ids that mean something to it."""

    layers: int
    channels: int
    heads: int
    text_vocab: int
    start_text: int
    stop_text: int
    audio_vocab: int
    start_audio: int
    stop_audio: int
    max_text_tokens: int
    max_audio_tokens: int
    max_prompt_tokens: int
    code_stride: int

    def __post_init__(self) -> None:
        if self.channels % self.heads:
            raise EngineError(
                f"{CONFIG_FILE}: {self.channels} channels cannot be split among {self.heads} heads"
            )
        for name, token, vocab in (
            ("start_text", self.start_text, self.text_vocab),
            ("stop_text", self.stop_text, self.text_vocab),
            ("start_audio", self.start_audio, self.audio_vocab),
            ("stop_audio", self.stop_audio, self.audio_vocab),
        ):
            if not 0 <= token < vocab:
                raise EngineError(
                    f"{CONFIG_FILE}: {name} {token} is outside a vocabulary of {vocab}"
                )

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.channels // self.heads

    @property
    def text_positions(self) -> int:
        """Rows of the text position table: the start and stop tokens have one each."""
        return self.max_text_tokens + 2

    @property
    def audio_positions(self) -> int:
        """Rows of the audio position table: start, stop and one conditioning input."""
        return self.max_audio_tokens + 3

    @property
    def max_new_tokens(self) -> int:
        """Audio tokens that the reference draws at most, the stop token included."""
        return self.max_audio_tokens - 3


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """Sample rates: of the reference mel, of the output, of the speaker encoder."""

    sample_rate_hz: int = 22050
    output_rate_hz: int = 24000
    speaker_rate_hz: int = 16000


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes of the vocoder.

    hop_samples counts samples at `AudioConfig.sample_rate_hz` per vocoder frame.
    initial_channels is fixed at 512 in the published model; synthetic ones may be narrower.
    """

    hop_samples: int = 256
    input_channels: int = 1024
    speaker_channels: int = 512
    speaker_in_each_layer: bool = True
    initial_channels: int = 512


@dataclass(frozen=True, slots=True)
class SamplingConfig:
    """How tokens are drawn. A temperature of 0 is greedy, a top_k of 0 sorts nothing out.

    Raises UsageError for values that no distribution can be made of.
    """

    temperature: float = 0.75
    top_k: int = 50
    top_p: float = 0.85
    repetition_penalty: float = 5.0
    length_penalty: float = 1.0

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("temperature", 0.0 <= self.temperature < math.inf, "at least 0"),
            ("top_k", self.top_k >= 0, "at least 0"),
            ("top_p", 0.0 < self.top_p <= 1.0, "above 0 and at most 1"),
            ("repetition_penalty", 0.0 < self.repetition_penalty < math.inf, "above 0"),
        ):
            if not good:
                raise UsageError(f"{name} must be {wanted}, not {getattr(self, name):g}")


@dataclass(frozen=True, slots=True)
class XttsConfig:
    """A checkpoint's own description. Lengths of reference clips are in whole seconds."""

    gpt: GptConfig
    audio: AudioConfig
    decoder: DecoderConfig
    sampling: SamplingConfig
    languages: tuple[str, ...]
    gpt_cond_len: int
    gpt_cond_chunk_len: int
    max_ref_len: int

    @classmethod
    def load(cls, folder: Path) -> XttsConfig:
        """Read `folder`/config.json.

        Raises UsageError where the folder or the file is missing, EngineError where the file does
        not describe an XTTS v2 model.
        """
        fields = _read_json(folder / CONFIG_FILE)
        args = _section(fields, "model_args")
        if args.get("gpt_use_perceiver_resampler") is not True:
            raise EngineError(
                f"{folder / CONFIG_FILE}: not an XTTS v2 model (no perceiver resampler)"
            )
        return cls(
            gpt=_gpt(args, folder),
            audio=_audio(_section(fields, "audio")),
            decoder=_decoder(args),
            sampling=_sampling(fields),
            languages=_languages(fields),
            gpt_cond_len=_whole(fields, "gpt_cond_len", 12),
            gpt_cond_chunk_len=_whole(fields, "gpt_cond_chunk_len", 4),
            max_ref_len=_whole(fields, "max_ref_len", 10),
        )


def _gpt(args: Json, folder: Path) -> GptConfig:
    start, stop = args.get("gpt_start_text_token"), args.get("gpt_stop_text_token")
    vocab = args.get("gpt_number_text_tokens")
    if start is None or stop is None or vocab is None:
        # The published file leaves these to the vocabulary.
        start, stop, vocab = _text_ids(folder)
    texts = {"start": start, "stop": stop, "vocab": vocab}
    return GptConfig(
        layers=_whole(args, "gpt_layers", 30),
        channels=_whole(args, "gpt_n_model_channels", 1024),
        heads=_whole(args, "gpt_n_heads", 16),
        text_vocab=_whole(texts, "vocab"),
        start_text=_whole(texts, "start"),
        stop_text=_whole(texts, "stop"),
        audio_vocab=_whole(args, "gpt_num_audio_tokens"),
        start_audio=_whole(args, "gpt_start_audio_token"),
        stop_audio=_whole(args, "gpt_stop_audio_token"),
        max_text_tokens=_whole(args, "gpt_max_text_tokens", 402),
        max_audio_tokens=_whole(args, "gpt_max_audio_tokens", 605),
        max_prompt_tokens=_whole(args, "gpt_max_prompt_tokens", 70),
        code_stride=_whole(args, "gpt_code_stride_len", 1024),
    )


def _audio(fields: Json) -> AudioConfig:
    return AudioConfig(
        sample_rate_hz=_whole(fields, "sample_rate", 22050),
        output_rate_hz=_whole(fields, "output_sample_rate", 24000),
    )


def _decoder(args: Json) -> DecoderConfig:
    return DecoderConfig(
        hop_samples=_whole(args, "output_hop_length", 256),
        input_channels=_whole(args, "decoder_input_dim", 1024),
        speaker_channels=_whole(args, "d_vector_dim", 512),
        speaker_in_each_layer=args.get("cond_d_vector_in_each_upsampling_layer", True) is True,
        initial_channels=_whole(args, "decoder_initial_channels", 512),
    )


def _sampling(fields: Json) -> SamplingConfig:
    default = SamplingConfig()
    try:
        return SamplingConfig(
            temperature=_number(fields, "temperature", default.temperature),
            top_k=_whole(fields, "top_k", default.top_k),
            top_p=_number(fields, "top_p", default.top_p),
            repetition_penalty=_number(fields, "repetition_penalty", default.repetition_penalty),
            length_penalty=_number(fields, "length_penalty", default.length_penalty),
        )
    except UsageError as error:
        raise EngineError(f"{CONFIG_FILE}: {error}") from error


def _languages(fields: Json) -> tuple[str, ...]:
    languages = fields.get("languages")
    if not isinstance(languages, list) or not all(isinstance(name, str) for name in languages):
        raise EngineError(f"{CONFIG_FILE}: 'languages' is not a list of names")
    return tuple(languages)


def _text_ids(folder: Path) -> tuple[int, int, int]:
    """Start id, stop id and size of the text vocabulary, as `folder`/vocab.json has them."""
    fields = _read_json(folder / VOCAB_FILE)
    ids = {
        str(entry["content"]): entry["id"]
        for entry in _entries(fields.get("added_tokens"))
        if "content" in entry and "id" in entry
    }
    ids.update(_section(_section(fields, "model"), "vocab"))
    try:
        start, stop = _whole(ids, "[START]"), _whole(ids, "[STOP]")
    except EngineError:
        raise EngineError(f"{folder / VOCAB_FILE} has no [START] and [STOP] tokens") from None
    return start, stop, 1 + max(token for token in ids.values() if isinstance(token, int))


def _entries(value: object) -> list[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _read_json(path: Path) -> Json:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"no {path.name} in {path.parent}: give an XTTS folder, or run legato download xtts"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise EngineError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise EngineError(f"{path} does not hold a JSON object")
    return value


def _section(fields: Json, key: str) -> dict[str, object]:
    value = fields.get(key)
    if not isinstance(value, dict):
        raise EngineError(f"the checkpoint's JSON has no section {key!r}: not an XTTS folder")
    return value


def _whole(fields: Json, key: str, default: int | None = None) -> int:
    value = fields.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EngineError(f"{CONFIG_FILE}: {key!r} is {value!r}, not a whole number")
    return value


def _number(fields: Json, key: str, default: float) -> float:
    value = fields.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise EngineError(f"{CONFIG_FILE}: {key!r} is {value!r}, not a number")
    return float(value)
