"""Texts for the chunker's tests: a story in each language, and a strategy for odd ones."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

STORIES = {
    "ar": "كان الليل هادئًا جدًا، ولم يكن أحد في الشارع. سار الرجل ببطء نحو البيت القديم، ثم "
    "توقف عند الباب؛ هل كان أحد هناك؟ لم يسمع شيئًا، لكنه فتح الباب ودخل.",
    "cs": "Pan dr. Novák vstal brzy ráno, protože slyšel zvony. Venku pršelo a ulice byla "
    "prázdná. Kdo by v takovém počasí zvonil? Oblékl si kabát, vzal lucernu a vyšel ven.",
    "de": "Dr. Weber stand am 3. Oktober früh auf, weil er die Glocken hörte. Draußen regnete "
    "es, und die Straße war leer. „Wer läutet da?“, fragte er. Er nahm den Mantel und "
    "ging hinaus.",
    "en": "Mr. Smith got up early, because he had heard the bells. It was raining, and the "
    "street was empty. Who would ring at 5:30 a.m. in such weather? He took $3.50 and "
    "went outside.",
    "es": "La Sra. García se levantó temprano, porque había oído las campanas. Llovía y la "
    "calle estaba vacía. ¿Quién tocaba a esas horas? Tomó el abrigo, encendió la lámpara "
    "y salió.",
    "fr": "M. Dupont se leva tôt, parce qu'il avait entendu les cloches. Il pleuvait et la rue "
    "était vide. Qui pouvait bien sonner à cette heure ? Il prit son manteau, puis il "
    "sortit.",
    "hi": "डॉ. शर्मा सुबह जल्दी उठे, क्योंकि उन्होंने घंटियाँ सुनी थीं। बाहर बारिश हो रही थी "
    "और सड़क खाली थी। इतने खराब मौसम में कौन घंटी बजा सकता था? उन्होंने कोट पहना और बाहर "
    "चले गए।",
    "hu": "Dr. Kovács korán kelt, mert hallotta a harangokat. Odakint esett az eső, és az utca "
    "üres volt. Ki harangozhatott ilyen időben? Felvette a kabátját, fogta a lámpát, és "
    "kiment.",
    "it": "Il sig. Rossi si alzò presto, perché aveva sentito le campane. Pioveva e la strada "
    "era vuota. Chi poteva suonare a quell'ora? Prese il cappotto, accese la lampada e "
    "uscì.",
    "ja": "田中さんは鐘の音を聞いて、朝早く起きました。外は雨が降っていて、通りには誰もいません"
    "でした。「こんな天気に誰が鳴らしたのだろう？」と彼は思いました。コートを着て、ランプ"
    "を持って外へ出ました。",
    "ko": "김 선생님은 종소리를 듣고 아침 일찍 일어났습니다. 밖에는 비가 내리고 있었고, 거리는 "
    "텅 비어 있었습니다. 이런 날씨에 누가 종을 쳤을까요? 그는 외투를 입고 등불을 들고 "
    "밖으로 나갔습니다.",
    "nl": "Dhr. de Vries stond vroeg op, omdat hij de klokken had gehoord. Het regende en de "
    "straat was leeg. Wie zou er met dit weer luiden? Hij pakte zijn jas, nam de lamp en "
    "ging naar buiten.",
    "pl": "Dr Kowalski wstał wcześnie, ponieważ usłyszał dzwony. Na dworze padało, a ulica "
    "była pusta. Kto mógł dzwonić przy takiej pogodzie? Wziął płaszcz, zapalił lampę i "
    "wyszedł.",
    "pt": "O Sr. Silva levantou-se cedo, porque tinha ouvido os sinos. Chovia e a rua estava "
    "vazia. Quem tocaria a esta hora? Pegou no casaco, acendeu a lanterna e saiu para a "
    "rua.",
    "ru": "Г-н Иванов встал рано, потому что услышал колокола. На улице шёл дождь, и никого не "
    "было видно. Кто мог звонить в такую погоду? Он взял пальто, зажёг фонарь и вышел из "
    "дома.",
    "tr": "Dr. Yılmaz erken kalktı, çünkü çan seslerini duymuştu. Dışarıda yağmur yağıyordu ve "
    "sokak bomboştu. Bu havada kim çan çalar ki? Paltosunu aldı, lambayı yaktı ve dışarı "
    "çıktı.",
    "zh-cn": "王先生听到钟声，很早就起床了。外面下着雨，街上一个人也没有。这样的天气，谁会去敲钟呢"
    "？他穿上大衣，提着灯笼，慢慢地走出了家门；但是外面什么也没有。",
}

_PIECES = (
    "Hello", "world", "word ", "and ", "The ", "said ", "Mary ", " ", "  ", ". ", ".", "? ",
    "!", ", ", ",", "...", "…", "\n", "\n\n", "\r\n", "\r", '"', "“", "”", "'", "‘", "’", "„",
    "«", "»", "(", ")", "—", "--", " - ", "–", "3", "1,000", "10:30", "Dr. ", "J. ", "e.g. ",
    "U.S. ", "etc. ", "。", "、", "「", "」", "！", "你好", "今日は", "한국어", "안녕 ",
    "العربية", "،", "؟", "हिन्दी", "।", "क्‍ष", "😀", "👩‍👩‍👧", "1️⃣", "🇩🇪", "*", "**", "_",
    "#", "# ", "- ", "1. ", "> ", "|", "|---|", "```", "~~", "`", "[", "]", "](",
    "(http://x.y/z)", "[pause:1s]", "[voice:bob]", "[rate:1.5]", "[pau", "se:", "<b>", "<br>",
    "<", "&amp;", "&", "\\", "\0", "\x1b", "\ud800", "\u200b", "\u00a0", "\t", "http://a.b/c",
    "a@b.cd", "Bob: ", ":", ";", "x" * 30, "e\u0301", "\ufeff", "[^1]", "<!--", "-->", "===\n",
    "---\n", "a_b", "5*3", " !", "$5", "\u2028", "\x0c", "1990. ", "3. ",
)  # fmt: skip

odd_texts = st.lists(st.sampled_from(_PIECES), max_size=80).map("".join) | st.text(max_size=120)


@st.composite
def cut_up(draw: st.DrawFn, texts: st.SearchStrategy[str] = odd_texts) -> tuple[str, list[str]]:
    """A text, and the same text in pieces."""
    text = draw(texts)
    places = draw(st.lists(st.integers(0, len(text)), max_size=30))
    edges = [0, *sorted(places), len(text)]
    return text, [text[start:end] for start, end in pairwise(edges)]
