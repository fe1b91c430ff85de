"""A question on a user's behalf, and how the other server's refusal looks to that user."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from federation.errors import BadAnswer, RemoteRefused

T = TypeVar("T")


async def relayed(answer: Awaitable[T]) -> T:
    """The answer; what was refused is refused here, too, where it is about the thing asked for."""
    try:
        return await answer
    except RemoteRefused as error:
        raise error.as_local() from error


def object_in(answer: dict[str, Any], key: str) -> dict[str, Any]:
    """Raises BadAnswer."""
    value = answer.get(key)
    if not isinstance(value, dict):
        raise BadAnswer
    return value


def objects_in(answer: dict[str, Any], key: str, most: int) -> list[dict[str, Any]]:
    """The first of the objects; raises BadAnswer where there is no list."""
    value = answer.get(key)
    if not isinstance(value, list):
        raise BadAnswer
    return [each for each in value[:most] if isinstance(each, dict)]


def texts_in(answer: dict[str, Any], key: str, most: int) -> list[str]:
    """The first of the strings; none where there is no list."""
    value = answer.get(key)
    return [each for each in value[:most] if isinstance(each, str)] if isinstance(value, list) else []
