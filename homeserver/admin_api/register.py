"""Registration for tools that know the shared secret: they ask for a nonce and sign with it what they want (HMAC-SHA1, as existing tools do)."""

import hmac
from collections import OrderedDict

from config.secret import Secret
from homeserver.accounts.accounts import USER_TYPES, Accounts
from homeserver.clock import Chance, Clock
from homeserver.errors import Forbidden, InvalidParam, Unknown
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

NONCE_SECONDS = 60
MAX_USED = 10_000
_PATH = "/_synapse/admin/v1/register"


class SharedSecretRegister:
    """A nonce carries its own proof, so that any process takes what another gave out."""

    def __init__(self, secret: Secret, accounts: Accounts, clock: Clock, chance: Chance, server_name: str) -> None:
        self._secret = secret
        self._accounts = accounts
        self._clock = clock
        self._chance = chance
        self._server_name = server_name
        self._used: OrderedDict[str, None] = OrderedDict()

    @endpoint("GET", _PATH, access=Access.NONE, rate=Rate.REGISTER, body=Body.NONE)
    async def nonce(self, request: Request) -> Answer:
        self._check_open()
        stamped = f"{self._clock.now_ms() // 1000:x}.{self._chance.token(22)}"
        return {"nonce": f"{stamped}.{self._seal(stamped)}"}

    @endpoint("POST", _PATH, access=Access.NONE, rate=Rate.REGISTER, body=Schema("client/shared_secret_register"))
    async def register(self, request: Request) -> Answer:
        self._check_open()
        body = request.body
        is_admin: bool = body.get("admin", False)
        user_type: str | None = body.get("user_type")
        if user_type is not None and user_type not in USER_TYPES:
            raise InvalidParam(f"user_type must be one of {', '.join(USER_TYPES)}")
        self._spend(body["nonce"])
        signed = [body["nonce"], body["username"], body["password"], "admin" if is_admin else "notadmin"]
        if user_type is not None:
            signed.append(user_type)
        if not hmac.compare_digest(self._sign("\0".join(signed)), body["mac"].lower().encode()):
            raise Forbidden("The HMAC is wrong")
        user_id, grant = await self._accounts.create(
            body["username"],
            body["password"],
            is_admin=is_admin,
            displayname=body.get("displayname"),
            user_type=user_type,
            device_id=body.get("device_id"),
            device_name=body.get("initial_device_display_name"),
            log_in=not body.get("inhibit_login", False),
            refreshable=body.get("refresh_token", False),
        )
        return {"user_id": user_id, "home_server": self._server_name} if grant is None else grant.answer(self._server_name)

    def _check_open(self) -> None:
        if not self._secret:
            raise Unknown("Shared secret registration is not enabled")

    def _sign(self, text: str) -> bytes:
        return hmac.new(self._secret.reveal().encode(), text.encode(), "sha1").hexdigest().encode()

    def _seal(self, stamped: str) -> str:
        return hmac.new(self._secret.reveal().encode(), f"nonce {stamped}".encode(), "sha256").hexdigest()[:32]

    def _spend(self, nonce: str) -> None:
        """Raises Unknown for a nonce that is not ours, too old, or used."""
        stamped, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(self._seal(stamped).encode(), seal.encode()):
            raise Unknown("Unrecognised nonce")
        issued = int(stamped.partition(".")[0], 16)
        if self._clock.now_ms() // 1000 - issued > NONCE_SECONDS or nonce in self._used:
            raise Unknown("The nonce has expired or was used")
        self._used[nonce] = None
        if len(self._used) > MAX_USED:
            self._used.popitem(last=False)
