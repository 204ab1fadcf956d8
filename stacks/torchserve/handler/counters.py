"""What the handler counts about itself; TorchServe has no metric of its batches, nor of the parts of its time."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol


class Metric(Protocol):
    """A metric that metrics.yaml declares."""

    def add_or_update(self, value: float, dimension_values: list[str]) -> None:
        """Adds to the series with these values of its dimensions."""
        ...


class Registry(Protocol):
    """The metrics that metrics.yaml declares, by name."""

    def get_metric(self, metric_name: str) -> Metric:
        """One of them; a counter unless said otherwise."""
        ...


class Counters:
    """Counters, since they survive a worker: TorchServe keeps them in its front end, fed by the worker's log."""

    def __init__(self, model: str, registry: Registry) -> None:
        self._model = model
        self._executions = registry.get_metric("stackbench_executions")
        self._requests = registry.get_metric("stackbench_requests")
        self._stages = {
            stage: registry.get_metric(f"stackbench_{stage}_ms") for stage in ("preprocess", "compute", "postprocess")
        }

    def count(self, items: int, transports: Sequence[str], seconds: dict[str, float]) -> None:
        """One execution: its images, its requests, and the parts of its time, all of which each request has waited."""
        self._executions.add_or_update(1, [self._model, str(items)])
        for transport, n in Counter(transports).items():
            self._requests.add_or_update(n, [self._model, transport])
        for stage, metric in self._stages.items():
            metric.add_or_update(round(1000 * seconds[stage] * len(transports), 4), [self._model])
