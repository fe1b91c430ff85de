"""All settings, a section each. A part of the server is given its section, never the whole."""

from dataclasses import dataclass, field

from config.accounts import Passwords, Presence, Registration, Sessions, UserDirectory
from config.database import DatabaseSettings
from config.listeners import Listeners
from config.logs import Logging
from config.media import Media
from config.outgoing import Outgoing
from config.rate_limits import RateLimits
from config.rooms import Rooms
from config.server import Server, Support


@dataclass(frozen=True, slots=True)
class Config:
    server: Server = field(default_factory=Server)
    listeners: Listeners = field(default_factory=Listeners)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    registration: Registration = field(default_factory=Registration)
    passwords: Passwords = field(default_factory=Passwords)
    sessions: Sessions = field(default_factory=Sessions)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    rooms: Rooms = field(default_factory=Rooms)
    media: Media = field(default_factory=Media)
    presence: Presence = field(default_factory=Presence)
    user_directory: UserDirectory = field(default_factory=UserDirectory)
    support: Support = field(default_factory=Support)
    logging: Logging = field(default_factory=Logging)
    outgoing: Outgoing = field(default_factory=Outgoing)
