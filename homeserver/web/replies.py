"""From whatever was raised to the answer: the only place that writes Matrix errors (client-server API, "Standard error response")."""

from math import ceil
from typing import Any

import orjson
from twisted.logger import Logger

from homeserver import errors
from homeserver.protocol import errors as rules
from homeserver.web.endpoint import NO_HEADERS, Answer, Reply

_RULES: tuple[tuple[type[rules.ProtocolError], type[errors.MatrixError]], ...] = (
    (rules.InvalidIdentifier, errors.InvalidParam),
    (rules.InvalidJson, errors.BadJson),
    (rules.EventTooLarge, errors.TooLarge),
    (rules.InvalidEvent, errors.BadJson),
    (rules.NotAuthorised, errors.Forbidden),
    (rules.UnknownRoomVersion, errors.UnsupportedRoomVersion),
)


def encode(answer: Answer) -> Reply:
    """The answer of an endpoint with its body as bytes (or as a stream)."""
    if type(answer) is dict:
        return Reply(orjson.dumps(answer))
    if type(answer) is bytes:
        return Reply(answer)
    if not isinstance(answer, Reply):
        raise TypeError(f"an endpoint answered {type(answer).__name__}")
    body = answer.body
    if isinstance(body, (dict, list)):
        answer.body = orjson.dumps(body)
    elif body is None:
        answer.body = b""
    elif not (isinstance(body, bytes) or hasattr(body, "__aiter__")):
        raise TypeError(f"an endpoint answered with a body of type {type(body).__name__}")
    return answer


def translate(error: Exception) -> errors.MatrixError | None:
    """The Matrix error that the domain or the rules meant; None for a fault of ours."""
    if isinstance(error, errors.MatrixError):
        return error
    for rule, matrix in _RULES:
        if isinstance(error, rule):
            return matrix(str(error))
    return None


def refuse(error: errors.MatrixError) -> Reply:
    """The answer that says so."""
    fields = error.fields
    if isinstance(error, errors.InteractiveAuthRequired):
        return Reply(orjson.dumps(fields), error.status)
    body: dict[str, Any] = {"errcode": error.errcode, "error": error.message, **fields}
    wait = fields.get("retry_after_ms")
    headers = {"Retry-After": str(max(1, ceil(wait / 1000)))} if isinstance(wait, int) else NO_HEADERS
    return Reply(orjson.dumps(body), error.status, headers)


class Replies:
    """Answers for what was raised while a request was served."""

    _log = Logger()

    def for_error(self, error: Exception, request_id: str, route: str) -> Reply:
        matrix = translate(error)
        if matrix is None:
            self._log.failure("Unhandled error in request {request_id} to {route}", request_id=request_id, route=route)
            matrix = errors.InternalError(f"Internal server error (request {request_id})")
        return refuse(matrix)
