"""The page at `/`, and what Prometheus reads."""

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from homeserver.web.endpoint import Caller
from homeserver.web.metrics import Metrics, MetricsPage
from homeserver.web.pages import Pages
from tests.support.client import Client, dispatch_for, run
from tests.web.test_dispatch import Things


def test_the_page_says_that_it_works() -> None:
    client = Client(dispatch_for(Pages("<chat>.example.org", "https://chat.example.org", "1.0", registration_open=True)))
    reply = run(client.call("GET", "/"))
    page = reply.body.decode()
    assert reply.content_type == "text/html; charset=utf-8"
    for word in ("It works", "&lt;chat&gt;.example.org", "https://chat.example.org", "ChatMe 1.0", "create an account"):
        assert word in page
    assert "<chat>" not in page
    assert "script" not in reply.headers["Content-Security-Policy"]
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert run(client.call("HEAD", "/")).status == 200
    assert run(client.get("/elsewhere")) == (404, {"errcode": "M_UNRECOGNIZED", "error": "Unrecognised request"})


def test_metrics_count_answers_by_endpoint() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    dispatch = dispatch_for(Things(), tokens={"alice": Caller("@alice:a", "D", 1)}, metrics=metrics)
    inside = dispatch_for(MetricsPage(registry), metrics=metrics)  # a listener of its own
    for _ in range(3):
        run(Client(dispatch, "alice").get("/_matrix/client/v3/whoami"))
    run(Client(dispatch).get("/_matrix/client/r0/whoami"))
    run(Client(dispatch).get("/nothing"))
    text = run(Client(inside).call("GET", "/metrics")).body.decode()
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    where = (("endpoint", "/_matrix/client/v3/whoami"), ("method", "GET"))
    assert samples["chatme_http_answers_total", *where, ("status", "200")] == 3
    assert samples["chatme_http_answers_total", *where, ("status", "401")] == 1
    assert samples["chatme_http_answers_total", ("endpoint", "(none)"), ("method", ""), ("status", "404")] == 1
    assert samples["chatme_http_answer_seconds_count", *where] == 4
    assert samples["chatme_http_answer_seconds_bucket", where[0], ("le", "+Inf"), where[1]] == 4
    assert samples["chatme_http_running",] == 1
