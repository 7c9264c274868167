"""Numbers in Chinese text as they are read: dates, money, telephones, fractions, amounts.

The steps, their patterns and their order are those of XTTS's training text, down to this: each
step looks for its numbers first, and then replaces, for each that it found, the first place
where the same characters stand.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable

from legato.xtts.cleaning.chinese_numerals import digits, quantity

_MONEY_UNIT = "(?:千万|百万|[亿万千百元块角毛分])"
_MEASURE_WORDS = (
    "丈世丘丝两个丸代令件伏位冬出刀分刻勺匹升单卮厘双叠口只合名周啖回场块坡堂堆墙壳壶夏夜天头季"
    "客家寸对寻尺尾层山岁岭常幢年座张忽户手扎打担挑捆撮支斗斛斤日旬时春曲更月本条杯板枝根桶棵毫江"
    "泡溪炮煲片瓶盆盏盒盘石砣碗碟秋秒程窠笼管箩箱篮簋粒纪线罐网罗群脚腔袋袭课贯贴跳身辆辈道里针钟"
    "钧钱钵铢铺锅锱阙队阵面页顶颗首"
)
_PUNCTUATION = string.punctuation + (
    "·–—‘’‛“”„‟…‧、。〃〈〉《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿﹏"
    "！＂＃＄％＆＇（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～｟｠｡｢｣､"
)
_TO_COMMA = str.maketrans(dict.fromkeys(_PUNCTUATION, ","))


def expand_chinese_numbers(text: str) -> str:
    """Put every number into Chinese numerals, and make every punctuation mark a comma."""
    framed = f"^{text}$".replace("％", "%")  # so that a number at an edge has a neighbour, too
    for pattern, read in _STEPS:
        for number in pattern.findall(framed):
            framed = framed.replace(number, read(number), 1)
    return framed.lstrip("^").rstrip("$").translate(_TO_COMMA)


def _date(written: str) -> str:
    year, year_mark, rest = written.rpartition("年")
    month, month_mark, day = rest.partition("月")
    spoken = digits(year) + year_mark + quantity(month) + month_mark
    return spoken + quantity(day[:-1]) + day[-1:]


def _money(written: str) -> str:
    for number in re.findall(r"\d+(?:\.\d+)?", written):
        written = written.replace(number, quantity(number))
    return written


def _fraction(written: str) -> str:
    numerator, _, denominator = written.partition("/")
    return f"{quantity(denominator)}分之{quantity(numerator)}"


def _percentage(written: str) -> str:
    return f"百分之{quantity(written.rstrip('%'))}"


def _product_name(written: str) -> str:
    return written.replace("二", "2")  # "p2p" was read as a number


_YEAR = r"(?:[089]\d|(?:19|20)\d{2})年"
_MONTH_AND_DAY = r"\d{1,2}月(?:\d{1,2}[日号])?"
_MOBILE = r"(?:\+?86 ?)?1(?:[38]\d|5[0-35-9]|7[678]|9[89])\d{8}"
_LANDLINE = r"(?:0(?:10|2[1-3]|[3-9]\d{2})-?)?[1-9]\d{6,7}"

# Each pattern has one group: the text to be replaced.
_STEPS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(rf"\D({_YEAR}(?:{_MONTH_AND_DAY})?|{_MONTH_AND_DAY})"), _date),
    (
        re.compile(rf"\D(\d+(?:\.\d+)?[多余几]?{_MONEY_UNIT}(?:\d{_MONEY_UNIT}?)?)"),
        _money,
    ),
    (re.compile(rf"\D({_MOBILE})\D"), digits),
    (re.compile(rf"\D({_LANDLINE})\D"), digits),
    (re.compile(r"(?<!\d)(\d+/\d+)"), _fraction),
    (re.compile(r"(?<!\d)(\d+(?:\.\d+)?%)"), _percentage),
    (
        re.compile(rf"(?<!\d)(\d+(?:\.\d+)?)[多余几]?(?:[{_MEASURE_WORDS}]|[千微][克米])"),
        quantity,
    ),
    (re.compile(r"(\d{4,32})"), digits),
    (re.compile(r"(\d+(?:\.\d+)?)"), quantity),
    (re.compile(r"([a-zA-Z]+二[a-zA-Z]+)"), _product_name),
)
