from random import Random

import orjson
import pytest

from homeserver.search import block
from homeserver.search.store import MESSAGE, Row
from homeserver.search.term import BEST, Term
from homeserver.search.text import fold
from tests.search.texts import says, sentence, term


def row(position: int, text: str) -> Row:
    return Row(position, MESSAGE, b'"content":%b' % orjson.dumps({"body": text}))


def slots(term: Term) -> set[int]:
    return {slot for word in term.folded for slot in block.slots(word)}


@pytest.mark.parametrize("seed", range(6))
def test_a_block_misses_nothing(seed: int) -> None:
    random = Random(seed)
    said = {random.randrange(-(2**52), 2**52): sentence(random) for _ in range(random.choice((1, 40, block.SIZE)))}
    written = block.write([row(position, said[position]) for position in sorted(said)])
    for _ in range(100):
        asked = term(random, random.choice(list(said.values())))
        candidates = block.candidates(written, slots(Term.read(asked)))
        assert candidates == sorted(candidates)
        assert {position for position, text in said.items() if says(text, asked)} <= set(candidates)


@pytest.mark.parametrize("seed", range(6))
def test_a_term_is_found_where_it_stands(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        said = sentence(random)
        asked = term(random, said if random.random() < 0.5 else sentence(random))
        rank = Term.read(asked).rank(said)
        if not Term.read(asked).folded:
            continue
        assert (rank is not None) == says(said, asked), (said, asked)
        assert rank is None or 0 < rank <= BEST


def test_most_candidates_are_right() -> None:
    random = Random(1)
    said = {position: sentence(random) for position in range(256)}
    written = block.write([row(position, text) for position, text in said.items()])
    candidates = block.candidates(written, slots(Term.read("烤鸭 北京")))
    assert len(candidates) <= 2 * sum(says(text, "烤鸭 北京") for text in said.values()) + 2
    assert block.candidates(written, slots(Term.read("zebra"))) == []


def test_a_block_is_small() -> None:
    random = Random(2)
    letters = "etaoinshrdlcumwfgypbvk"
    words = ["".join(random.choices(letters, range(len(letters), 0, -1), k=random.randint(2, 9))) for _ in range(3000)]
    rows = [row(position, " ".join(random.choices(words, k=14))) for position in range(256)]
    assert len(block.write(rows)) / 256 < 80


def test_what_says_nothing_is_in_no_block() -> None:
    assert block.write([]) == b""
    assert block.write([Row(1, MESSAGE, b'"content":{"body":7}')]) == b""
    assert block.candidates(b"", {1}) == []


def test_terms_are_bounded_and_know_no_patterns() -> None:
    assert len(Term.read("word " * 1000).folded) == 1
    assert len(Term.read(" ".join(map(str, range(1000)))).folded) == 20
    assert Term.read("a" * 10_000).folded == ("a" * 500,)
    assert Term.read("%_*?\\").rank("anything") is None
    assert Term.read("\u0301 \u00ad").folded == ()


def test_marks_that_make_another_letter_stay() -> None:
    assert fold("が") != fold("か")
    assert fold("नि") != fold("न")
    assert fold("ใหม่") != fold("ใหม")
