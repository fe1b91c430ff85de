"""Section `rate_limits`: how often one user (or one address, before login) may do each kind of thing.

A field per name of `homeserver.web.endpoint.Rate`: `per_second` is the lasting rate, `burst` what may come at once. A `per_second` of 0 lifts it.
"""

from typing import Annotated, NamedTuple


class RateLimit(NamedTuple):
    per_second: Annotated[float, {"minimum": 0}]
    burst: Annotated[int, {"minimum": 1}]


class RateLimits(NamedTuple):
    enabled: bool = True  # False lifts all but the limit on failed logins
    read: RateLimit = RateLimit(50.0, 200)
    write: RateLimit = RateLimit(10.0, 50)
    message: RateLimit = RateLimit(10.0, 100)
    join: RateLimit = RateLimit(0.5, 20)
    invite: RateLimit = RateLimit(0.5, 20)
    create_room: RateLimit = RateLimit(0.2, 10)
    register: RateLimit = RateLimit(0.2, 10)
    login: RateLimit = RateLimit(0.5, 20)
    report: RateLimit = RateLimit(0.1, 10)
    sync: RateLimit = RateLimit(10.0, 50)
    failed_login_account: RateLimit = RateLimit(0.05, 5)  # wrong passwords for one account, from wherever
    failed_login_address: RateLimit = RateLimit(0.1, 15)  # wrong passwords from one address, for whatever account
    mail_address: RateLimit = RateLimit(0.002, 5)  # letters to one address that somebody asked for without having proven that it is his
    max_tracked: Annotated[int, {"minimum": 1}] = 100_000  # users and addresses remembered per kind
