import orjson
import pytest

from homeserver.account_data.filters import Filters
from homeserver.errors import BadJson, InvalidParam, NotFound, TooLarge
from homeserver.streams import Streams
from storage.personal.filters import StoredFilters
from tests.support.client import run
from tests.support.storage import open_memory_database

ALICE, BOB = "@alice:test", "@bob:test"


@pytest.fixture
def filters() -> Filters:
    return Filters(StoredFilters(run(open_memory_database(Streams()))))


def test_equal_filters_share_an_id_that_is_no_json(filters: Filters) -> None:
    first = run(filters.create(ALICE, {"room": {"timeline": {"limit": 5}}, "event_format": "client"}))
    assert first == run(filters.create(ALICE, {"event_format": "client", "room": {"timeline": {"limit": 5}}}))
    assert first != run(filters.create(ALICE, {}))
    assert not first.startswith("{")


def test_a_filter_is_found_compiled_and_as_it_was(filters: Filters) -> None:
    filter_id = run(filters.create(ALICE, {"room": {"timeline": {"limit": 5}}}))
    assert orjson.loads(run(filters.definition(ALICE, filter_id))) == {"room": {"timeline": {"limit": 5}}}
    compiled = run(filters.get(ALICE, filter_id))
    assert compiled.room.timeline.limit == 5
    assert run(filters.get(ALICE, filter_id)) is compiled


def test_filters_of_others_are_not_there(filters: Filters) -> None:
    filter_id = run(filters.create(ALICE, {}))
    for question in (filters.definition(BOB, filter_id), filters.get(BOB, filter_id), filters.get(ALICE, "none")):
        with pytest.raises(NotFound):
            run(question)


def test_inline_filters_are_remembered(filters: Filters) -> None:
    text = '{"room":{"timeline":{"limit":3}}}'
    assert filters.inline(text).room.timeline.limit == 3
    assert filters.inline(text) is filters.inline(text)


@pytest.mark.parametrize("text", ["{", "[]", '{"room":[]}', '{"room":{"timeline":{"limit":"x"}}}', '{"a":1,"a":2}'])
def test_bad_inline_filters_are_refused(filters: Filters, text: str) -> None:
    with pytest.raises(InvalidParam):
        filters.inline(text)


def test_bad_and_too_large_filters_are_refused(filters: Filters) -> None:
    with pytest.raises(BadJson):
        run(filters.create(ALICE, {"room": {"timeline": {"types": "m.room.message"}}}))
    with pytest.raises(TooLarge):
        run(filters.create(ALICE, {"x": "y" * 70_000}))
    with pytest.raises(TooLarge):
        filters.inline('{"x":"' + "y" * 70_000 + '"}')


def test_an_account_has_a_bounded_number_of_filters(filters: Filters) -> None:
    for number in range(1000):
        run(filters.create(ALICE, {"room": {"timeline": {"limit": number}}}))
    with pytest.raises(TooLarge):
        run(filters.create(ALICE, {"one": "more"}))
    run(filters.create(ALICE, {"room": {"timeline": {"limit": 7}}}))
