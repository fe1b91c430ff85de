"""What the assistant counts of itself, as Prometheus reads it."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest


class Figures:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = make = registry
        self._turns = Counter("chatme_assistant_turns", "Turns, by skill and how they ended", ["skill", "outcome"], registry=make)
        self._refused = Counter("chatme_assistant_refusals", "Refused, by skill and reason", ["skill", "reason"], registry=make)
        self._failures = Counter("chatme_assistant_model_failures", "Calls of the model that failed", ["skill", "kind"], registry=make)
        self._tokens = Counter("chatme_assistant_tokens", "Tokens, by skill and direction", ["skill", "direction"], registry=make)
        self._money = Counter("chatme_assistant_cost", "Money spent on the model, in its unit", ["skill"], registry=make)
        self._seconds = Histogram(
            "chatme_assistant_model_seconds", "How long the model took", ["skill"], registry=make, buckets=(0.1, 0.3, 1, 3, 10, 30, 100)
        )

    def ended(self, skill: str, outcome: str) -> None:
        self._turns.labels(skill, outcome).inc()

    def refused(self, skill: str, reason: str) -> None:
        self._refused.labels(skill, reason).inc()

    def failed(self, skill: str, kind: str) -> None:
        self._failures.labels(skill, kind).inc()

    def asked(self, skill: str, tokens_in: int, tokens_out: int, money: int, seconds: float) -> None:
        self._tokens.labels(skill, "in").inc(tokens_in)
        self._tokens.labels(skill, "out").inc(tokens_out)
        self._money.labels(skill).inc(money / 1_000_000)
        self._seconds.labels(skill).observe(seconds)

    def show(self) -> bytes:
        return generate_latest(self._registry)
