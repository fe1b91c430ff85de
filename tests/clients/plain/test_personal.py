"""What belongs to one person, over plain HTTP: account data, tags, profile, presence, push rules, finding people, reports."""

from tests.clients.house import NAME, House
from tests.clients.person import path, v1, v3


def test_account_data(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room()
    for place in (("user", alice.user_id), ("user", alice.user_id, "rooms", room)):
        alice.put(v3(*place, "account_data", "org.example.note"), {"text": "buy milk"})
        assert alice.get(v3(*place, "account_data", "org.example.note")) == {"text": "buy milk"}
        alice.refused(404, "M_NOT_FOUND", "GET", v3(*place, "account_data", "org.example.nothing"))
        bob.refused(403, "M_FORBIDDEN", "GET", v3(*place, "account_data", "org.example.note"))
        bob.refused(403, "M_FORBIDDEN", "PUT", v3(*place, "account_data", "org.example.note"), {})
        status, answer = alice.exchange("PUT", v3(*place, "account_data", "m.fully_read"), {})
        assert (status, answer["errcode"]) == (405, "M_BAD_JSON")
        unstable = "/_matrix/client/unstable/org.matrix.msc3391/" + v3(*place, "account_data", "org.example.note").removeprefix(
            "/_matrix/client/v3/"
        )
        alice.delete(unstable)
        alice.refused(404, "M_NOT_FOUND", "GET", v3(*place, "account_data", "org.example.note"))


def test_tags(house: House) -> None:
    alice = house.person("alice")
    room = alice.create_room()
    tags = v3("user", alice.user_id, "rooms", room, "tags")
    alice.put(f"{tags}/u.work", {"order": 0.5})
    assert alice.get(tags) == {"tags": {"u.work": {"order": 0.5}}}
    alice.refused(400, "M_BAD_JSON", "PUT", f"{tags}/u.work", {"order": "first"})
    alice.delete(f"{tags}/u.work")
    assert alice.get(tags) == {"tags": {}}
    house.person("bob").refused(403, "M_FORBIDDEN", "GET", tags)


def test_profiles(house: House) -> None:
    alice, stranger = house.person("alice"), house.stranger()
    profile = v3("profile", alice.user_id)
    alice.put(f"{profile}/displayname", {"displayname": "Alice"})
    alice.put(f"{profile}/avatar_url", {"avatar_url": f"mxc://{NAME}/picture"})
    alice.put(f"{profile}/org.example.pronouns", {"org.example.pronouns": ["she", "her"]})
    assert stranger.get(f"{profile}/displayname") == {"displayname": "Alice"}
    assert stranger.get(f"{profile}/org.example.pronouns") == {"org.example.pronouns": ["she", "her"]}
    assert stranger.get(profile)["avatar_url"] == f"mxc://{NAME}/picture"
    unstable = profile.replace("/v3/", "/unstable/uk.tcpip.msc4133/")
    alice.put(f"{unstable}/m.tz", {"m.tz": "Europe/Berlin"})
    assert stranger.get(f"{unstable}/m.tz") == {"m.tz": "Europe/Berlin"}
    assert stranger.get(unstable)["m.tz"] == "Europe/Berlin"
    alice.delete(f"{unstable}/m.tz")
    alice.delete(f"{profile}/avatar_url")
    assert "avatar_url" not in stranger.get(profile)
    stranger.refused(404, "M_NOT_FOUND", "GET", f"{profile}/m.tz")
    stranger.refused(404, "M_NOT_FOUND", "GET", v3("profile", f"@nobody:{NAME}"))
    bob = house.person("bob")
    bob.refused(403, "M_FORBIDDEN", "PUT", f"{profile}/displayname", {"displayname": "Not me"})
    bob.refused(403, "M_FORBIDDEN", "DELETE", f"{profile}/displayname")
    alice.refused(400, "M_MISSING_PARAM", "PUT", f"{profile}/displayname", {})
    alice.refused(400, "M_PROFILE_TOO_LARGE", "PUT", f"{profile}/org.example.book", {"org.example.book": "x" * 70_000})
    alice.refused(400, "M_KEY_TOO_LARGE", "PUT", f"{profile}/{'k' * 300}", {"k" * 300: 1})


def test_presence(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    alice.put(v3("presence", alice.user_id, "status"), {"presence": "online", "status_msg": "here"})
    seen = bob.get(v3("presence", alice.user_id, "status"))
    assert (seen["presence"], seen["status_msg"]) == ("online", "here")
    bob.refused(403, "M_FORBIDDEN", "PUT", v3("presence", alice.user_id, "status"), {"presence": "offline"})
    alice.refused(400, "M_INVALID_PARAM", "PUT", v3("presence", alice.user_id, "status"), {"presence": "asleep"})
    carol = house.person("carol")
    assert carol.exchange("GET", v3("presence", alice.user_id, "status"))[0] in (403, 404)


def test_push_rules(house: House) -> None:
    alice = house.person("alice")
    rules = alice.get(v3("pushrules") + "/")["global"]
    assert alice.get(v3("pushrules", "global") + "/") == rules
    rule = alice.get(v3("pushrules", "global", "override", ".m.rule.master"))
    assert rule == rules["override"][0]
    assert alice.get(v3("pushrules", "global", "override", ".m.rule.master", "enabled")) == {"enabled": False}
    assert alice.get(v3("pushrules", "global", "underride", ".m.rule.message", "actions")) == {"actions": ["notify"]}
    alice.refused(404, "M_NOT_FOUND", "GET", v3("pushrules", "global", "override", "unknown"))
    alice.refused(404, "M_NOT_FOUND", "GET", v3("pushrules", "global", "override", "unknown", "enabled"))


def test_push_rules_of_ones_own(house: House) -> None:
    alice = house.person("alice")
    cake = v3("pushrules", "global", "content", "cake")
    since = alice.sync()["next_batch"]
    alice.put(cake, {"pattern": "cake", "actions": ["notify", {"set_tweak": "sound", "value": "bell"}]})
    alice.put(v3("pushrules", "global", "content", "pie") + "?after=cake", {"pattern": "pie", "actions": []})
    assert [rule["rule_id"] for rule in alice.get(v3("pushrules", "global") + "/")["content"]] == ["cake", "pie"]
    told = alice.sync(since=since)["account_data"]["events"]
    assert [event["type"] for event in told] == ["m.push_rules"]
    alice.put(f"{cake}/enabled", {"enabled": False})
    alice.put(f"{cake}/actions", {"actions": ["notify"]})
    assert alice.get(cake) == {"rule_id": "cake", "default": False, "enabled": False, "pattern": "cake", "actions": ["notify"]}
    alice.delete(cake)
    alice.refused(404, "M_NOT_FOUND", "DELETE", cake)
    alice.refused(400, "M_INVALID_PARAM", "PUT", v3("pushrules", "global", "override", ".mine"), {"actions": []})
    alice.refused(400, "M_UNKNOWN", "PUT", cake + "?before=nothing", {"pattern": "cake", "actions": []})
    alice.refused(404, "M_NOT_FOUND", "PUT", f"{cake}/enabled", {"enabled": True})


def test_notifications(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    sent = [alice.send(room, str(number)) for number in range(3)]
    first = bob.get(v3("notifications") + "?limit=2")
    second = bob.get(v3("notifications") + f"?limit=2&from={first['next_token']}")
    listed = [*first["notifications"], *second["notifications"]]
    assert [one["event"]["event_id"] for one in listed if one["room_id"] == room] == sent[::-1]
    assert bob.get(v3("notifications") + "?only=highlight")["notifications"] == []


def test_finding_people(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    name = house.new_name("Zebulon")
    bob.put(v3("profile", bob.user_id, "displayname"), {"displayname": name})
    room = alice.create_room(preset="public_chat", invite=[bob.user_id])
    bob.join(room)
    search = {"search_term": name, "limit": 3}
    found = alice.eventually(lambda answer: bool(answer["results"]), "POST", v3("user_directory", "search"), search)
    assert [person["user_id"] for person in found["results"]] == [bob.user_id]
    assert found["limited"] is False
    assert alice.get(v1("mutual_rooms", user_id=bob.user_id)) == {"joined": [room], "count": 1}
    unstable = "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"
    assert alice.get(f"{unstable}?user_id={bob.user_id}")["joined"] == [room]
    alice.refused(400, "M_MISSING_PARAM", "GET", v1("mutual_rooms"))
    alice.refused(400, "M_INVALID_PARAM", "GET", v1("mutual_rooms", user_id="nonsense"))
    alice.refused(400, "M_MISSING_PARAM", "POST", v3("user_directory", "search"), {"limit": 3})


def test_reports(house: House) -> None:
    alice, bob, carol = house.people("alice", "bob", "carol")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    sent = bob.send(room, "buy my watches")
    alice.post(v3("rooms", room, "report", sent), {"reason": "spam", "score": -100})
    alice.post(v3("rooms", room, "report"), {"reason": "full of spam"})
    alice.post(path("/_matrix/client/unstable/org.matrix.msc4151", "rooms", room, "report"), {"reason": "full of spam"})
    alice.post(v3("users", bob.user_id, "report"), {"reason": "spammer"})
    assert carol.exchange("POST", v3("rooms", room, "report", sent), {"reason": "nosy"})[0] == 404
    alice.refused(404, "M_NOT_FOUND", "POST", v3("rooms", room, "report", "$unknown"), {"reason": "?"})
    # Who reports what is not there learns nothing from it.
    alice.post(v3("rooms", f"!unknown:{NAME}", "report"), {"reason": "?"})
    alice.post(v3("users", f"@nobody:{NAME}", "report"), {"reason": "?"})


def test_the_ignored_are_not_heard(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    since = alice.sync()["next_batch"]
    alice.put(v3("user", alice.user_id, "account_data", "m.ignored_user_list"), {"ignored_users": {bob.user_id: {}}})
    sent = bob.send(room, "can you hear me?")
    told = alice.sync(since).get("rooms", {}).get("join", {}).get(room, {"timeline": {"events": []}})
    assert sent not in [event["event_id"] for event in told["timeline"]["events"]]
    bob.create_room(invite=[alice.user_id])
    assert "invite" not in alice.sync(since).get("rooms", {})
