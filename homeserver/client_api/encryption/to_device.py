"""Messages to devices (client-server API, "Send-to-Device messaging")."""

from homeserver.encryption.to_device.send import ToDevice, checked
from homeserver.errors import MissingParam
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class ToDeviceEndpoints:
    def __init__(self, to_device: ToDevice) -> None:
        self._to_device = to_device

    @endpoint("PUT", "/_matrix/client/v3/sendToDevice/{event_type}/{txn_id}", access=Access.GUEST, rate=Rate.MESSAGE, body=Body.OBJECT)
    async def send(self, request: Request, event_type: str, txn_id: str) -> Answer:
        if "messages" not in request.body:
            raise MissingParam("messages is missing")
        caller = request.user
        await self._to_device.send(caller.user_id, caller.device_id or "", event_type, txn_id, checked(request.body["messages"]))
        return {}
