"""All settings, a section each. A part of the server is given its section, never the whole."""

from typing import NamedTuple

from config.accounts import Addresses, Passwords, Presence, Registration, ServerNotices, Sessions, UserDirectory, UserLimits
from config.assistant.section import Assistant
from config.database import DatabaseSettings
from config.federation import AppServices, Federation
from config.listeners import Listeners
from config.media import Media
from config.outgoing import Mail, Outgoing, Turn
from config.rate_limits import RateLimits
from config.rooms import Rooms
from config.server import Logging, Server, Support


class Config(NamedTuple):
    server: Server = Server()
    listeners: Listeners = Listeners()
    database: DatabaseSettings = DatabaseSettings()
    registration: Registration = Registration()
    addresses: Addresses = Addresses()
    passwords: Passwords = Passwords()
    sessions: Sessions = Sessions()
    rate_limits: RateLimits = RateLimits()
    rooms: Rooms = Rooms()
    media: Media = Media()
    presence: Presence = Presence()
    user_directory: UserDirectory = UserDirectory()
    user_limits: UserLimits = UserLimits()
    server_notices: ServerNotices = ServerNotices()
    turn: Turn = Turn()
    support: Support = Support()
    logging: Logging = Logging()
    mail: Mail = Mail()
    outgoing: Outgoing = Outgoing()
    federation: Federation = Federation()
    appservices: AppServices = AppServices()
    assistant: Assistant = Assistant()
