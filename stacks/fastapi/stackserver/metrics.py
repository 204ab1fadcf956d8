"""What the server counts about itself, in Prometheus' text format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ITEMS = (*range(1, 17), 24, 32, 64, 128)


class Metrics:
    """One registry for one server, so that two servers in a process do not share numbers."""

    def __init__(self, model: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._model = model
        self.queue = self._seconds("queue", "Time that a request waited: for a thread, for company, for its turn.")
        self.preprocess = self._seconds("preprocess", "Time to decode or tokenise, per request.")
        self.compute = self._seconds("compute", "Time in the runtime of the execution that a request was a part of.")
        self.postprocess = self._seconds("postprocess", "Time from the end of compute to the answer, per request.")
        self.batch_size = self._histogram("batch_size", "Items per execution.", _ITEMS)
        depth = Gauge("stackbench_queue_depth", "Requests that wait now.", ["model"], registry=self._registry)
        self.queue_depth = depth.labels(model)
        self._requests = Counter(
            "stackbench_requests", "Inference requests by status.", ["model", "code"], registry=self._registry
        )

    def count(self, status: int) -> None:
        """Counts an answered request."""
        self._requests.labels(self._model, str(status)).inc()

    def render(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self._registry)

    def _seconds(self, name: str, text: str) -> Histogram:
        return self._histogram(f"{name}_seconds", text, _SECONDS)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        metric = Histogram(f"stackbench_{name}", text, ["model"], registry=self._registry, buckets=buckets)
        return metric.labels(self._model)
