"""A made-up vocab.json in the official layout: byte-pair encoding with the XTTS special tokens."""

from __future__ import annotations

from itertools import chain, islice, product

LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh-cn"]
LANGUAGES += ["hu", "ko", "ja", "hi"]
_SPECIALS = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[en]": 259, "[de]": 260, "[START]": 261}
_SPECIALS |= {"[fr]": 262, "[ru]": 267, "[es]": 284, "[it]": 285, "[pt]": 286, "[cs]": 293}
_SPECIALS |= {"[pl]": 294, "[tr]": 295, "[nl]": 297}
_LATE = ("[ar]", "[zh-cn]", "[ja]", "[hu]", "[ko]", "[hi]")
_LETTERS = "etaoinsrhldcumfpgwybvkxjqz"
_CHARACTERS = (
    _LETTERS
    + "0123456789!\"'(),-.:;?/%&*+=_…–—‘’“”„«»¿¡،؛؟।"
    + "".join(map(chr, range(0xDF, 0x180)))  # Latin-1 and Latin Extended-A
    + "".join(map(chr, range(0x430, 0x460)))  # Cyrillic
    + "".join(map(chr, range(0x621, 0x653)))  # Arabic
    + "".join(map(chr, range(0x900, 0x970)))  # Devanagari
)


def vocabulary(size: int) -> dict[str, object]:
    """The content of a vocab.json with ids 0 to `size` - 1; `size` is at least 640."""
    specials = _SPECIALS | {name: size - len(_LATE) + rank for rank, name in enumerate(_LATE)}
    taken = set(specials.values())
    free = (token for token in range(size) if token not in taken)
    ids = dict(specials)
    ids.update(zip(dict.fromkeys(_CHARACTERS), free, strict=False))
    merges = list(islice(_merges(), size - len(ids)))
    ids.update(zip((left + right for left, right in merges), free, strict=False))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(name, token) for name, token in specials.items()],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "vocab": dict(sorted(ids.items(), key=lambda item: item[1])),
            "merges": [f"{left} {right}" for left, right in merges],
        },
    }


def _merges() -> chain[tuple[str, str]]:
    """Pairs and then triples of letters, the commonest letters first."""
    by_rank = sorted(product(_LETTERS, repeat=2), key=lambda two: sum(map(_LETTERS.index, two)))
    pairs = [(left, right) for left, right in by_rank]
    triples = ((left + right, third) for (left, right), third in product(pairs, _LETTERS))
    return chain(pairs, triples)


def _added(name: str, token: int) -> dict[str, object]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": token, "special": True, "content": name, **flags}
