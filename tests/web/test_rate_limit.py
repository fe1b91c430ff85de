"""Token buckets, addresses, proxies, failed logins."""

import pytest

from config.rate_limits import RateLimit, RateLimits
from homeserver.errors import LimitExceeded
from homeserver.web.endpoint import Caller, Rate
from homeserver.web.rate_limit import Bucket, FailedLogins, RateLimiter, TrustedProxies, normalise_address
from tests.support.clock import FakeClock


def test_a_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    bucket = Bucket(RateLimit(2.0, 3), 100)
    assert [bucket.wait("a", 10.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.wait("b", 10.0) == 0
    assert bucket.wait("a", 10.5) == 0
    assert bucket.wait("a", 10.5) == 0.5
    assert [bucket.wait("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_bucket_forgets_what_is_full_and_stays_small() -> None:
    bucket = Bucket(RateLimit(1.0, 1), 10)
    for number in range(10):
        bucket.wait(str(number), 0.0)
    bucket.wait("late", 5.0)
    assert len(bucket) == 1
    for number in range(1000):
        bucket.wait(str(number), 5.0)
    assert len(bucket) <= 10
    assert bucket.wait("999", 5.0) > 0


def test_users_pay_for_themselves_and_strangers_for_their_address() -> None:
    clock = FakeClock()
    limiter = RateLimiter(RateLimits(read=RateLimit(1.0, 1), write=RateLimit(0, 0)), clock)
    bucket = limiter.bucket(Rate.READ)
    assert bucket is not None
    assert limiter.bucket(Rate.WRITE) is None
    assert limiter.bucket(Rate.NONE) is None
    alice = Caller("@alice:a", "D", 1)
    limiter.take(bucket, alice, "192.0.2.1")
    limiter.take(bucket, Caller("@bob:a", "D", 2), "192.0.2.1")
    limiter.take(bucket, None, "192.0.2.1")
    with pytest.raises(LimitExceeded) as refused:
        limiter.take(bucket, alice, "192.0.2.2")
    assert refused.value.fields == {"retry_after_ms": 1000}
    with pytest.raises(LimitExceeded):
        limiter.take(bucket, None, "::ffff:192.0.2.1")
    for _ in range(10):
        limiter.take(bucket, Caller("@bridge:a", None, 0, appservice="b", unlimited=True), "192.0.2.2")
    clock.advance(1)
    limiter.take(bucket, alice, "192.0.2.2")


def test_addresses() -> None:
    assert normalise_address("192.0.2.1") == "192.0.2.1"
    assert normalise_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert normalise_address("2001:db8:1:2:3:4:5:6") == normalise_address("2001:DB8:1:2::9%eth0") == "2001:db8:1:2::"
    assert normalise_address("2001:db8:1:3::") != normalise_address("2001:db8:1:2::")
    assert normalise_address("") == ""


def test_failed_logins_count_per_account_and_per_address() -> None:
    clock = FakeClock()
    limits = RateLimits(failed_login_account=RateLimit(0.1, 3), failed_login_address=RateLimit(0.1, 5), enabled=False)
    logins = FailedLogins(limits, clock)
    for number in range(3):
        logins.check("@alice:a", f"192.0.2.{number}")
        logins.failed("@alice:a", f"192.0.2.{number}")
    with pytest.raises(LimitExceeded):
        logins.check("@alice:a", "192.0.2.99")
    logins.check("@bob:a", "192.0.2.0")
    for number in range(4):
        logins.failed(f"@user{number}:a", "192.0.2.0")
    with pytest.raises(LimitExceeded):
        logins.check("@carol:a", "192.0.2.0")
    for _ in range(100):
        logins.failed("@alice:a", "192.0.2.50")  # parallel tries that were let in before: no debt beyond the burst
    clock.advance(10.1)
    logins.check("@alice:a", "192.0.2.99")


def test_proxies() -> None:
    proxies = TrustedProxies(["10.0.0.0/8", "::1"])
    assert proxies.client("192.0.2.1", "198.51.100.1") == "192.0.2.1"
    assert proxies.client("10.1.1.1", None) == "10.1.1.1"
    assert proxies.client("10.1.1.1", "6.6.6.6, 198.51.100.1, 10.2.2.2") == "198.51.100.1"
    assert proxies.client("::ffff:10.1.1.1", "198.51.100.1") == "198.51.100.1"
    assert proxies.client("::1", "2001:db8::1") == "2001:db8::1"
    assert TrustedProxies([]).client("", "198.51.100.1") == "198.51.100.1"  # a unix socket: whoever reaches it is the proxy
    assert proxies.client("10.1.1.1", "unknown") == "10.1.1.1"
