"""What Prometheus reads at ``/metrics``, counted in a registry of each application's own."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from assistant.answering import Answer

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of requests and answers. No label holds anything a client wrote."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "assistant_requests_total",
            "Requests by route and status; aborted where the client left first.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "assistant_request_seconds",
            "From the request's head to the response's last byte.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._running = Gauge(
            "assistant_requests_running", "Requests being answered now.", registry=self._registry
        )
        tasks = Gauge(
            "assistant_asyncio_tasks", "Tasks of the event loop; one a connection.", registry=self._registry
        )
        tasks.set_function(_tasks)
        self._answers = Counter(
            "assistant_answers_total",
            "Questions by whether the lectures cover them.",
            ("answered",),
            registry=self._registry,
        )
        self._stages = Histogram(
            "assistant_answer_stage_seconds",
            "Time of one answer spent retrieving and reading.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def request_began(self) -> None:
        """A request's head has come."""
        self._running.inc()

    def request_ended(self, method: str, route: str, status: str, seconds: float) -> None:
        """Its response is sent, or its client has left."""
        self._running.dec()
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, answer: Answer) -> None:
        """A question was looked up."""
        self._answers.labels(str(answer.answered).lower()).inc()
        self._stages.labels("retrieve").observe(answer.timing_ms.retrieve / 1000)
        self._stages.labels("read").observe(answer.timing_ms.read / 1000)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


def _tasks() -> float:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # asked outside the event loop
        return 0.0
