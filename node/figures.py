"""Figures: what a running node counts and measures, for whoever watches it (Prometheus).

Decides the names, which are stable and described in docs/reference/metrics.md,
and that they stand in a registry of the node's own, to which parts add theirs.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, generate_latest
from prometheus_client.process_collector import ProcessCollector

from ledger.author import Situation

from .state import State

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that `text` gives."""

NO_HOME: Final = "none"
"""The signing situation while no home is open."""

_WRITE_BUCKETS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
_REQUEST_BUCKETS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Figures:
    """All figures of a node. Observed on any thread, given out on the event loop's."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        info = Info("trueque_build", "What runs.", registry=self.registry)
        info.info(
            {
                "version": version("trueque"),
                "python": platform.python_version(),
            }
        )
        self._entries = self._gauge("trueque_entries", "Entries held, those of all branches.")
        self._logs = self._gauge("trueque_logs", "Logs held.")
        self._forked = self._gauge("trueque_forked_logs", "Logs that were continued in two ways.")
        self._communes = self._gauge("trueque_communes", "Communes known.")
        self._disk = self._gauge("trueque_disk_free_bytes", "Bytes free on the disk that holds the home.")
        self._doubt = self._gauge("trueque_clock_doubtful", "1 if the clock cannot be right, else 0.")
        self._signing = Enum(
            "trueque_signing",
            "Whether this node may sign, and if not, why.",
            states=[NO_HOME, *(situation.value for situation in Situation)],
            registry=self.registry,
        )
        self._writes = Histogram(
            "trueque_store_write_seconds",
            "Seconds that writes to the ledger took, waiting included.",
            ["what"],
            buckets=_WRITE_BUCKETS,
            registry=self.registry,
        )
        self._requests = Counter(
            "trueque_people_requests",
            "Requests to the people's listener.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._answers = Histogram(
            "trueque_people_request_seconds",
            "Seconds until requests to the people's listener were answered.",
            ["route"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)

    def wrote(self, what: str, seconds: float) -> None:
        """A write to the store is done."""
        self._writes.labels(what).observe(seconds)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request of people's is answered; `route` is its pattern, so that there are few."""
        self._requests.labels(method, route, str(status)).inc()
        self._answers.labels(route).observe(seconds)

    def looked(self, state: State) -> None:
        """How things stand now."""
        if state.held is not None:
            self._entries.set(state.held.entries)
            self._logs.set(state.held.logs)
            self._forked.set(state.held.forked)
            self._communes.set(state.held.communes)
        if state.disk is not None:
            self._disk.set(state.disk.free)
        self._doubt.set(state.clock.doubt is not None)
        self._signing.state(NO_HOME if state.situation is None else state.situation.value)

    def text(self) -> bytes:
        """All figures in the text format of Prometheus."""
        return generate_latest(self.registry)
