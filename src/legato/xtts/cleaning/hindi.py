"""Hindi numbers, which num2words 0.5.14 does not know."""

from __future__ import annotations

POINT = "दशमलव"
"""The word for the decimal mark."""

_WORDS = (
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ "
    "दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस "
    "बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस "
    "तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस "
    "चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास "
    "पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ "
    "साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर "
    "सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उनासी "
    "अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी "
    "नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे"
)
_UNDER_HUNDRED = _WORDS.split()

# (size, name), largest first: after the thousand, each unit is a hundred of the one before.
_UNITS = (
    (10**11, "खरब"),
    (10**9, "अरब"),
    (10**7, "करोड़"),
    (10**5, "लाख"),
    (10**3, "हज़ार"),
    (10**2, "सौ"),
)
_MOST_DIGITS = 13


def cardinal(digits: str) -> str:
    """A whole number, given as ASCII digits; beyond 13 of them, digit by digit."""
    if len(digits) > _MOST_DIGITS:
        return " ".join(_UNDER_HUNDRED[int(digit)] for digit in digits)
    words: list[str] = []
    rest = int(digits)
    for size, name in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            words += [_UNDER_HUNDRED[count], name]
    if rest or not words:
        words.append(_UNDER_HUNDRED[rest])
    return " ".join(words)
