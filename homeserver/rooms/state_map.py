"""Room state as a persistent map with structural sharing: (type, state key) → compact event number.

A trie over a keyed 64-bit hash of the address, fan-out 8. A subtree of at most LEAF_ENTRIES entries is one leaf, so equal maps have equal shape and,
since a node's ID is the hash of its bytes, the same root. A change writes one leaf and the branches above it; two maps differ where their nodes do.
The hash is keyed with a secret of this server: nobody can craft addresses that collide. Pure: nodes come from a mapping, what lacks raises MissingNodes.

Node bytes: leaf  b"L" + entries sorted by hash, 14 bytes each (8 hash, 6 number)
            branch b"B" + one byte of presence bits + 16 bytes for each child present
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

NODE_ID_BYTES = 16
LEAF_ENTRIES = 24
FAN_OUT_BITS = 3
ENTRY_BYTES = 14
_MASK = (1 << FAN_OUT_BITS) - 1
_TOP = 64 - FAN_OUT_BITS

Entries = dict[bytes, int]  # 8-byte hash → event number


class MissingNodes(LookupError):
    """These nodes are needed: load them and ask again."""

    def __init__(self, node_ids: Iterable[bytes]) -> None:
        self.node_ids = set(node_ids)
        super().__init__(f"{len(self.node_ids)} node(s) missing")


def node_id(body: bytes) -> bytes:
    return blake2b(body, digest_size=NODE_ID_BYTES).digest()


def _leaf(entries: Entries) -> bytes:
    return b"L" + b"".join([key + entries[key].to_bytes(6, "big") for key in sorted(entries)])


EMPTY_BODY = _leaf({})
EMPTY = node_id(EMPTY_BODY)


class AddressHash:
    """The keyed hash of a state address."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, type: str, state_key: str) -> bytes:
        text = type.encode() + b"\0" + state_key.encode()
        return blake2b(len(type.encode()).to_bytes(4, "big") + text, digest_size=8, key=self._key).digest()


def _slot(key: bytes, level: int) -> int:
    shift = _TOP - level * FAN_OUT_BITS
    number = int.from_bytes(key, "big")
    return (number >> shift) & _MASK if shift >= 0 else (number << -shift) & _MASK


def _entries(body: bytes) -> Entries:
    return {body[i : i + 8]: int.from_bytes(body[i + 8 : i + 14], "big") for i in range(1, len(body), ENTRY_BYTES)}


def _children(body: bytes) -> list[bytes | None]:
    present, at = body[1], 2
    children: list[bytes | None] = []
    for slot in range(1 << FAN_OUT_BITS):
        if present >> slot & 1:
            children.append(body[at : at + NODE_ID_BYTES])
            at += NODE_ID_BYTES
        else:
            children.append(None)
    return children


def _branch(children: list[bytes | None]) -> bytes:
    present = sum(1 << slot for slot, child in enumerate(children) if child is not None)
    return b"B" + bytes([present]) + b"".join([child for child in children if child is not None])


def child_ids(body: bytes) -> list[bytes]:
    """The nodes this node refers to; none for a leaf."""
    return [child for child in _children(body) if child is not None] if body[:1] == b"B" else []


def _load(node: bytes, nodes: Mapping[bytes, bytes]) -> bytes:
    if node == EMPTY:
        return EMPTY_BODY
    body = nodes.get(node)
    if body is None:
        raise MissingNodes([node])
    return body


def look_up(root: bytes, keys: Iterable[bytes], nodes: Mapping[bytes, bytes]) -> Entries:
    """The entries of those hashes that are present. MissingNodes names every node that lacks, for all keys at once."""
    found: Entries = {}
    missing: set[bytes] = set()
    for key in keys:
        node, level = root, 0
        while True:
            body = EMPTY_BODY if node == EMPTY else nodes.get(node)
            if body is None:
                missing.add(node)
                break
            if body[0] == 0x4C:  # L
                at = _find(body, key)
                if at is not None:
                    found[key] = int.from_bytes(body[at + 8 : at + 14], "big")
                break
            child = _child(body, _slot(key, level))
            if child is None:
                break
            node, level = child, level + 1
    if missing:
        raise MissingNodes(missing)
    return found


def _find(body: bytes, key: bytes) -> int | None:
    at = body.find(key, 1)
    while at != -1 and (at - 1) % ENTRY_BYTES:
        at = body.find(key, at + 1)
    return None if at == -1 else at


def _child(body: bytes, slot: int) -> bytes | None:
    present = body[1]
    if not present >> slot & 1:
        return None
    at = 2 + NODE_ID_BYTES * (present & ((1 << slot) - 1)).bit_count()
    return body[at : at + NODE_ID_BYTES]


