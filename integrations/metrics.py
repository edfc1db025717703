"""What operators watch, as Prometheus metrics; several processes share PROMETHEUS_MULTIPROC_DIR, set before import."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PrometheusMeter:
    """Counts in a registry of its own; safe to share between threads."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._stages = {
            "retrieval": Histogram(
                "advisor_retrieval_seconds", "Time of one retrieval.", buckets=_SECONDS, registry=registry
            ),
            "first_block": Histogram(
                "advisor_first_block_seconds",
                "Time from question to first block.",
                buckets=_SECONDS,
                registry=registry,
            ),
        }
        self._events = {
            "answer": Counter(
                "advisor_answers_total",
                "Answers by outcome; declined are abstentions.",
                ["outcome"],
                registry=registry,
            ),
            "dropped": Counter(
                "advisor_sentences_dropped_total",
                "Sentences that verification kept from the reader, by reason.",
                ["reason"],
                registry=registry,
            ),
            "slack": Counter(
                "advisor_slack_deliveries_total", "Messages for Slack, by result.", ["result"], registry=registry
            ),
        }
        self._requests = Counter(
            "advisor_http_requests_total", "Requests.", ["method", "route", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "advisor_http_request_seconds",
            "Time until a response began.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.open_asks = Gauge(
            "advisor_open_asks",
            "Questions being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def time(self, stage: str, seconds: float) -> None:
        """Note how long a stage took."""
        self._stages[stage].observe(seconds)

    def count(self, event: str, kind: str, by: int = 1) -> None:
        """Count what happened."""
        self._events[event].labels(kind).inc(by)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note a request, by the template of its path."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def render(self) -> bytes:
        """Return the metrics of all processes in Prometheus' text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
