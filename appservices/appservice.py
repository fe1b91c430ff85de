"""Application services and what is theirs: which users, aliases and rooms lie in whose namespaces. Pure, and answered from memory."""

import hashlib
from collections.abc import Iterator, Sequence

from appservices.registration import Namespace, Registration

MOST_REMEMBERED = 20_000  # names, of one kind and service


class Names:
    """Names of one kind: whether they fit. What was asked lately is remembered."""

    def __init__(self, namespaces: Sequence[Namespace]) -> None:
        self._namespaces = namespaces
        self._known: dict[str, tuple[bool, bool]] = {}

    def __bool__(self) -> bool:
        return bool(self._namespaces)

    def has(self, name: str) -> bool:
        return self._look(name)[0]

    def has_alone(self, name: str) -> bool:
        """Whether an exclusive namespace covers it."""
        return self._look(name)[1]

    def _look(self, name: str) -> tuple[bool, bool]:
        found = self._known.get(name)
        if found is None:
            fitting = [namespace for namespace in self._namespaces if namespace.pattern.fits(name)]
            found = (bool(fitting), any(namespace.exclusive for namespace in fitting))
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[name] = found
        return found


class Appservice:
    """One registered application service."""

    def __init__(self, registration: Registration, server_name: str) -> None:
        self.registration = registration
        self.id = registration.id
        self.sender = f"@{registration.sender_localpart}:{server_name}"
        self.rooms = Names(registration.rooms)
        self.aliases = Names(registration.aliases)
        self._users = Names(registration.users)
        self._ending = f":{server_name}"

    def __repr__(self) -> str:
        return f"<Appservice {self.id}>"

    def is_local(self, name: str) -> bool:
        return name.partition(":")[2] == self._ending[1:]

    def owns_user(self, user_id: str) -> bool:
        """Users of this server alone."""
        return user_id == self.sender or (user_id.endswith(self._ending) and self.is_local(user_id) and self._users.has(user_id))

    def owns_user_alone(self, user_id: str) -> bool:
        return user_id == self.sender or (user_id.endswith(self._ending) and self.is_local(user_id) and self._users.has_alone(user_id))


class Appservices:
    """All of them, by their tokens and what they own."""

    def __init__(self, services: Sequence[Appservice] = ()) -> None:
        self._services = {service.id: service for service in services}
        self._by_token = {_digest(service.registration.as_token.reveal()): service for service in services}

    def __bool__(self) -> bool:
        return bool(self._services)

    def __iter__(self) -> Iterator[Appservice]:
        return iter(self._services.values())

    def get(self, service_id: str) -> Appservice | None:
        return self._services.get(service_id)

    def by_token(self, token: str) -> Appservice | None:
        """The time this takes tells nothing about the tokens: their hashes are compared."""
        return self._by_token.get(_digest(token)) if self._by_token else None

    def owner_of_user(self, user_id: str) -> Appservice | None:
        """Who alone has it."""
        return next((service for service in self if service.owns_user_alone(user_id)), None)

    def owner_of_alias(self, alias: str) -> Appservice | None:
        """Who alone may use it."""
        return next((service for service in self if service.aliases.has_alone(alias) and service.is_local(alias)), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
