"""Saying things in rooms and reading them there."""

from homeserver.client_api.rooms.events import Events
from homeserver.client_api.rooms.members import RoomMembers
from homeserver.client_api.rooms.messages import Messages
from homeserver.client_api.rooms.old_sync import OldSync
from homeserver.client_api.rooms.relations import Relations
from homeserver.client_api.rooms.room_state import RoomState
from homeserver.client_api.rooms.search import Search
from homeserver.client_api.rooms.sending import Sending
from homeserver.rooms.peeking.arrivals import Arrivals
from homeserver.rooms.peeking.event_stream import EventStream
from homeserver.rooms.peeking.snapshots import Snapshots
from homeserver.rooms.reading.context import Contexts
from homeserver.rooms.reading.paging import Paging
from homeserver.rooms.reading.related import Related
from homeserver.rooms.reading.single import SingleEvents
from homeserver.rooms.reading.state_views import StateViews
from homeserver.rooms.sending.messages import MessageSending
from homeserver.rooms.sending.state import StateSending
from homeserver.search.answer import Searching
from homeserver.search.find import Finder
from homeserver.wiring.finding import Finding
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.personal import Personal
from homeserver.wiring.rooms import Rooms
from storage.finding.search import StoredSearch
from storage.paging import StoredPages


def build_reading(ground: Ground, rooms: Rooms, personal: Personal, finding: Finding) -> Chapters:
    pages = StoredPages(ground.database, ground.names)
    paging = Paging(
        store=pages,
        timelines=rooms.timeline_store,
        history=rooms.history,
        states=rooms.states,
        ignoring=rooms.account_data,
        older=rooms.visiting.arrivals.history,
        streams=ground.streams,
    )
    views = StateViews(
        store=pages, timelines=rooms.timeline_store, members=rooms.members, history=rooms.history, states=rooms.states, partial=rooms.partial
    )  # fmt: skip
    single = SingleEvents(rooms.store, rooms.history)
    contexts = Contexts(
        paging=paging,
        single=single,
        store=pages,
        history=rooms.history,
        states=rooms.states,
        older=rooms.visiting.arrivals.history,
        moments=rooms.visiting.moments,
    )
    related = Related(store=rooms.relations, single=single, history=rooms.history, ignoring=rooms.account_data)
    snapshots = Snapshots(store=rooms.store, paging=paging, views=views, history=rooms.history, streams=ground.streams)
    return (
        Messages(paging=paging, serving=rooms.serving, filters=personal.filters),
        Events(single=single, contexts=contexts, serving=rooms.serving, filters=personal.filters),
        RoomMembers(views, rooms.serving),
        Relations(related, rooms.serving),
        _search(ground, rooms, pages, paging, contexts, views),
        *_sending(ground, rooms, finding, single, views),
        _old_sync(ground, rooms, personal, pages, snapshots),
    )


def _sending(ground: Ground, rooms: Rooms, finding: Finding, single: SingleEvents, views: StateViews) -> Chapters:
    messages = MessageSending(
        sender=rooms.writing.sender,
        store=rooms.store,
        relations=rooms.relations,
        transactions=rooms.writing.transactions,
        clock=ground.clock,
    )
    state = StateSending(
        sender=rooms.writing.sender,
        store=rooms.store,
        membership=rooms.writing.membership,
        members=rooms.members,
        timelines=rooms.timeline_store,
        aliases=finding.aliases,
    )
    return (Sending(messages, single), RoomState(sending=state, views=views, serving=rooms.serving))


def _search(ground: Ground, rooms: Rooms, pages: StoredPages, paging: Paging, contexts: Contexts, views: StateViews) -> Search:
    finder = Finder(
        store=StoredSearch(ground.database, ground.names),
        rooms=rooms.store,
        members=rooms.members,
        timelines=rooms.timeline_store,
        pages=pages,
        history=rooms.history,
        replacing=rooms.aggregations,
        ignoring=rooms.account_data,
    )
    searching = Searching(
        finder=finder,
        rooms=rooms.store,
        history=rooms.history,
        contexts=contexts,
        paging=paging,
        views=views,
        serving=rooms.serving,
        streams=ground.streams,
    )
    return Search(searching)


def _old_sync(ground: Ground, rooms: Rooms, personal: Personal, pages: StoredPages, snapshots: Snapshots) -> OldSync:
    stream = EventStream(
        store=pages,
        members=rooms.members,
        history=rooms.history,
        ignoring=rooms.account_data,
        arrivals=Arrivals(ground.streams),
        streams=ground.streams,
        clock=ground.clock,
    )
    return OldSync(
        snapshots=snapshots,
        stream=stream,
        members=rooms.members,
        states=rooms.states,
        account_data=rooms.account_data,
        invites=rooms.writing.invites,
        presence=personal.presence,
        serving=rooms.serving,
        streams=ground.streams,
    )
