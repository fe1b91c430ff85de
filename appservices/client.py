"""Requests to application services, each with the token by which the service knows this server (application-service API, "Authorisation").

Where a service does not know a path of today, the path of former days is tried ("Legacy routes").
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from appservices.appservice import Appservice
from appservices.errors import CannotReach
from appservices.transport import Answer, Transport

TRANSACTION_SECONDS: Final = 60.0
QUESTION_SECONDS: Final = 15.0

V1: Final = "/_matrix/app/v1"
_UNSTABLE: Final = "/_matrix/app/unstable"


class AppserviceClient:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def put_transaction(self, service: Appservice, txn_id: str, body: bytes) -> Answer:
        """Raises CannotReach."""
        path = f"/transactions/{quote(txn_id, safe='')}"
        return await self._with_legacy(service, "PUT", V1 + path, path, body, TRANSACTION_SECONDS)

    async def ask_for(self, service: Appservice, kind: str, name: str) -> Answer:
        """`kind`: users or rooms. Raises CannotReach."""
        path = f"/{kind}/{quote(name, safe='')}"
        return await self._with_legacy(service, "GET", V1 + path, path, None, QUESTION_SECONDS)

    async def third_party(self, service: Appservice, path: str, fields: Mapping[str, str]) -> Answer:
        """`path` is percent-encoded. Raises CannotReach."""
        uri = f"/thirdparty/{path}" + (f"?{urlencode(fields)}" if fields else "")
        return await self._with_legacy(service, "GET", V1 + uri, _UNSTABLE + uri, None, QUESTION_SECONDS)

    async def post(self, service: Appservice, path: str, body: Mapping[str, Any], *, seconds: float = QUESTION_SECONDS) -> Answer:
        """`path` is the whole. Raises CannotReach."""
        return await self._request(service, "POST", path, orjson.dumps(body), seconds)

    async def _with_legacy(self, service: Appservice, method: str, path: str, legacy: str, body: bytes | None, seconds: float) -> Answer:
        answer = await self._request(service, method, path, body, seconds)
        return await self._request(service, method, legacy, body, seconds) if knows_no_path(answer) else answer

    async def _request(self, service: Appservice, method: str, path: str, body: bytes | None, seconds: float) -> Answer:
        registration = service.registration
        if not registration.url:
            raise CannotReach("the service has no url")
        headers = {"Authorization": f"Bearer {registration.hs_token.reveal()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self._transport.request(method, registration.url + path, headers, body, seconds=seconds)


def knows_no_path(answer: Answer) -> bool:
    """Whether the service does not know the path at all, unlike what it is asked about."""
    if answer.status not in (404, 405, 501):
        return False
    found = as_object(answer)
    errcode = None if found is None else found.get("errcode")
    return errcode is None or errcode == "M_UNRECOGNIZED"


def as_object(answer: Answer) -> dict[str, Any] | None:
    """The JSON object that was answered, None for anything else."""
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
