"""One user's presence: what his devices and he himself said, and what follows from it at a given time. Pure; times are seconds of a steady clock."""

from typing import NamedTuple

ONLINE = "online"
UNAVAILABLE = "unavailable"
OFFLINE = "offline"

IDLE_AFTER_S = 300.0
ACTIVE_FOR_S = 60.0  # "currently active" that long after an action
GONE_AFTER_S = 30.0  # between the end of one sync and the next
NEVER = float("inf")


class Shown(NamedTuple):
    """What others see; the time of the last action is not part of it."""

    state: str
    currently_active: bool
    status_msg: str | None


class PresenceUser:
    __slots__ = ("active_at", "counter", "devices", "due", "is_remote", "manual", "shown", "status_msg")

    def __init__(self, active_at: float, status_msg: str | None = None) -> None:
        self.active_at = active_at
        self.status_msg = status_msg
        self.devices: dict[str, tuple[str, float]] = {}  # what each said, and until when that holds
        self.manual: str | None = None  # unavailable or offline, as the user chose
        self.is_remote = False  # his own server knows about idleness
        self.shown = Shown(OFFLINE, False, status_msg)
        self.counter = 0
        self.due = NEVER

    def look(self, now: float) -> Shown:
        """What is to be shown now."""
        if any(until <= now for _, until in self.devices.values()):
            self.devices = {device: held for device, held in self.devices.items() if held[1] > now}
        states = {state for state, _ in self.devices.values()}
        if self.manual == OFFLINE or not states:
            return Shown(OFFLINE, False, self.status_msg)
        if self.manual == UNAVAILABLE or ONLINE not in states:
            return Shown(UNAVAILABLE, False, self.status_msg)
        if not self.is_remote and now - self.active_at >= IDLE_AFTER_S:
            return Shown(UNAVAILABLE, False, self.status_msg)
        return Shown(ONLINE, now - self.active_at < ACTIVE_FOR_S, self.status_msg)

    def next_look(self, now: float) -> float:
        """When `look` may give something else by the passing of time alone."""
        dues = [until for _, until in self.devices.values()]
        dues += [due for due in (self.active_at + ACTIVE_FOR_S, self.active_at + IDLE_AFTER_S) if due > now and dues]
        return min(dues, default=NEVER)

    def act(self, now: float) -> None:
        """The user did something: he is no longer idle, whatever his devices thought."""
        self.active_at = now
        if self.manual == UNAVAILABLE:
            self.manual = None
        if not all(state == ONLINE for state, _ in self.devices.values()):
            self.devices = {device: (ONLINE, until) for device, (_, until) in self.devices.items()}
