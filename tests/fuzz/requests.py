"""A whole request for a declared endpoint: method, path, query, headers, body."""

from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import schema
from homeserver.web.endpoint import Body, Declaration, Schema
from tests.fuzz import bodies, contents, schemas, values
from tests.fuzz.known import Known
from tests.fuzz.mutate import mutate, mutate_bytes

WEIRD_SEGMENTS = (
    "%00",
    "%ff",
    "%zz",
    "%",
    "%C0%80",
    "%ED%A0%80",
    ".",
    "..",
    "%2F",
    "%2e%2e%2f",
    "a%20b",
    "+",
    "*",
    "x" * 300,
    "%41" * 3000,
    "~",
    "{}",
    ";a=b",
)
PARAMETERS = {
    "room_id": "room", "user_id": "user", "event_id": "event", "room_alias": "alias", "room_id_or_alias": "place", "device_id": "device", "filter_id": "filter",
    "media_id": "media", "server_name": "server", "version": "backup", "room": "room",
}  # fmt: skip
WORDS = {
    "event_type": tuple(contents.EVENTS), "type": tuple(contents.ACCOUNT_DATA), "state_key": ("", "a", "@fuzz0:test", "@fuzz1:test", "!a:test"),
    "rel_type": ("m.thread", "m.annotation", "m.replace", "x"), "receipt_type": ("m.read", "m.read.private", "m.fully_read", "x"),
    "key_name": ("displayname", "avatar_url", "m.tz", "x"), "kind": ("override", "underride", "sender", "room", "content", "x"),
    "stage": ("m.login.dummy", "m.login.terms", "m.login.registration_token", "m.login.recaptcha", "x"), "tag": ("m.favourite", "u.x"),
    "network_id": ("x",), "rule_id": (".m.rule.master", ".m.rule.message", "x", "x", "y"), "room_alias": ("#fuzz:test", "#alias:test"),
    "session": ("session1", "session2"), "appservice_id": ("x",), "protocol": ("x",), "idp_id": ("x",), "file_name": ("a.png",),
}  # fmt: skip
QUERIES = {
    "from": "?token", "to": "?token", "since": "?token", "at": "?token", "pos": "?token", "user_id": "?user", "device_id": "?device", "session": "?session",
    "room_id": "?room", "dir": ("b", "f"), "limit": ("0", "1", "10", "1000"), "timeout": ("0", "1", "100", "30000"), "full_state": ("true", "false"),
    "set_presence": ("online", "offline", "unavailable"), "ts": ("0", "1700000000000", "-1"), "server_name": ("test",), "via": ("test", "elsewhere.test"),
    "membership": ("join", "leave", "ban", "invite", "knock"), "not_membership": ("join", "leave"), "include": ("all", "participated"), "archived": ("true",),
    "recurse": ("true", "false"), "max_depth": ("0", "1", "100"), "suggested_only": ("true", "false"), "format": ("content", "event"), "token": ("x",),
    "width": ("32", "96"), "height": ("32", "96"), "method": ("crop", "scale"), "animated": ("true",), "allow_redirect": ("true",), "url": ("https://test/",),
    "before_ts": ("1", "1900000000000"), "alias": ("#alias:test",), "userid": "?user", "redirectUrl": ("https://test/",), "version": "?backup",
    "sid": ("x",), "client_secret": ("x",),
    "username": ("somebody", "new1"), "kind": ("guest", "user"), "use_state_after": ("true", "false"), "query": ("a",), "search_term": ("user",),
}  # fmt: skip
NEARLY_NUMBERS = ("--5", "-", "+5", "5.0", "1e3", "0x10", "1_0", " 5", "5\n", "²", "٣", "-0")
NEEDED = {
    "timestamp_to_event": ("ts", "dir"), "mutual_rooms": ("user_id",), "register/available": ("username",), "/validity": ("token",),
    "/fallback/": ("session",), "room_keys/keys": ("version",), "keys/changes": ("from", "to"), "/thumbnail/": ("width", "height", "method"),
    "preview_url": ("url",), "purge_media_cache": ("before_ts",), "/thirdparty/location": ("alias",), "/thirdparty/user": ("userid",),
    "sso/redirect": ("redirectUrl",), "email/confirm": ("sid", "client_secret", "token"), "email/unsubscribe": ("token",), "thread_updates": ("dir",),
}  # fmt: skip

HEADERS = (
    "authorization",
    "content-type",
    "accept",
    "accept-language",
    "x-forwarded-for",
    "user-agent",
    "origin",
    "if-none-match",
    "range",
    "cookie",
)


@dataclass(slots=True)
class Generated:
    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]
    room_id: str = ""  # which one its path names

    def __str__(self) -> str:
        return f"{self.method} {self.path[:500]}?{self.query[:500]} {self.body[:1500]!r}"


