"""Third-party identifiers and the proofs of them. Fills the two ports of `homeserver.accounts.threepids.store`."""

from homeserver.accounts.threepids.store import ProofSession, Threepid
from storage.database import Database, WriteCursor
from storage.push.pushers import drop_pushers_of_address

_OF_USER = "SELECT medium, address, user_id, validated_ts, added_ts FROM threepids WHERE user_id = ? ORDER BY added_ts, address"
_OWNER = "SELECT user_id FROM threepids WHERE medium = ? AND address = ?"
_ADD = """INSERT INTO threepids (medium, address, user_id, validated_ts, added_ts) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (medium, address) DO NOTHING"""
_REMOVE = "DELETE FROM threepids WHERE user_id = ? AND medium = ? AND address = ?"
_CLOSE = "DELETE FROM threepid_proofs WHERE sid = ?"
_FIND = """SELECT sid, purpose, address, secret_hash, send_attempt, code_hash, next_link, created_ts, wrong_codes, validated_ts
    FROM threepid_proofs WHERE sid = ?"""
_SAME = "SELECT sid, send_attempt, created_ts FROM threepid_proofs WHERE purpose = ? AND address = ? AND secret_hash = ?"
_OPEN = """INSERT INTO threepid_proofs (sid, purpose, address, secret_hash, send_attempt, code_hash, next_link, created_ts)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_AGAIN = """UPDATE threepid_proofs SET send_attempt = ?, code_hash = ?, next_link = ?, created_ts = ?, wrong_codes = 0 WHERE sid = ?"""
_FORGET = """DELETE FROM threepid_proofs WHERE sid IN
    (SELECT sid FROM threepid_proofs WHERE created_ts < ? ORDER BY created_ts LIMIT ?)"""


def add_threepid(cursor: WriteCursor, threepid: Threepid, sid: str | None) -> bool:
    """And ends the session that proved it; False when it is somebody's already."""
    if sid is not None:
        cursor.run(_CLOSE, sid)
    return bool(cursor.run(_ADD, *threepid))


class StoredThreepids:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_user(self, user_id: str) -> list[Threepid]:
        rows = await self._database.read(lambda cursor: cursor.all(_OF_USER, user_id))
        return [Threepid(*row) for row in rows]

    async def owner(self, medium: str, address: str) -> str | None:
        owner: str | None = await self._database.read(lambda cursor: cursor.value(_OWNER, medium, address))
        return owner

    async def add(self, threepid: Threepid, sid: str) -> bool:
        return await self._database.write(lambda cursor: add_threepid(cursor, threepid, sid))

    async def remove(self, user_id: str, medium: str, address: str) -> bool:
        def change(cursor: WriteCursor) -> bool:
            drop_pushers_of_address(cursor, user_id, address)
            return cursor.run(_REMOVE, user_id, medium, address) > 0

        return await self._database.write(change)


class StoredProofs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, session: ProofSession, not_before: int) -> tuple[str, bool]:
        def change(cursor: WriteCursor) -> tuple[str, bool]:
            known = cursor.one(_SAME, session.purpose, session.address, session.secret_hash)
            if known is not None and known[2] >= not_before:
                sid = known[0]
                if session.send_attempt <= known[1]:
                    return sid, False
                cursor.run(_AGAIN, session.send_attempt, session.code_hash, session.next_link, session.created_ts, sid)
                return sid, True
            if known is not None:
                cursor.run(_CLOSE, known[0])
            cursor.run(
                _OPEN,
                session.sid,
                session.purpose,
                session.address,
                session.secret_hash,
                session.send_attempt,
                session.code_hash,
                session.next_link,
                session.created_ts,
            )
            return session.sid, True

        return await self._database.write(change)

    async def unsent(self, sid: str) -> None:
        await self._database.write(
            lambda cursor: cursor.run("UPDATE threepid_proofs SET send_attempt = send_attempt - 1 WHERE sid = ?", sid)
        )

    async def find(self, sid: str) -> ProofSession | None:
        row = await self._database.read(lambda cursor: cursor.one(_FIND, sid))
        if row is None:
            return None
        sid, purpose, address, secret_hash, send_attempt, code_hash, *rest = row
        code_hash = None if code_hash is None else bytes(code_hash)
        return ProofSession(sid, purpose, address, bytes(secret_hash), send_attempt, code_hash, *rest)

    async def prove(self, sid: str, ts: int) -> None:
        await self._database.write(lambda cursor: cursor.run("UPDATE threepid_proofs SET validated_ts = ? WHERE sid = ?", ts, sid))

    async def count_wrong(self, sid: str) -> None:
        await self._database.write(lambda cursor: cursor.run("UPDATE threepid_proofs SET wrong_codes = wrong_codes + 1 WHERE sid = ?", sid))

    async def close(self, sid: str) -> bool:
        return await self._database.write(lambda cursor: cursor.run(_CLOSE, sid) > 0)

    async def forget(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: cursor.run(_FORGET, before_ms, most))
