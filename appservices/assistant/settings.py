"""The settings: a TOML file of its own, or the values that an embedding server hands over."""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit


class BadSettings(Exception):
    """What is wrong with them, in words for the person who wrote them."""


@dataclass(frozen=True)
class Model:
    base_url: str = ""  # nothing: no model, the rest works all the same
    name: str = ""
    api_key: str = field(default="", repr=False)
    api_key_file: str = ""  # holds it instead
    api_key_variable: str = ""  # of the environment, holds it instead
    provider: str = ""  # as rooms are told: who runs it
    where: str = ""  # as rooms are told: in which place
    is_local: bool = False  # runs on machines of ours, whatever its address looks like: may be used in encrypted rooms
    context_tokens: int = 6000  # most of a prompt
    answer_tokens: int = 1000  # most of an answer
    timeout_seconds: float = 60.0
    input_price: int = 0  # money in millionths, for a million tokens
    output_price: int = 0
    concurrent: int = 4

    @property
    def is_there(self) -> bool:
        return bool(self.base_url and self.name)

    @property
    def is_hosted(self) -> bool:
        """Run by others, unless it is said to be ours, or its address is this machine's or of a private network."""
        host = urlsplit(self.base_url).hostname or ""
        if self.is_local or host == "localhost" or host.endswith(".localhost"):
            return False
        try:
            return not ipaddress.ip_address(host).is_private
        except ValueError:
            return True


@dataclass(frozen=True)
class Budgets:
    """0: no limit. Money in millionths of its unit."""

    user_day_tokens: int = 100_000
    user_month_tokens: int = 1_000_000
    room_day_tokens: int = 200_000
    room_month_tokens: int = 2_000_000
    server_day_tokens: int = 2_000_000
    server_month_tokens: int = 20_000_000
    user_day_money: int = 0
    user_month_money: int = 0
    room_day_money: int = 0
    room_month_money: int = 0
    server_day_money: int = 0
    server_month_money: int = 0


@dataclass(frozen=True)
class Settings:
    homeserver_url: str
    user_id: str
    as_token: str = field(default="", repr=False)  # nothing: those of the registration
    hs_token: str = field(default="", repr=False)
    registration: str = "assistant-registration.yaml"
    display_name: str = "Assistant"
    listen_host: str = "127.0.0.1"
    listen_port: int = 8010
    listen_url: str = ""  # where the homeserver finds it; nothing: host and port
    database: str = "assistant.db"
    command: str = "!ai"
    rooms: tuple[str, ...] = ()  # where it may be; none: wherever it is invited
    strangers_may_invite: bool = False  # people of other servers
    consent_power: int = 50  # who has this much may turn the assistant on in a room
    other_bots: tuple[str, ...] = ()
    freshness_seconds: int = 600  # what was asked longer ago is not answered any more
    turns_a_minute: int = 10  # of one person
    permalink_url: str = "https://matrix.to/#/"
    call_url: str = ""  # meetings get a link to a room of this place
    hosted_model_in_encrypted_rooms: bool = False
    only_signed_devices: bool = False  # in encrypted rooms: speak to and hear no device that its owner has not cross-signed
    key_file: str = ""  # closes what is stored of keys; left out: the name of the database and `.key`
    audit_days: int = 90
    model: Model = Model()
    budgets: Budgets = Budgets()

    @property
    def localpart(self) -> str:
        return self.user_id[1:].partition(":")[0]

    @property
    def server_name(self) -> str:
        return self.user_id.partition(":")[2]

    @property
    def url(self) -> str:
        return self.listen_url or f"http://{self.listen_host}:{self.listen_port}"

    @property
    def threads(self) -> int:
        """For as many questions at once as there may be, what still hangs, and the disk."""
        return 2 * self.model.concurrent + 2


def load_settings(path: Path, *, needs_tokens: bool = True) -> Settings:
    """Paths count from where the file is. Raises BadSettings."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: is no valid TOML: {error}") from error
    settings = read_settings(table.get("assistant", table))
    folder = path.absolute().parent
    settings = replace(settings, database=str(folder / settings.database), registration=str(folder / settings.registration))
    if settings.key_file:
        settings = replace(settings, key_file=str(folder / settings.key_file))
    if needs_tokens and not (settings.as_token and settings.hs_token):
        from appservices.assistant.registration import read_tokens

        as_token, hs_token = read_tokens(Path(settings.registration))
        settings = replace(settings, as_token=as_token, hs_token=hs_token)
    return replace(settings, model=with_key(settings.model, folder)) if needs_tokens else settings


def with_key(model: Model, folder: Path) -> Model:
    """With the key from where it is kept. Raises BadSettings."""
    if model.api_key_file:
        try:
            return replace(model, api_key=(folder / model.api_key_file).read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"assistant.model.api_key_file: {model.api_key_file} cannot be read: {error}") from error
    if model.api_key_variable:
        if not (key := os.environ.get(model.api_key_variable)):
            raise BadSettings(f"assistant.model.api_key_variable: there is no {model.api_key_variable} in the environment")
        return replace(model, api_key=key)
    return model


def read_settings(table: Mapping[str, Any]) -> Settings:
    settings: Settings = _read(Settings, table, "assistant")
    if not settings.user_id.startswith("@") or ":" not in settings.user_id:
        raise BadSettings("assistant.user_id: a full user ID such as @assistant:example.org")
    for name, address in (("homeserver_url", settings.homeserver_url), ("model.base_url", settings.model.base_url)):
        if address and not address.startswith(("http://", "https://")):
            raise BadSettings(f"assistant.{name}: an http(s) address")
    return settings


def _read(kind: Any, table: Mapping[str, Any], where: str) -> Any:
    if not isinstance(table, Mapping):
        raise BadSettings(f"{where}: should be a table")
    hints = get_type_hints(kind)
    known = {each.name: each.default is MISSING and each.default_factory is MISSING for each in fields(kind)}
    if unknown := sorted(set(table) - set(known)):
        raise BadSettings(f"{where}.{unknown[0]}: there is no such setting")
    values: dict[str, Any] = {}
    for name, value in table.items():
        wanted = hints[name]
        if is_dataclass(wanted):
            value = _read(wanted, value, f"{where}.{name}")
        elif wanted is float and isinstance(value, int):
            value = float(value)
        elif wanted == tuple[str, ...] and isinstance(value, list):
            value = tuple(str(each) for each in value)
        elif type(value) is not wanted:
            raise BadSettings(f"{where}.{name}: should be {'a list' if wanted == tuple[str, ...] else wanted.__name__}")
        values[name] = value
    if missing := [name for name, needed in known.items() if needed and name not in values]:
        raise BadSettings(f"{where}.{missing[0]}: is missing")
    return kind(**values)
