"""What the chunker knows of each language: pace, abbreviations, conjunctions.

Pace, in characters a second of an unhurried narrator. People speak 12-17 characters a
second in alphabetic scripts. XTTS's own character limits stand for about the same length
of speech in every language, so they give the ratios (en 250 for 15 a second: zh-cn 82 is
4.9); where measured speech is known to be faster (vowel-rich scripts such as it, pt, es;
Cyrillic) the pace lies between the two. `SemanticChunker.observe` corrects it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """One language. Words are in lower case, without their final period.

    abbreviations: never end a sentence. number_abbreviations: abbreviate in front of a
    number only ("no. 5"). closing_abbreviations: end one when a word of `starters`
    follows. ordinal_dot: "3." may be "third". weak_cut: matches end where a phrase may be
    cut for want of punctuation, at a conjunction or a connective ending. particle_cut: the
    same for what takes the place of spaces between phrases.
    speech: what follows a closing quote when the sentence goes on ("Anna said").
    """

    code: str
    characters_per_s: float
    abbreviations: frozenset[str]
    number_abbreviations: frozenset[str]
    closing_abbreviations: frozenset[str]
    starters: frozenset[str]
    ordinal_dot: bool
    conjunctions: frozenset[str]
    weak_cut: re.Pattern[str] | None
    particle_cut: re.Pattern[str] | None
    speech: re.Pattern[str] | None

    @property
    def wide(self) -> bool:
        """Whether most characters are syllables or words (CJK)."""
        return self.code in ("ja", "ko", "zh-cn")

    @property
    def full_stop(self) -> str:
        """What closes a line that has no punctuation of its own."""
        return {"ja": "。", "zh-cn": "。", "hi": "।"}.get(self.code, ".")

    @property
    def comma(self) -> str:
        """What separates items that have no punctuation of their own."""
        return {"ja": "、", "zh-cn": "，", "ar": "،"}.get(self.code, ",")


_PACE = {
    "ar": 11.0, "cs": 13.0, "de": 15.0, "en": 15.0, "es": 15.5, "fr": 16.0, "hi": 11.0,
    "hu": 13.5, "it": 14.5, "ja": 5.5, "ko": 6.0, "nl": 15.0, "pl": 13.5, "pt": 14.0,
    "ru": 13.0, "tr": 13.5, "zh-cn": 4.9,
}  # fmt: skip
_PACE_UNKNOWN = 14.0

_ABBREVIATIONS = {
    "ar": "د أ م ص ج",
    "cs": "p pí sl dr ing mgr bc mudr judr phdr rndr prof doc gen plk kpt sv tzv tzn např resp "
    "ul nám tř viz cca srov mj",
    "de": "hr fr frl dr prof dipl ing bzw ca vgl ggf evtl inkl exkl bspw sog hrsg geb gest verh "
    "zzgl ",
    "en": "mr mrs ms mx dr prof st messrs mme mlle hon capt cpt lt cmdr sgt cpl pvt adm supt mt "
    "ft vs approx dept univ assn viz eds trans cf",
    "es": "sr sra srta sres dr dra dª dña prof profa ud uds vd vds lic ing arq gral cnel tte sto "
    "sta avda núm máx mín aprox vs ee",
    "fr": "mm mme mmes mlle mlles dr dre pr mgr ste stes av bd boul éd cf tél réf janv févr avr "
    "juil hab",
    "hi": "डॉ श्री श्रीमती प्रो पं कु सं मो",
    "hu": "dr prof ifj id özv gr br sz pl kb ill vö ld ún szt",
    "it": "sig sigg sig.ra sig.na dott dott.ssa dr prof prof.ssa avv ing arch geom rag mons ss cfr "
    "pag pagg",
    "nl": "dhr mevr mej dr drs ir ing mr prof jhr nr blz bijv resp zgn incl excl vgl",
    "pl": "dr hab prof inż mgr płk mjr kpt por ppłk sierż ul np tzw tzn ok św bł gen woj pow gm",
    "pt": "sr sra srs sras srta dr dra drs prof profa eng exmo exma ilmo sto sta núm aprox vs",
    "ru": "г-н г-жа гг ул пр просп пер стр рис табл ст см ср напр им акад проф доц инж ген полк "
    "кап лейт св тов обл р-н",
    "tr": "dr doç prof av müh sn bkz örn cad sok mah blv alb yzb hz yrd öğr gör uzm",
}
_TITLES = frozenset({"dr", "mr", "mrs", "prof"})  # of foreigners, in any language
_BEFORE_NUMBERS = {
    "cs": "č čís str s obr tab roč kap odst st tel",
    "de": "nr s str abb kap bd art abs jh tel jan feb mär apr jun jul aug sep sept okt nov dez mo "
    "di mi do fr sa so min max mag st",
    "en": "no nos vol ch p pp fig figs sec eq eqs ed art op est c ca jan feb mar apr jun jul aug "
    "sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun min max rev gen col v",
    "es": "n nº p pp pág págs c cap vol fig art tel av",
    "fr": "n no nos art p pp vol chap fig ex sept oct nov déc st",
    "hu": "sz old kb tel jan febr márc ápr jún júl aug szept okt nov dec",
    "hi": "रु क्र",
    "it": "n nn p pp cap art fig vol v vv tel",
    "nl": "p pp art hoofdst tel jan feb mrt apr jun jul aug sep sept okt nov dec max min",
    "pl": "nr str s t rys tab rozdz art ust tel godz min maks zob",
    "pt": "n nº p pp pág págs cap vol fig art tel av",
    "ru": "с п д кв гл т тел янв февр апр авг сент окт нояб дек",
    "tr": "no s tel çev",
}
_CLOSING = {
    "cs": "atd apod aj tj n.l př.n.l hod kč s.r.o a.s",
    "de": "usw etc u.s.w u.ä usf v.chr n.chr gmbh co",
    "en": "etc inc ltd co corp jr bros esq ph.d m.d b.a m.a a.m p.m u.s u.k u.n d.c u.s.a",
    "es": "etc uu s.a s.l a.c d.c a.m p.m",
    "fr": "etc s.a j.-c",
    "hu": "stb kft zrt bt rt",
    "it": "ecc s.p.a s.r.l a.c d.c",
    "nl": "enz etc b.v n.v e.d",
    "pl": "itd itp r w n.e p.n.e zł",
    "pt": "etc s.a ltda a.c d.c",
    "ru": "др пр г гг в вв т.д т.п н.э руб",
    "tr": "vb vs a.ş ltd şti",
}
_STARTERS = {
    "cs": "ale a to ten ta je já on ona oni my vy v na po pak když potom ano ne kdo co jak kde",
    "de": "der die das er sie es ich wir ihr aber und in im am dann da doch wenn als auch so ein "
    "eine mein seine ihre nun was wer wie wo ja nein danach diese dieser dieses",
    "en": "the a an he she it we they i you but and in on at so then there this that these those "
    "when if what who why how where his her its our their my yes no after before now however "
    "for as while although once here one all some many most every each nobody everyone let "
    "not only still soon later suddenly",
    "es": "el la los las un una él ella ellos yo pero y en entonces luego cuando si no sí su sus "
    "este esta eso qué quién cómo después",
    "fr": "le la les un une il elle ils elles je nous vous on mais et en dans alors puis quand si "
    "ce cette ces son sa ses c'est après",
    "hu": "a az ez egy de és ő ők mi ti én akkor majd ha igen nem hogy mert most",
    "it": "il lo la i gli le un una lui lei loro io noi ma e in poi allora quando se non sì questo "
    "questa dopo",
    "nl": "de het een hij zij ze ik wij we jullie maar en in op toen dan als ja nee dit dat deze",
    "pl": "ale i a on ona oni ja my wy to ten ta w na potem gdy kiedy jeśli nie tak po",
    "pt": "o a os as um uma ele ela eles elas eu nós mas e em no na então depois quando se não sim",
    "ru": "он она они оно я мы вы но и а в на это этот эта потом когда если не да нет там тут",
    "tr": "o bu şu ben biz siz onlar ama ve sonra bir evet hayır çünkü",
}
_ORDINAL_DOT = frozenset({"cs", "de", "hu", "pl", "tr"})

_CONJUNCTIONS = {
    "ar": "و أو لكن ولكن ثم بل لأن حيث عندما بينما إذا الذي التي كما حتى مع قبل بعد",
    "cs": "a i ale nebo že protože když aby který která které kde než pokud takže zatímco i když "
    "jako",
    "de": "und oder aber denn weil dass wenn als während obwohl damit sondern sowie bevor nachdem "
    "bis ob",
    "en": "and but or because while as when where which who that if so although though until since "
    "before after than unless whereas nor",
    "es": "y e o u pero porque mientras cuando donde que si aunque hasta como para sino pues",
    "fr": "et ou mais parce car pendant quand lorsque où qui que si puis comme puisque donc ni "
    "tandis avant après pour",
    "hi": "और लेकिन या क्योंकि कि जब तो जो पर मगर तथा एवं अगर जबकि इसलिए जहाँ",
    "hu": "és vagy de mert hogy amikor míg miközben ha bár aki ami amely mint mivel hanem ahol",
    "it": "e ed o ma perché mentre quando dove che se anche poi come sebbene finché quindi per",
    "ko": "그리고 하지만 그러나 또는 그래서 그런데 및",
    "nl": "en of maar want omdat terwijl toen als wanneer die dat waar hoewel tot zodat voordat "
    "nadat dan",
    "pl": "i oraz lub albo ale bo ponieważ gdy kiedy że żeby który która które gdzie jeśli choć aż "
    "podczas jak",
    "pt": "e ou mas porque enquanto quando onde que se embora até como para pois nem",
    "ru": "и или но а потому что чтобы когда пока если хотя который которая которые где как",
    "tr": "ve veya ama fakat çünkü ki ile ya da eğer ancak iken gibi",
}
_CONNECTIVE_CUTS = {
    "ja": r"(?:から|ので|けれども|けれど|けど|ながら|ても|たら|れば|ように|ために|とき|"
    r"あと|まま|より|[てりず])(?=[一-龯ァ-ヶ「])",
    "ko": r"(?:[고며]|지만|면서|는데|때문에|아서|어서|니까) +(?=\S)",
    "zh-cn": r"(?=(?:但是|而且|并且|或者|因为|所以|然后|如果|虽然|不过|于是|可是|因此|同时|以及))",
}
_PARTICLE_CUTS = {
    "ja": r"(?:[はがをもに]|から|まで|とは|では|には)(?=[一-龯ァ-ヶ「])",
    "zh-cn": r"[的了着](?=[一-龯])",
}
_SPEECH = {
    "en": r"(?:the \w+|[A-Z][\w'’.]*(?: [A-Z][\w'’]*)?) (?:said|says|asked|asks|replied|answered|"
    r"cried|shouted|whispered|called|added|began|went on|continued|told|murmured|exclaimed|"
    r"muttered|thought|laughed|sighed|yelled|wondered|explained|agreed|insisted)\b",
    "ja": r"と|って",
    "zh-cn": r"\w{0,4}(?:说|问|喊|答|笑道|叫道)",
}


def normal_code(language: str) -> str:
    """A language code as Legato writes it: "en-us" for "en-US" and "en_US"."""
    return language.casefold().replace("_", "-")


@cache
def rules_for(language: str) -> LanguageRules:
    """The rules of a language code ("en-gb" reads as "en", "zh" as "zh-cn").

    An unknown language gets a middling pace and no words of its own: its sentences and
    commas are still found.
    """
    code = normal_code(language)
    if code not in _PACE:
        base = code.partition("-")[0]
        code = "zh-cn" if base in ("zh", "cmn") else base
    return LanguageRules(
        code=code,
        characters_per_s=_PACE.get(code, _PACE_UNKNOWN),
        abbreviations=_words(_ABBREVIATIONS, code) | _TITLES,
        number_abbreviations=_words(_BEFORE_NUMBERS, code),
        closing_abbreviations=_words(_CLOSING, code),
        starters=_words(_STARTERS, code),
        ordinal_dot=code in _ORDINAL_DOT,
        conjunctions=_words(_CONJUNCTIONS, code),
        weak_cut=_weak_cut(code),
        particle_cut=re.compile(_PARTICLE_CUTS[code]) if code in _PARTICLE_CUTS else None,
        speech=re.compile(_SPEECH[code]) if code in _SPEECH else None,
    )


def _words(table: dict[str, str], code: str) -> frozenset[str]:
    return frozenset(table.get(code, "").split())


def _weak_cut(code: str) -> re.Pattern[str] | None:
    ways = [_CONNECTIVE_CUTS[code]] if code in _CONNECTIVE_CUTS else []
    if code in _CONJUNCTIONS:
        ways.append(rf"(?<!\s)\s(?=(?:{'|'.join(_CONJUNCTIONS[code].split())})\s)")
    return re.compile("|".join(ways), re.IGNORECASE) if ways else None
