"""Words for the symbols that XTTS's training text had spelled out, by language."""

from __future__ import annotations

from functools import cache

_SYMBOLS = "&@%#$£°"

_WORDS: dict[str, tuple[str, str, str, str, str, str, str]] = {
    "ar": ("و", "على", "في المئة", "رقم", "دولار", "جنيه", "درجة"),
    "cs": ("a", "na", "procento", "křížek", "dolar", "libra", "stupně"),
    "de": ("und", "at", "prozent", "raute", "dollar", "pfund", "grad"),
    "en": ("and", "at", "percent", "hash", "dollar", "pound", "degree"),
    "es": ("y", "arroba", "por ciento", "numeral", "dolar", "libra", "grados"),
    "fr": ("et", "arobase", "pour cent", "dièse", "dollar", "livre", "degrés"),
    "hi": ("और", "ऐट दी रेट", "प्रतिशत", "हैश", "डॉलर", "पाउंड", "डिग्री"),
    "hu": ("és", "kukac", "százalék", "kettőskereszt", "dollár", "font", "fok"),
    "it": ("e", "chiocciola", "per cento", "cancelletto", "dollaro", "sterlina", "gradi"),
    "ko": ("그리고", "에", "퍼센트", "번호", "달러", "파운드", "도"),
    "nl": ("en", "bij", "procent", "hekje", "dollar", "pond", "graden"),
    "pl": ("i", "małpa", "procent", "krzyżyk", "dolar", "funt", "stopnie"),
    "pt": ("e", "arroba", "por cento", "cardinal", "dólar", "libra", "graus"),
    "ru": ("и", "собака", "процентов", "номер", "доллар", "фунт", "градус"),
    "tr": ("ve", "at", "yüzde", "diyez", "dolar", "sterlin", "derece"),
    "zh": ("和", "在", "百分之", "号", "美元", "英镑", "度"),
}


@cache
def _table(language: str) -> dict[int, str]:
    words = zip(_SYMBOLS, _WORDS[language], strict=True)
    return str.maketrans({symbol: f" {word} " for symbol, word in words})


def expand_symbols(text: str, language: str) -> str:
    """Replace each symbol by its word, set off by spaces (which may double: collapse them)."""
    return text.translate(_table(language))
