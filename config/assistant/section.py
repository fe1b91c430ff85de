"""Section `assistant`: where it may be, when it is spoken to, what it keeps."""

from dataclasses import dataclass, field

from config.assistant.model import AssistantBudgets, AssistantModel


@dataclass(frozen=True, slots=True)
class Assistant:
    enabled: bool = False
    localpart: str = field(default="assistant", metadata={"pattern": r"^[a-z0-9._=/+-]{1,100}$", "says": "a user name"})
    display_name: str = "Assistant"
    # Its registration, which it makes by itself, and what it remembers: IDs, times and counts.
    registration: str = field(default="assistant-registration.yaml", metadata={"path": True})
    database: str = field(default="assistant.db", metadata={"path": True})
    rooms: tuple[str, ...] = ()  # where it may be; empty: wherever it is invited
    strangers_may_invite: bool = False  # people of other servers
    consent_power: int = 50  # who has this power level may turn it on in a room
    command: str = field(default="!ai", metadata={"pattern": r"^\S+$", "says": "a word"})
    other_bots: tuple[str, ...] = ()  # user IDs that set nothing off
    freshness_seconds: int = field(default=600, metadata={"minimum": 1})  # what was asked longer ago is not answered any more
    turns_a_minute: int = field(default=10, metadata={"minimum": 1})  # of one person
    permalink_url: str = field(default="https://matrix.to/#/", metadata={"pattern": r"^https?://\S+$", "says": "an http(s) address"})
    call_url: str = field(default="", metadata={"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"})  # of calls in meetings
    hosted_model_in_encrypted_rooms: bool = False
    only_signed_devices: bool = False  # in encrypted rooms: speak to and hear no device that its owner has not cross-signed
    key_file: str = field(default="", metadata={"path": True})  # closes what is stored of keys; empty: the name of the database and .key
    audit_days: int = field(default=90, metadata={"minimum": 1})
    model: AssistantModel = field(default_factory=AssistantModel)
    budgets: AssistantBudgets = field(default_factory=AssistantBudgets)
