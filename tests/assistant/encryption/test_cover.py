"""What leaves in plain text, and what does not leave at all."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appservices.assistant.encryption.cover import Cover
from appservices.assistant.journal.file import JournalFile
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.contents import notice, reaction
from appservices.assistant.matrix.errors import CannotEncrypt, Refused, Unreachable
from appservices.assistant.matrix.events import read_event
from appservices.assistant.runtime import MachineWorkers
from appservices.assistant.settings import Settings
from tests.architecture.tree import ROOT
from tests.assistant.encryption.key_server import ROOM, At, FakeKeyServer, Json, Somebody, run
from tests.support.clock import FakeClock, SeededChance

ME = "@assistant:test"


@pytest.fixture
def make(server: FakeKeyServer, tmp_path: Path) -> Callable[..., Cover]:
    """A life of the assistant, on the same files."""
    server.members.add(ME)

    def build(**more: Any) -> Cover:
        path = str(tmp_path / "assistant.db")
        settings = Settings("http://localhost", ME, "as", "hs", database=path, **more)
        file = JournalFile(path, MachineWorkers(lambda call, *args: call(*args), 1))
        file.settle = _at_once  # type: ignore[method-assign]
        return Cover(At(server, ME), file, settings, FakeClock(), SeededChance())

    return build


async def _at_once() -> None:
    """There is no power to be cut here."""


def seal(cover: Cover, kind: str = "m.room.message", content: Json | None = None) -> tuple[str, Json]:
    return run(cover.seal(ROOM, kind, notice("a word") if content is None else content))


def state(kind: str, content: Json, key: str = "") -> Any:
    found = {"event_id": "$s", "room_id": ROOM, "sender": "@alice:test", "type": kind, "state_key": key, "content": content}
    event = read_event(found)
    assert event is not None
    return event


def test_plain_rooms_are_plain_and_load_nothing(server: FakeKeyServer, make: Callable[..., Cover], tmp_path: Path) -> None:
    server.encryption = None
    cover = make()
    run(cover.begin())
    run(cover.take({"events": [], "de.sorunome.msc2409.to_device": [{"type": "m.room.encrypted", "to_user_id": ME}]}))
    assert seal(cover) == ("m.room.message", notice("a word"))
    assert run(cover.open({"type": "m.room.message", "content": {}})) == {"type": "m.room.message", "content": {}}
    run(cover.check_state(ROOM, "m.room.topic"))
    assert [name for _, name, _ in server.asked if name != ""] == []
    assert not (tmp_path / "assistant.db.key").exists()


def test_there_is_no_way_around_it() -> None:
    """Whatever puts words into rooms stands in one file, and asks there first."""
    words, asking = re.compile(r"/(send|state)/|media/v3/upload"), re.compile(r"_covered|self\.is_encrypted\(")
    for path in (ROOT / "appservices/assistant").rglob("*.py"):
        text = path.read_text("utf-8")
        if path.name != "client.py":
            assert not [line for line in text.splitlines() if words.search(line) and '"GET"' not in line], path
    for name, method in vars(Homeserver).items():
        source = _source(method)
        if words.search(source) and '"GET"' not in source and name != "_upload":
            assert asking.search(source), name
    assert [name for name, method in vars(Homeserver).items() if "self._upload(" in _source(method)] == ["upload"]


def _source(method: Any) -> str:
    return inspect.getsource(method) if inspect.isfunction(method) else ""


def test_nothing_of_the_cryptography_is_loaded_at_the_start() -> None:
    script = (
        "import appservices.assistant.build, sys; print([each for each in ('vodozemac', 'nacl', 'cryptography') if each in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_all_kinds_are_sealed(make: Callable[..., Cover]) -> None:
    cover = make()
    for kind in ("m.room.message", "chat.chatme.task", "chat.chatme.meeting", "org.matrix.msc3381.poll.start", "m.sticker"):
        sealed = seal(cover, kind, notice("a word") | {"m.relates_to": {"rel_type": "m.reference", "event_id": "$e"}})
        assert sealed[0] == "m.room.encrypted"
        assert sealed[1].keys() == {"algorithm", "sender_key", "device_id", "session_id", "ciphertext", "m.relates_to"}
        assert "a word" not in str(sealed)


def test_reactions_are_emoji(make: Callable[..., Cover]) -> None:
    cover = make()
    assert seal(cover, "m.reaction", reaction("$e", "👍") | {"more": "a word"}) == ("m.reaction", reaction("$e", "👍"))
    for key in ("a word", "wort", "", "👍" * 20):
        with pytest.raises(CannotEncrypt):
            seal(cover, "m.reaction", reaction("$e", key))


def test_state_holds_no_words(make: Callable[..., Cover]) -> None:
    cover = make()
    run(cover.check_state(ROOM, "chat.chatme.ai.settings"))
    for kind in ("m.room.topic", "m.room.name", "chat.chatme.category"):
        with pytest.raises(CannotEncrypt):
            run(cover.check_state(ROOM, kind))


@pytest.mark.parametrize(
    "error", [Refused(403, "M_FORBIDDEN"), Refused(404, "M_UNRECOGNIZED"), Refused(500, "M_UNKNOWN"), Unreachable("down")]
)
def test_where_it_is_not_certain_nothing_is_said(server: FakeKeyServer, make: Callable[..., Cover], error: Exception) -> None:
    server.fails["m.room.encryption"] = error
    cover = make()
    for attempt in (lambda: seal(cover), lambda: run(cover.check_state(ROOM, "m.room.topic"))):
        with pytest.raises((Refused, Unreachable)):
            attempt()


def test_encrypted_once_is_encrypted_for_ever(server: FakeKeyServer, make: Callable[..., Cover]) -> None:
    cover = make()
    assert run(cover.is_encrypted(ROOM))
    server.encryption = None
    for each in (cover, make()):
        assert run(each.is_encrypted(ROOM))
        assert seal(each)[0] == "m.room.encrypted"
        each.note(state("m.room.encryption", {}))
        assert seal(each)[0] == "m.room.encrypted"


def test_a_room_that_becomes_encrypted(server: FakeKeyServer, make: Callable[..., Cover]) -> None:
    server.encryption = None
    cover = make()
    assert seal(cover)[0] == "m.room.message"
    cover.note(state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_msgs": 1}))
    sessions = [seal(cover)[1]["session_id"] for _ in range(3)]
    assert len(set(sessions)) == 3


def test_ways_that_are_not_known(server: FakeKeyServer, make: Callable[..., Cover]) -> None:
    server.encryption = {"algorithm": "m.megolm.v9"}
    cover = make()
    with pytest.raises(CannotEncrypt):
        seal(cover)
    server.encryption = {}
    with pytest.raises(CannotEncrypt):
        seal(make())


def test_without_the_library(make: Callable[..., Cover], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "appservices.assistant.encryption.vault", None)
    cover = make()
    with pytest.raises(CannotEncrypt):
        seal(cover)


def test_without_its_key_file(server: FakeKeyServer, make: Callable[..., Cover], tmp_path: Path) -> None:
    """Encrypted rooms are closed to it, the others are not."""
    seal(make())
    (tmp_path / "assistant.db.key").unlink()
    cover = make()
    run(cover.begin())
    with pytest.raises(CannotEncrypt):
        seal(cover)
    server.encryption = None
    assert run(cover.seal("!other:test", "m.room.message", {"body": "hello"})) == ("m.room.message", {"body": "hello"})


def test_the_file_holds_no_keys_to_read(make: Callable[..., Cover], tmp_path: Path) -> None:
    _, sealed = seal(make())
    stored = (tmp_path / "assistant.db-wal").read_bytes() + (tmp_path / "assistant.db").read_bytes()
    assert sealed["session_id"].encode() in stored
    assert b"seed" not in stored
    assert b"a word" not in stored


def test_an_edit_that_comes_along(server: FakeKeyServer, make: Callable[..., Cover], meet: Callable[..., Somebody]) -> None:
    alice, cover = meet("alice"), make()
    seal(cover)
    device = next(iter(server.devices[ME]))
    edit = alice.say("* new", relation={"rel_type": "m.replace", "event_id": "$e"})
    event = alice.say("old") | {"unsigned": {"m.relations": {"m.replace": {name: edit[name] for name in edit if name != "room_id"}}}}
    run(cover.take({"de.sorunome.msc2409.to_device": server.inbox.pop((ME, device))}))
    opened = run(cover.open(event))
    assert opened["content"]["body"] == "old"
    assert opened["unsigned"]["m.relations"]["m.replace"]["content"]["body"] == "* new"


def test_a_member_who_leaves_ends_the_session(make: Callable[..., Cover]) -> None:
    cover = make()
    before = seal(cover)[1]["session_id"]
    cover.note(state("m.room.member", {"membership": "join"}, "@bob:test"))
    assert seal(cover)[1]["session_id"] == before
    cover.note(state("m.room.member", {"membership": "leave"}, "@bob:test"))
    assert seal(cover)[1]["session_id"] != before


def test_a_device_that_was_removed(make: Callable[..., Cover], server: FakeKeyServer, meet: Callable[..., Somebody]) -> None:
    """It is made again, with the keys that it had, and new ones to be claimed."""
    alice, cover = meet("alice"), make()
    seal(cover)
    (name, keys), *_ = server.devices.pop(ME).items()
    server.one_time.pop((ME, name))
    alice.fetch()
    meet("bob")
    cover.note(state("m.room.member", {"membership": "join"}, "@bob:test"))
    sealed = {"type": "m.room.encrypted", "event_id": "$e", "room_id": ROOM, "sender": ME, "content": seal(cover)[1]}
    assert server.devices[ME][name]["keys"] == keys["keys"]
    assert len(server.one_time[ME, name]) == 25
    alice.fetch()
    assert alice.reads(sealed) == "a word"


def test_what_is_off_is_forgotten(make: Callable[..., Cover], server: FakeKeyServer, meet: Callable[..., Somebody]) -> None:
    alice, cover = meet("alice"), make()
    seal(cover)
    event = alice.say("hello")
    run(cover.take({"to_device": server.inbox.pop((ME, next(iter(server.devices[ME]))))}))
    assert run(cover.open(event))["type"] == "m.room.message"
    cover.blind(ROOM, event["event_id"])
    assert run(cover.open(event))["type"] == "m.room.encrypted"
    assert run(cover.open(alice.say("later")))["type"] == "m.room.message"
    cover.forget(ROOM)
    assert run(cover.open(alice.say("after")))["type"] == "m.room.encrypted"
    assert not cover.is_known(ROOM)
