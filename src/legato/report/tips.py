"""Tooltips on their way through a drawing library that carries ids alone."""

from __future__ import annotations


def tip(text: str) -> str:
    """An id that stands for a text."""
    return f"tip-{text.encode('utf-8', 'replace').hex()}"


def text_of(coded: str) -> str:
    """The text behind what follows "tip-" in an id."""
    return bytes.fromhex(coded).decode("utf-8")
