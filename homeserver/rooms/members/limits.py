"""How much one account may have (client-server API, "M_USER_LIMIT_EXCEEDED"; MSC4335). Uploads have limits of their own."""

from config.accounts import UserLimits as Settings
from config.server import Server
from homeserver.errors import UserLimitExceeded


class UserLimits:
    """A limit of 0 is none."""

    def __init__(self, settings: Settings, server: Server) -> None:
        self._can_upgrade = settings.can_upgrade
        self._about = settings.page or server.public_base_url or f"https://{server.name}/"
        self.joined_rooms = settings.joined_rooms
        self.devices = settings.devices
        self.account_data_bytes = settings.account_data_bytes

    def exceeded(self, what: str) -> UserLimitExceeded:
        """To be raised; it names a page that says more."""
        return UserLimitExceeded(what, info_uri=self._about, can_upgrade=self._can_upgrade)
