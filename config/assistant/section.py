"""Section `assistant`: where it may be, when it is spoken to, what it keeps."""

from typing import Annotated, NamedTuple

from config.assistant.model import AssistantBudgets, AssistantModel


class Assistant(NamedTuple):
    enabled: bool = False
    localpart: Annotated[str, {"pattern": r"^[a-z0-9._=/+-]{1,100}$", "says": "a user name"}] = "assistant"
    display_name: str = "Assistant"
    # Its registration, which it makes by itself, and what it remembers: IDs, times and counts.
    registration: Annotated[str, {"path": True}] = "assistant-registration.yaml"
    database: Annotated[str, {"path": True}] = "assistant.db"
    rooms: tuple[Annotated[str, {"pattern": r"^!\S+$", "says": "room IDs"}], ...] = ()  # where it may be; empty: wherever it is invited
    strangers_may_invite: bool = False  # people of other servers
    consent_power: int = 50  # who has this power level may turn it on in a room
    command: Annotated[str, {"pattern": r"^\S+$", "says": "a word"}] = "!ai"
    other_bots: tuple[Annotated[str, {"pattern": r"^@[^:\s]+:\S+$", "says": "user IDs"}], ...] = ()  # user IDs that set nothing off
    freshness_seconds: Annotated[int, {"minimum": 1}] = 600  # what was asked longer ago is not answered any more
    turns_a_minute: Annotated[int, {"minimum": 1}] = 10  # of one person
    permalink_url: Annotated[str, {"pattern": r"^https?://\S+$", "says": "an http(s) address"}] = "https://matrix.to/#/"
    call_url: Annotated[str, {"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"}] = ""  # of calls in meetings
    hosted_model_in_encrypted_rooms: bool = False
    only_signed_devices: bool = False  # in encrypted rooms: speak to and hear no device that its owner has not cross-signed
    key_file: Annotated[str, {"path": True}] = ""  # closes what is stored of keys; empty: the name of the database and .key
    audit_days: Annotated[int, {"minimum": 1, "maximum": 36_500}] = 90
    model: AssistantModel = AssistantModel()
    budgets: AssistantBudgets = AssistantBudgets()
