"""Endpoints that are about the calling device."""

from homeserver.errors import InvalidParam
from homeserver.web.request import Request


def require_device(request: Request) -> str:
    """The caller's device ID; an application service has none unless it names one."""
    device_id = request.user.device_id
    if device_id is None:
        raise InvalidParam("This needs a device, and the caller has none")
    return device_id
