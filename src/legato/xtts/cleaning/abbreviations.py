"""Abbreviations that XTTS's training text had spelled out, by language.

The tables are the model's, gaps and quirks included: a form that was not expanded in
training is not expanded here.
"""

from __future__ import annotations

import re
from functools import cache

_DOTTED: dict[str, dict[str, str]] = {
    "cs": {"dr": "doktor", "ing": "inženýr", "p": "pan"},
    "de": {"fr": "frau", "dr": "doktor", "st": "sankt", "co": "firma", "jr": "junior"},
    "en": {
        "mrs": "misess",
        "mr": "mister",
        "dr": "doctor",
        "st": "saint",
        "co": "company",
        "jr": "junior",
        "maj": "major",
        "gen": "general",
        "drs": "doctors",
        "rev": "reverend",
        "lt": "lieutenant",
        "hon": "honorable",
        "sgt": "sergeant",
        "capt": "captain",
        "esq": "esquire",
        "ltd": "limited",
        "col": "colonel",
        "ft": "fort",
    },
    "es": {
        "sra": "señora",
        "sr": "señor",
        "dr": "doctor",
        "dra": "doctora",
        "st": "santo",
        "co": "compañía",
        "jr": "junior",
        "ltd": "limitada",
    },
    "fr": {
        "mme": "madame",
        "mr": "monsieur",
        "dr": "docteur",
        "st": "saint",
        "co": "compagnie",
        "jr": "junior",
        "ltd": "limitée",
    },
    "hu": {"dr": "doktor", "b": "bácsi", "nőv": "nővér"},
    "it": {
        "sig": "signore",
        "dr": "dottore",
        "st": "santo",
        "co": "compagnia",
        "jr": "junior",
        "ltd": "limitata",
    },
    "nl": {"dhr": "de heer", "mevr": "mevrouw", "dr": "dokter", "jhr": "jonkheer"},
    "pl": {"p": "pani", "m": "pan", "dr": "doktor", "sw": "święty", "jr": "junior"},
    "pt": {
        "sra": "senhora",
        "sr": "senhor",
        "dr": "doutor",
        "dra": "doutora",
        "st": "santo",
        "co": "companhia",
        "jr": "júnior",
        "ltd": "limitada",
    },
    "tr": {"b": "bay", "byk": "büyük", "dr": "doktor"},
}
_UNDOTTED: dict[str, dict[str, str]] = {
    "ru": {"г-жа": "госпожа", "г-н": "господин", "д-р": "доктор"},
}


@cache
def _rules(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    dotted = [(rf"\b{short}\.", full) for short, full in _DOTTED.get(language, {}).items()]
    plain = [(rf"\b{short}\b", full) for short, full in _UNDOTTED.get(language, {}).items()]
    return tuple((re.compile(form, re.IGNORECASE), full) for form, full in dotted + plain)


def expand_abbreviations(text: str, language: str) -> str:
    """Spell out the language's abbreviations; languages without a table are left as they are.

    One rule after the other, in the table's order: after "lt.", "lt.col." is
    "lieutenantcol.", where "col." is no word of its own any more, as in training.
    """
    for pattern, full in _rules(language):
        text = pattern.sub(full, text)
    return text