class Requests:
    """Makes requests; the same seed makes the same ones, as long as the answers are the same."""

    def __init__(self, chance: Random, known: Known) -> None:
        self._chance = chance
        self._known = known
        self._count = 0
        self._schemas: dict[str, dict[str, Any]] = {}
        self._me = ""  # who sends
        self._device = ""

    def make(self, declaration: Declaration, me: str, device: str) -> Generated:
        self._me, self._device = me, device
        chosen: dict[str, str] = {}
        segments = [self._segment(segment, chosen) for segment in declaration.path.split("/")]
        method = (
            declaration.method
            if self._chance.random() < 0.99
            else self._chance.choice(("HEAD", "OPTIONS", "PATCH", "DELETE", "GET", "TRACE"))
        )
        query = self._query(next((names for part, names in NEEDED.items() if part in declaration.path), ()))
        return Generated(method, "/".join(segments), query, self._body(declaration, chosen), self._headers(), chosen.get("room_id", ""))

    def _headers(self) -> dict[str, str]:
        """Mostly none beyond the client's own."""
        chance = self._chance
        if chance.random() > 0.03:
            return {}
        return {
            chance.choice(HEADERS): chance.choice(
                ("", "Bearer", "Bearer ", "Basic eDp5", "x" * 9000, "application/json; charset=\xff", "a,b,,c", "\xe9")
            )
        }

    # ------------------------------------------------------------ path and query

    def _segment(self, segment: str, chosen: dict[str, str]) -> str:
        chance = self._chance
        if segment[:1] != "{":
            return segment
        name = segment[1:-1]
        if chance.random() < 0.03:
            return chance.choice(WEIRD_SEGMENTS)
        text = chosen[name] = self._parameter(name, chosen)
        return quote(text.encode("utf-8", "surrogatepass"), safe="!$:@" if chance.random() < 0.5 else "")

    def _parameter(self, name: str, chosen: dict[str, str]) -> str:
        chance = self._chance
        if name == "txn_id":
            self._count += 1
            return f"t{self._count}" if chance.random() < 0.8 else f"t{chance.randint(1, self._count)}"
        if chance.random() < 0.04:
            return values.string(chance)
        if name == "user_id" and chance.random() < 0.7:
            return self._me
        if name == "device_id" and chance.random() < 0.7:
            return self._device
        if name == "event_id" and "room_id" in chosen and chance.random() < 0.7:
            return self._known.event_of(chosen["room_id"])
        if name == "room_alias" and chance.random() < 0.5:
            return self._known.some("alias")
        if name == "room_id_or_alias":
            return self._known.some(chance.choice(("room", "alias")))
        kind = PARAMETERS.get(name) if name not in WORDS else None
        return self._known.some(kind) if kind is not None else chance.choice(WORDS.get(name, ("x",)))

    def _query(self, needed: tuple[str, ...]) -> str:
        chance = self._chance
        pairs = []
        names = chance.sample(list(QUERIES), chance.choice((0, 0, 1, 1, 2, 3, 5)))
        if needed and chance.random() < 0.8:
            names = [*needed, *names]
        for name in names:
            source = QUERIES[name]
            kind = chance.random()
            if kind < 0.15:
                text = values.string(chance)
            elif kind < 0.25:
                text = str(chance.choice(values.NUMBERS))
            elif kind < 0.3:
                text = chance.choice(NEARLY_NUMBERS)
            else:
                text = self._known.some(source[1:]) if isinstance(source, str) else chance.choice(source)
            pairs.append(f"{name}={quote_plus(text.encode('utf-8', 'surrogatepass'))}")
        if chance.random() < 0.3:
            pairs.append("filter=" + quote_plus(self._filter()))
        query = "&".join(pairs)
        return mutate_bytes(query.encode(), chance).decode("latin-1") if pairs and chance.random() < 0.05 else query

    def _filter(self) -> bytes:
        chance = self._chance
        if chance.random() < 0.2:
            return self._known.some("filter").encode("utf-8", "surrogatepass")
        make = contents.whole_filter if chance.random() < 0.6 else contents.event_filter
        return self._spoiled(make(chance, self._known), 0.3)

    # ------------------------------------------------------------ body

    def _body(self, declaration: Declaration, chosen: dict[str, str]) -> bytes:
        chance, body = self._chance, declaration.body
        if body is Body.NONE:
            return b"" if chance.random() < 0.9 else values.spell(values.value(chance))
        if body is Body.STREAM:
            return bodies.PICTURE if chance.random() < 0.4 else values.string(chance).encode("utf-8", "replace")
        if chance.random() < 0.03:
            return values.spell(values.nested(chance) if chance.random() < 0.3 else values.value(chance))
        return self._spoiled(self._right(declaration, chosen), 0.45)

    def _spoiled(self, made: Any, likely: float) -> bytes:
        chance = self._chance
        while chance.random() < likely:
            made = mutate(made, chance)
        data = values.spell(made)
        return mutate_bytes(data, chance) if chance.random() < 0.08 else data

    def _right(self, declaration: Declaration, chosen: dict[str, str]) -> Any:
        chance, known, body, path = self._chance, self._known, declaration.body, declaration.path
        if isinstance(body, Schema):
            if body.name not in self._schemas:
                self._schemas[body.name] = schema.load(body.name)
            made = schemas.sample(self._schemas[body.name], chance, known)
            return self._with_auth(made) if chance.random() < 0.7 else made
        made = bodies.right(path, chance, known, bodies.Sender(self._me, self._device, chosen))
        if made is not None:
            return made
        if "event_type" in chosen:
            return contents.EVENTS.get(chosen["event_type"], contents.anything)(chance, known)
        if "/account_data/" in path:
            return contents.ACCOUNT_DATA.get(chosen.get("type", ""), contents.anything)(chance, known)
        if path.endswith("/filter"):
            return contents.whole_filter(chance, known)
        if "/profile/" in path:
            return {chosen.get("key_name", "x"): values.value(chance)}
        return contents.tag(chance, known) if "/tags/" in path else contents.anything(chance, known)

    def _with_auth(self, made: Any) -> Any:
        """Interactive auth and logins that may succeed."""
        if isinstance(made, dict):
            if "auth" in made:
                user = {"type": "m.id.user", "user": self._me}
                password = {"type": "m.login.password", "identifier": user, "password": "secret secret"}
                made["auth"] = self._chance.choice(
                    ({"type": "m.login.dummy"}, password | {"session": self._known.some("session")}, password)
                )
            if "identifier" in made:
                made |= {
                    "identifier": {"type": "m.id.user", "user": self._known.some("user")},
                    "password": "secret secret",
                    "type": "m.login.password",
                }
        return made
