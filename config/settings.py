"""All settings, a section each. A part of the server is given its section, never the whole."""

from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Config:
    server: Server = field(default_factory=Server)
    listeners: Listeners = field(default_factory=Listeners)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    registration: Registration = field(default_factory=Registration)
    addresses: Addresses = field(default_factory=Addresses)
    passwords: Passwords = field(default_factory=Passwords)
    sessions: Sessions = field(default_factory=Sessions)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    rooms: Rooms = field(default_factory=Rooms)
    media: Media = field(default_factory=Media)
    presence: Presence = field(default_factory=Presence)
    user_directory: UserDirectory = field(default_factory=UserDirectory)
    user_limits: UserLimits = field(default_factory=UserLimits)
    server_notices: ServerNotices = field(default_factory=ServerNotices)
    turn: Turn = field(default_factory=Turn)
    support: Support = field(default_factory=Support)
    logging: Logging = field(default_factory=Logging)
    mail: Mail = field(default_factory=Mail)
    outgoing: Outgoing = field(default_factory=Outgoing)
    federation: Federation = field(default_factory=Federation)
    appservices: AppServices = field(default_factory=AppServices)
    assistant: Assistant = field(default_factory=Assistant)
