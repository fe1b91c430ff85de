"""Texts in many languages, and what searching them means, said plainly."""

import unicodedata
from functools import lru_cache
from random import Random

_WORDS = """
    the cat concatenates Catalogue Café cafe CAFÉ naïve naive Straße STRASSE İstanbul ısı don't 100% C++ a_b 7 2024 x
    Ёлка елка ЁЛКА Москва мо Ελλάδα ελλαδα Σίσυφος שָׁלוֹם שלום مُحَمَّد محمد नमस्ते हिन्दी สวัสดีครับ ใหม่ 東京都 京都 東 我昨天在北京吃了烤鸭 烤鸭 北京
    ガンダム ｶﾞﾝﾀﾞﾑ カンタム がんばって 한국어 서울은 서울 🎉 👍🏽 ﬁne ½ Ａｂｃ Việt viet đường
"""
WORDS = _WORDS.split()


def sentence(random: Random) -> str:
    parts = [random.choice(WORDS) for _ in range(random.randint(1, 6))]
    return random.choice(("", " ", " ", " ", ", ", "\n", "\u3000")).join(parts)


def term(random: Random, said: str) -> str:
    """Something that is in the text, or perhaps nowhere."""
    if random.random() < 0.2:
        return random.choice(WORDS)
    start = random.randrange(len(said))
    return said[start : start + random.choice((1, 1, 2, 2, 3, 5))]


@lru_cache(10_000)
def plain(text: str) -> str:
    """Without case, widths and the marks that are often not written."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = [c for c in folded if not ("\u0300" <= c <= "\u036f" or "\u0591" <= c <= "\u05c7" or "\u064b" <= c <= "\u065f" or c == "\u0640")]
    return unicodedata.normalize("NFC", "".join(kept))


def says(text: str, term: str) -> bool:
    words = [part for word in term.split() for part in plain(word).split()]
    return bool(words) and all(word in plain(text) for word in words)