def update(root: bytes, changes: Mapping[bytes, int | None], nodes: Mapping[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """The map with `changes` (None removes): its root, and the nodes made on the way, those on the new paths alone."""
    made: dict[bytes, bytes] = {}
    node = _update(root, dict(changes), 0, nodes, made)
    return (EMPTY if node is None else node), made


def _update(
    node: bytes | None, changes: dict[bytes, int | None], level: int, nodes: Mapping[bytes, bytes], made: dict[bytes, bytes]
) -> bytes | None:
    body = EMPTY_BODY if node is None else _load(node, nodes)
    if body[0] == 0x4C:
        entries = _entries(body)
        for key, number in changes.items():
            if number is None:
                entries.pop(key, None)
            else:
                entries[key] = number
        return _build(entries, level, made)
    children = _children(body)
    by_slot: dict[int, dict[bytes, int | None]] = {}
    for key, number in changes.items():
        by_slot.setdefault(_slot(key, level), {})[key] = number
    shrank = False
    for slot, part in by_slot.items():
        children[slot] = _update(children[slot], part, level + 1, nodes, made)
        shrank = shrank or None in part.values()
    if shrank:
        collapsed = _collapsed(children, nodes, made)
        if collapsed is not None:
            return _build(collapsed, level, made)
    return _keep(_branch(children), made)


def _keep(body: bytes, made: dict[bytes, bytes]) -> bytes:
    identity = node_id(body)
    made[identity] = body
    return identity


def _build(entries: Entries, level: int, made: dict[bytes, bytes]) -> bytes | None:
    if not entries:
        return None
    if len(entries) <= LEAF_ENTRIES:
        return _keep(_leaf(entries), made)
    parts: list[Entries] = [{} for _ in range(1 << FAN_OUT_BITS)]
    for key, number in entries.items():
        parts[_slot(key, level)][key] = number
    return _keep(_branch([_build(part, level + 1, made) for part in parts]), made)


def _collapsed(children: list[bytes | None], nodes: Mapping[bytes, bytes], made: Mapping[bytes, bytes]) -> Entries | None:
    """The entries below, if they fit one leaf again; None otherwise."""
    entries: Entries = {}
    for child in children:
        if child is None:
            continue
        body = made.get(child) or _load(child, nodes)
        if body[0] == 0x42:  # a branch has more than a leaf's worth
            return None
        entries.update(_entries(body))
        if len(entries) > LEAF_ENTRIES:
            return None
    return entries


def items(root: bytes, nodes: Mapping[bytes, bytes]) -> Entries:
    """The whole map. MissingNodes names all that lack on the reachable level."""
    found: Entries = {}
    missing: set[bytes] = set()
    for body in _walk(root, nodes, missing):
        if body[0] == 0x4C:
            found.update(_entries(body))
    if missing:
        raise MissingNodes(missing)
    return found


def _walk(root: bytes, nodes: Mapping[bytes, bytes], missing: set[bytes]) -> Iterator[bytes]:
    todo = [root]
    while todo:
        node = todo.pop()
        body = EMPTY_BODY if node == EMPTY else nodes.get(node)
        if body is None:
            missing.add(node)
            continue
        if body[0] == 0x42:
            todo.extend(child_ids(body))
        yield body


def reachable(root: bytes, nodes: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Of these nodes those that the map is made of; what it has beyond them is not looked at."""
    found: dict[bytes, bytes] = {}
    todo = [root]
    while todo:
        node = todo.pop()
        if node in nodes and node not in found:
            found[node] = nodes[node]
            todo.extend(child_ids(nodes[node]))
    return found


Pair = tuple[bytes | None, bytes | None]  # nodes at the same place of two maps


def differing_parts(old: bytes, new: bytes, nodes: Mapping[bytes, bytes]) -> list[Pair]:
    """Where two maps differ, up to two levels below their roots: few places for `difference` when they are large and differ much."""
    parts: list[Pair] = [(old, new)]
    for _ in range(2):
        missing: set[bytes] = set()
        below: list[Pair] = []
        for pair in parts:
            bodies = _bodies(pair, nodes, missing)
            if bodies is not None and bodies[0][0] == bodies[1][0] == 0x42:
                children = zip(_children(bodies[0]), _children(bodies[1]), strict=True)
                below.extend((before, after) for before, after in children if before != after)
            else:
                below.append(pair)
        if missing:
            raise MissingNodes(missing)
        parts = below
    return parts


def _bodies(pair: Pair, nodes: Mapping[bytes, bytes], missing: set[bytes]) -> tuple[bytes, bytes] | None:
    """None where one is not at hand, which is then in `missing`."""
    before, after = [EMPTY_BODY if node is None or node == EMPTY else nodes.get(node) for node in pair]
    if before is None or after is None:
        missing.update(node for node, body in zip(pair, (before, after), strict=True) if body is None and node is not None)
        return None
    return before, after


def difference(old: bytes | None, new: bytes | None, nodes: Mapping[bytes, bytes]) -> tuple[Entries, Entries]:
    """(entries of `new` that are not in `old` so, entries of `old` that are not in `new` so); looks only where the maps differ."""
    gone: Entries = {}
    come: Entries = {}
    missing: set[bytes] = set()
    todo: list[Pair] = [(old, new)]
    while todo:
        nodes_there = todo.pop()
        if nodes_there[0] == nodes_there[1]:
            continue
        pair = _bodies(nodes_there, nodes, missing)
        if pair is None:
            continue
        if pair[0][0] == 0x42 and pair[1][0] == 0x42:
            todo.extend(zip(_children(pair[0]), _children(pair[1]), strict=True))
            continue
        for body, into in ((pair[0], gone), (pair[1], come)):
            for part in _walk_body(body, nodes, missing):
                into.update(_entries(part))
    if missing:
        raise MissingNodes(missing)
    same = [key for key, number in come.items() if gone.get(key) == number]
    for key in same:
        del come[key], gone[key]
    return come, gone


def _walk_body(body: bytes, nodes: Mapping[bytes, bytes], missing: set[bytes]) -> Iterator[bytes]:
    if body[0] == 0x4C:
        yield body
        return
    for child in child_ids(body):
        for part in _walk(child, nodes, missing):
            if part[0] == 0x4C:
                yield part
