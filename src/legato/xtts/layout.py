"""Which tensors an XTTS v2 checkpoint holds, and their shapes. Knows no values.

Names and shapes are those of coqui-tts 0.28.0's classes; what that reference does not let a config
change (perceiver, speaker encoder, vocoder kernels) is fixed here as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from legato.xtts.config import DecoderConfig, GptConfig, XttsConfig

Shape = tuple[int, ...]
Entry = tuple[str, Shape]

MEL_CHANNELS = 80
CONDITIONING_BLOCKS = 6
LATENTS = 32
PERCEIVER_LAYERS = 2
PERCEIVER_INNER = 512  # 8 heads of 64
UPSAMPLE_KERNELS = (16, 16, 4, 4)
RESBLOCK_KERNELS = (3, 7, 11)
RESBLOCK_DILATIONS = 3
SPEAKER_FILTERS = (32, 64, 128, 256)
SPEAKER_BLOCKS = (3, 4, 6, 3)
SPEAKER_MELS = 64
WEIGHT_NORM = ("parametrizations.weight.original0", "parametrizations.weight.original1")


def expected_shapes(config: XttsConfig) -> dict[str, Shape]:
    """Every tensor's name and shape, in the checkpoint's order, weight norm in its newer naming."""
    shapes: dict[str, Shape] = {"mel_stats": (MEL_CHANNELS,)}
    shapes.update(_gpt(config.gpt))
    shapes.update(_waveform_decoder(config.decoder))
    shapes.update(_speaker_encoder(config.decoder.speaker_channels))
    return shapes


def _affine(name: str, *shape: int, out: int | None = None) -> Iterator[Entry]:
    """A weight and its bias; the bias is as long as the first dimension unless told."""
    yield f"{name}.weight", shape
    yield f"{name}.bias", (shape[0] if out is None else out,)


def _gpt(gpt: GptConfig) -> Iterator[Entry]:
    size = gpt.channels
    yield from _conditioning(size)
    yield "gpt.text_embedding.weight", (gpt.text_vocab, size)
    yield "gpt.mel_embedding.weight", (gpt.audio_vocab, size)
    for layer in range(gpt.layers):
        block = f"gpt.gpt.h.{layer}"
        # GPT-2's "Conv1D" keeps its weights as (in, out).
        yield from _affine(f"{block}.ln_1", size)
        yield from _affine(f"{block}.attn.c_attn", size, 3 * size, out=3 * size)
        yield from _affine(f"{block}.attn.c_proj", size, size)
        yield from _affine(f"{block}.ln_2", size)
        yield from _affine(f"{block}.mlp.c_fc", size, 4 * size, out=4 * size)
        yield from _affine(f"{block}.mlp.c_proj", 4 * size, size, out=size)
    yield from _affine("gpt.gpt.ln_f", size)
    yield "gpt.mel_pos_embedding.emb.weight", (gpt.audio_positions, size)
    yield "gpt.text_pos_embedding.emb.weight", (gpt.text_positions, size)
    yield from _affine("gpt.final_norm", size)
    yield from _affine("gpt.text_head", gpt.text_vocab, size)
    yield from _affine("gpt.mel_head", gpt.audio_vocab, size)


def _conditioning(size: int) -> Iterator[Entry]:
    encoder, perceiver = "gpt.conditioning_encoder", "gpt.conditioning_perceiver"
    yield from _affine(f"{encoder}.init", size, MEL_CHANNELS, 1)
    for block in range(CONDITIONING_BLOCKS):
        yield from _affine(f"{encoder}.attn.{block}.norm", size)
        yield from _affine(f"{encoder}.attn.{block}.qkv", 3 * size, size, 1)
        yield from _affine(f"{encoder}.attn.{block}.proj_out", size, size, 1)
    hidden = int(size * 4 * 2 / 3)  # GEGLU: two thirds of four times the width, twice
    yield f"{perceiver}.latents", (LATENTS, size)
    for layer in range(PERCEIVER_LAYERS):
        yield f"{perceiver}.layers.{layer}.0.to_q.weight", (PERCEIVER_INNER, size)
        yield f"{perceiver}.layers.{layer}.0.to_kv.weight", (2 * PERCEIVER_INNER, size)
        yield f"{perceiver}.layers.{layer}.0.to_out.weight", (size, PERCEIVER_INNER)
        yield from _affine(f"{perceiver}.layers.{layer}.1.0", 2 * hidden, size)
        yield from _affine(f"{perceiver}.layers.{layer}.1.2", size, hidden)
    yield f"{perceiver}.norm.gamma", (size,)


def _weight_normed(name: str, shape: Shape, out: int) -> Iterator[Entry]:
    yield f"{name}.bias", (out,)
    yield f"{name}.{WEIGHT_NORM[0]}", (shape[0], 1, 1)
    yield f"{name}.{WEIGHT_NORM[1]}", shape


def _waveform_decoder(sizes: DecoderConfig) -> Iterator[Entry]:
    root, width, speaker = (
        "hifigan_decoder.waveform_decoder",
        sizes.initial_channels,
        sizes.speaker_channels,
    )
    yield from _affine(f"{root}.conv_pre", width, sizes.input_channels, 7)
    for stage, kernel in enumerate(UPSAMPLE_KERNELS):
        wide, narrow = width >> stage, width >> (stage + 1)
        yield from _weight_normed(f"{root}.ups.{stage}", (wide, narrow, kernel), narrow)
        for block, size in enumerate(RESBLOCK_KERNELS, stage * len(RESBLOCK_KERNELS)):
            for convs in ("convs1", "convs2"):
                for layer in range(RESBLOCK_DILATIONS):
                    name = f"{root}.resblocks.{block}.{convs}.{layer}"
                    yield from _weight_normed(name, (narrow, narrow, size), narrow)
        if sizes.speaker_in_each_layer:
            yield from _affine(f"{root}.conds.{stage}", narrow, speaker, 1)
    yield f"{root}.conv_post.weight", (1, width >> len(UPSAMPLE_KERNELS), 7)
    yield from _affine(f"{root}.cond_layer", width, speaker, 1)


def _batch_norm(name: str, size: int) -> Iterator[Entry]:
    yield from _affine(name, size)
    yield f"{name}.running_mean", (size,)
    yield f"{name}.running_var", (size,)
    yield f"{name}.num_batches_tracked", ()


def _speaker_encoder(speaker: int) -> Iterator[Entry]:
    root = "hifigan_decoder.speaker_encoder"
    wide = SPEAKER_FILTERS[-1] * SPEAKER_MELS // 8
    yield from _affine(f"{root}.conv1", SPEAKER_FILTERS[0], 1, 3, 3)
    yield from _batch_norm(f"{root}.bn1", SPEAKER_FILTERS[0])
    size_before = SPEAKER_FILTERS[0]
    for stage, (size, blocks) in enumerate(zip(SPEAKER_FILTERS, SPEAKER_BLOCKS, strict=True), 1):
        for block in range(blocks):
            yield from _residual(f"{root}.layer{stage}.{block}", size_before, size)
            size_before = size
    yield f"{root}.torch_spec.0.filter", (1, 1, 2)
    yield f"{root}.torch_spec.1.spectrogram.window", (400,)
    yield f"{root}.torch_spec.1.mel_scale.fb", (257, SPEAKER_MELS)
    yield from _affine(f"{root}.attention.0", 128, wide, 1)
    yield from _batch_norm(f"{root}.attention.2", 128)
    yield from _affine(f"{root}.attention.3", wide, 128, 1)
    yield from _affine(f"{root}.fc", speaker, 2 * wide)


def _residual(name: str, size_in: int, size: int) -> Iterator[Entry]:
    """A squeeze-and-excitation block: its gate narrows eight times."""
    yield f"{name}.conv1.weight", (size, size_in, 3, 3)
    yield from _batch_norm(f"{name}.bn1", size)
    yield f"{name}.conv2.weight", (size, size, 3, 3)
    yield from _batch_norm(f"{name}.bn2", size)
    yield from _affine(f"{name}.se.fc.0", size // 8, size)
    yield from _affine(f"{name}.se.fc.2", size, size // 8)
    if size_in != size:
        yield f"{name}.downsample.0.weight", (size, size_in, 1, 1)
        yield from _batch_norm(f"{name}.downsample.1", size)
