"""How often: a token bucket per user, or per address before login (client-server API, "Rate limiting").

A bucket is one float, the moment at which it would be full again; a full bucket is the same as none, so what is forgotten first costs nothing.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import ceil

from config.rate_limits import RateLimit, RateLimits
from homeserver.clock import Clock
from homeserver.errors import LimitExceeded
from homeserver.web.endpoint import Caller, Rate

_IPV6_SITE_BITS = 64


class Bucket:
    """One kind of limit for many keys, in bounded memory."""

    __slots__ = ("_full_at", "_most", "_per_token", "_room")

    def __init__(self, limit: RateLimit, most: int) -> None:
        self._per_token = 1.0 / limit.per_second if limit.per_second > 0 else 0.0
        self._room = self._per_token * max(limit.burst, 1)
        self._full_at: dict[str, float] = {}
        self._most = most

    def wait(self, key: str, now: float, tokens: float = 1.0) -> float:
        """Take that many tokens and return 0, or take none and return the seconds until they are there."""
        full_at = max(self._full_at.get(key, 0.0), now) + self._per_token * tokens
        missing = full_at - now - self._room
        if missing > 1e-9:
            return missing
        if len(self._full_at) >= self._most and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = full_at
        return 0.0

    def left(self, key: str, now: float) -> float:
        """0 when a token is there, else the seconds until one is; takes none."""
        return max(0.0, max(self._full_at.get(key, 0.0), now) + self._per_token - now - self._room)

    def force(self, key: str, now: float) -> None:
        """Take a token even when none is there, up to one beyond the burst."""
        if self.wait(key, now) > 0:
            self._full_at[key] = now + self._room

    def _forget(self, now: float) -> None:
        """Drop what is full again; if that is too little, the eldest quarter."""
        for key in [key for key, full_at in self._full_at.items() if full_at <= now]:
            del self._full_at[key]
        if len(self._full_at) >= self._most:
            for key in list(self._full_at)[: max(self._most // 4, 1)]:
                del self._full_at[key]

    def __len__(self) -> int:
        return len(self._full_at)


class RateLimiter:
    """The buckets of all declared rates."""

    def __init__(self, limits: RateLimits, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[Rate, Bucket] = {}
        for rate in Rate:
            limit = getattr(limits, rate.value, None)
            if limits.enabled and isinstance(limit, RateLimit) and limit.per_second > 0:
                self._buckets[rate] = Bucket(limit, limits.max_tracked)

    def bucket(self, rate: Rate) -> Bucket | None:
        """None when nothing limits that rate."""
        return self._buckets.get(rate)

    def take(self, bucket: Bucket, caller: Caller | None, address: str) -> None:
        """Raises LimitExceeded when the caller, or the address where there is none, has used up the bucket."""
        if caller is not None and caller.unlimited:
            return
        key = caller.user_id if caller is not None else normalise_address(address)
        _refuse_if(bucket.wait(key, self._clock.monotonic()))

    def charge(self, rate: Rate, caller: Caller | None, address: str) -> None:
        """As `take`, of a rate that may have no limit."""
        bucket = self._buckets.get(rate)
        if bucket is not None:
            self.take(bucket, caller, address)


class FailedLogins:
    """Wrong passwords, counted per account and per address. Ask `check` before the password is looked at, tell `failed` after."""

    def __init__(self, limits: RateLimits, clock: Clock) -> None:
        self._clock = clock
        self._accounts = Bucket(limits.failed_login_account, limits.max_tracked)
        self._addresses = Bucket(limits.failed_login_address, limits.max_tracked)

    def check(self, account: str, address: str) -> None:
        """Raises LimitExceeded when one failure more is not allowed now; the account need not exist."""
        now = self._clock.monotonic()
        _refuse_if(max(self._accounts.left(account, now), self._addresses.left(normalise_address(address), now)))

    def failed(self, account: str, address: str) -> None:
        now = self._clock.monotonic()
        self._accounts.force(account, now)
        self._addresses.force(normalise_address(address), now)


class LetterLimit:
    """Letters that strangers had sent to one e-mail address."""

    def __init__(self, limits: RateLimits, clock: Clock) -> None:
        self._clock = clock
        self._addresses = Bucket(limits.mail_address, limits.max_tracked)

    def take(self, address: str) -> None:
        """Raises LimitExceeded when too many letters went to this address lately."""
        _refuse_if(self._addresses.wait(address, self._clock.monotonic()))


def _refuse_if(seconds: float) -> None:
    if seconds > 0:
        raise LimitExceeded(retry_after_ms=max(1, ceil(seconds * 1000)))


def normalise_address(address: str) -> str:
    """What counts as one source: an IPv4 address (also when mapped into IPv6), or the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, _IPV6_SITE_BITS), strict=False).network_address)


class TrustedProxies:
    """Whose X-Forwarded-For is believed: the client is the last address that is not one of ours."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)

    def client(self, address: str, forwarded_for: str | None) -> str:
        """The address that counts, given the one that connected ("" for a unix socket) and the header."""
        if forwarded_for is None or not (address == "" or self._trusts(address)):
            return address
        for hop in reversed(forwarded_for.split(",")):
            hop = hop.strip()
            try:
                ip_address(hop)
            except ValueError:
                return address
            address = hop
            if not self._trusts(hop):
                break
        return address
