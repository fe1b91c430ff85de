"""A search term: its words, and how well a text answers it."""

from typing import NamedTuple

from homeserver.search.text import fold

MAX_CHARACTERS = 500
MAX_WORDS = 20
BEST = 150
_TRIES = 20  # places in a text that are looked at for the best one of a word


class Term(NamedTuple):
    """`words` as they were written, `folded` as they are compared."""

    words: tuple[str, ...]
    folded: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Term":
        words, folded = [], []
        for word in dict.fromkeys(text[:MAX_CHARACTERS].split()[:MAX_WORDS]):
            for part in fold(word).split():
                if part not in folded:
                    words.append(word)
                    folded.append(part)
        return cls(tuple(dict.fromkeys(words)), tuple(folded))

    def rank(self, text: str) -> int | None:
        """From 1 to BEST for a text with all the words: whole ones before parts, together before apart, short texts before long ones."""
        if not self.folded:
            return None
        text = fold(text)
        quality = 0
        for word in self.folded:
            found = _quality(text, word)
            if not found:
                return None
            quality += found
        length = sum(map(len, self.folded))
        rank = 100 * quality // (3 * len(self.folded)) + 20 * length // max(len(text), length)
        return rank + 30 if " ".join(self.folded) in text else rank


def _quality(text: str, word: str) -> int:
    """3: as a word of its own, 2: as the beginning of one, 1: within, 0: not at all."""
    best, start = 0, text.find(word)
    for _ in range(_TRIES):
        if start < 0 or best == 3:
            break
        end = start + len(word)
        if start and text[start - 1].isalnum():
            best = max(best, 1)
        else:
            best = max(best, 2 if text[end : end + 1].isalnum() else 3)
        start = text.find(word, start + 1)
    return best
