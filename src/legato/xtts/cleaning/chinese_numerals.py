"""Chinese numerals: how a number is read as a quantity, and how digit by digit."""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"
_POINT = "点"
_PAIR = "两"  # two of something, before every unit but ten

# Powers of ten and their names, largest first.
_UNITS = (
    *zip(range(44, 7, -4), "载正涧沟穰秭垓京兆亿", strict=True),
    *zip(range(4, 0, -1), "万千百十", strict=True),
)
_POWERS = {name: power for power, name in _UNITS}


def quantity(number: str) -> str:
    """A number with at most one decimal point, as it is counted: "250.5" is 两百五十点五."""
    whole, _, fraction = number.partition(".")
    text = _whole(whole) if len(whole) > 1 else digits(whole)
    text = _with_pairs(text)
    if fraction:
        text = f"{text or _DIGITS[0]}{_POINT}{digits(fraction)}"
    return text[1:] if text.startswith("一十") else text


def digits(number: str) -> str:
    """Each digit by its name, other characters dropped; "10" is 一零."""
    return "".join(_DIGITS[int(digit)] for digit in number if digit.isdecimal())


def _whole(number: str) -> str:
    """Digits (any script's) with units; a run of zeros is one 零, and none at the end."""
    significant = number.lstrip("0")
    if not significant:
        return ""
    if len(significant) == 1:
        gap = _DIGITS[0] if len(number) > 1 else ""
        return gap + digits(significant)
    power, name = next(unit for unit in _UNITS if unit[0] < len(significant))
    return _whole(number[:-power]) + name + _whole(significant[-power:])


def _with_pairs(text: str) -> str:
    """二 becomes 两 before a unit other than ten, at the start or after such a unit."""
    spoken = list(text)
    for index, name in enumerate(text[:-1]):
        before = 0 if index == 0 else _POWERS.get(text[index - 1], 1)
        if name == _DIGITS[2] and _POWERS.get(text[index + 1], 1) > 1 and before != 1:
            spoken[index] = _PAIR
    return "".join(spoken)
