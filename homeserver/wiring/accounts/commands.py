"""The commands of the machine's administrator, and the notices that they send."""

from homeserver.account_data.tags import Tags
from homeserver.accounts.accounts import Accounts
from homeserver.accounts.deactivate import Deactivation
from homeserver.accounts.names import Names
from homeserver.accounts.registration_tokens import RegistrationTokens
from homeserver.control.commands import AdministratorCommands
from homeserver.protocol.room_versions import room_version
from homeserver.server_notices.notices import ServerNotices
from homeserver.server_notices.sender import sender_of
from homeserver.wiring.ground import Ground
from homeserver.wiring.rooms import Rooms
from storage.control import StoredAccountList
from storage.people.notices import StoredNotices
from storage.personal.account_data import StoredAccountData


def build_notices(ground: Ground, rooms: Rooms, accounts: Accounts) -> ServerNotices:
    config, writing = ground.config, rooms.writing
    return ServerNotices(
        config.server_notices,
        sender_id=sender_of(config.server_notices, config.server.name),
        version=room_version(config.rooms.default_version),
        store=StoredNotices(ground.database),
        accounts=accounts,
        creator=writing.creator,
        membership=writing.membership,
        members=rooms.members,
        sender=writing.sender,
        tags=Tags(rooms.account_data, StoredAccountData(ground.database)),
    )


def build_commands(
    ground: Ground, notices: ServerNotices, accounts: Accounts, deactivation: Deactivation, tokens: RegistrationTokens, names: Names
) -> AdministratorCommands:
    return AdministratorCommands(accounts, deactivation, tokens, names, notices, StoredAccountList(ground.database), ground.clock)
