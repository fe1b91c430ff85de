"""Which servers this one talks to at all, by its settings."""

from config.federation import Federation
from federation.errors import NotFederated
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import ServerName
from homeserver.protocol.server_acl import ServerAcl


class ServerPolicy:
    def __init__(self, settings: Federation) -> None:
        self._acl = ServerAcl(allow=settings.allowed_servers or ("*",), deny=settings.denied_servers)

    def allows(self, server_name: str) -> bool:
        return self._acl.allows(server_name)

    def check(self, server_name: str) -> None:
        """Raises NotFederated, also for what is no server name."""
        try:
            ServerName.parse(server_name)
        except InvalidIdentifier as error:
            raise NotFederated("This is no server name") from error
        if not self._acl.allows(server_name):
            raise NotFederated
