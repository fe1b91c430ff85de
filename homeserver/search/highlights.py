"""The words that a client should mark in the results: as they stand there, where that is not as they were searched for."""

import re
from collections.abc import Iterable, Iterator

from homeserver.rooms.store import StoredEvent
from homeserver.search.term import Term
from homeserver.search.text import document, fold

MAX_TEXT = 5_000  # characters of an event that are looked at
_CLUSTER = re.compile(r".[\u0300-\u036f\u064b-\u065f\u0591-\u05c7\u00ad\u200b-\u200f\u3099\u309a\uff9e\uff9f]*", re.DOTALL)


def highlights(term: Term, events: Iterable[StoredEvent]) -> list[str]:
    """The term's words and their other spellings, without those that differ in case alone: clients find these."""
    found = {word.lower(): word for word in term.words}
    for event in events:
        said = document(event.type, event.body)
        if said is not None and not said.text.isascii():
            for spelling in _spellings(term, said.text[:MAX_TEXT]):
                found.setdefault(spelling.lower(), spelling)
    return list(found.values())


def _spellings(term: Term, text: str) -> Iterator[str]:
    """Each word where it first stands in the text."""
    clusters = _CLUSTER.findall(text)
    folded = [fold(cluster) for cluster in clusters]
    whole = "".join(folded)
    for word in term.folded:
        start = whole.find(word)
        if start < 0:
            continue
        position, spelling = 0, []
        for cluster, part in zip(clusters, folded, strict=True):
            if start < position + len(part) and position < start + len(word):
                spelling.append(cluster)
            position += len(part)
        yield "".join(spelling)
