"""Figures of a gateway for Prometheus, in a registry of their own.

Gauges are read from the gateway when somebody asks; only the lag of publications is counted as it happens. No figure
names a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hybridge.presence.gateway import Gateway

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LAGS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """The figures of ``gateway``; ``text`` is what /metrics answers."""

    def __init__(self, gateway: Gateway) -> None:
        self._registry = CollectorRegistry()
        self._lag = Histogram(
            "hybridge_presence_publish_lag_seconds",
            "From the decision to its publication.",
            ["sink"],
            buckets=LAGS,
            registry=self._registry,
        )
        self._registry.register(_OfGateway(gateway))
        gateway.on_lag = self.lagged

    def lagged(self, sink: str, seconds: float) -> None:
        """A sink showed a decision this long after it was made."""
        self._lag.labels(sink).observe(max(0.0, seconds))

    def text(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self._registry)


class _OfGateway(Collector):
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """Every figure, as it is now."""
        yield from self._people()
        yield from self._sources()
        yield from self._sinks()
        yield from self._itself()

    def _people(self) -> Iterator[Metric]:
        states = Counter(
            str(known.published.state) if known.published else "none" for known in self._gateway.roster.known.values()
        )
        people = GaugeMetricFamily("hybridge_presence_people", "People by decided state.", labels=["state"])
        for state, count in sorted(states.items()):
            people.add_metric([state], count)
        yield people

    def _sources(self) -> Iterator[Metric]:
        now = self._gateway.clock.now()
        age = GaugeMetricFamily(
            "hybridge_presence_sweep_age_seconds", "Since a calendar was last read.", labels=["source"]
        )
        well = GaugeMetricFamily(
            "hybridge_presence_server_up", "1 where a server of a source is well.", labels=["source", "server"]
        )
        figure = GaugeMetricFamily(
            "hybridge_presence_server_figure", "What a source counts.", labels=["source", "server", "figure"]
        )
        restarts = CounterMetricFamily(
            "hybridge_presence_source_restarts", "Sources made again after a crash.", labels=["source"]
        )
        for name, source in self._gateway.sources.items():
            if source.last_read_at is not None:
                age.add_metric([name], (now - source.last_read_at).total_seconds())
            restarts.add_metric([name], source.restarts)
            for health in source.health():
                well.add_metric([name, health.place], 0.0 if health.trouble else 1.0)
                for key, value in health.figures.items():
                    figure.add_metric([name, health.place, key], value)
        yield from (age, well, figure, restarts)

    def _sinks(self) -> Iterator[Metric]:
        gauges = {
            word: GaugeMetricFamily(f"hybridge_presence_outbox_{word}", says, labels=["sink"])
            for word, says in (
                ("people", "People the sink has heard of."),
                ("pending", "People whose state waits to be sent."),
                ("lag", "Seconds the oldest unsent change waits."),
            )
        }
        counters = {
            word: CounterMetricFamily(f"hybridge_presence_outbox_{word}", says, labels=["sink"])
            for word, says in (
                ("published", "States published that were not shown before."),
                ("refreshed", "States told again before they expired."),
                ("retried", "States tried again."),
                ("refused", "States the sink refused."),
                ("late", "States that expired before they were told again."),
            )
        }
        breaker = GaugeMetricFamily(
            "hybridge_presence_sink_up", "1 unless the whole sink is out of reach.", labels=["sink"]
        )
        for name, sink in self._gateway.sinks.items():
            figures = sink.figures()
            for word, gauge in gauges.items():
                gauge.add_metric([name], float(getattr(figures, word)))
            for word, counter in counters.items():
                counter.add_metric([name], float(getattr(figures, word)))
            breaker.add_metric([name], 0.0 if sink.trouble or sink.defect else 1.0)
        yield from (*gauges.values(), *counters.values(), breaker)

    def _itself(self) -> Iterator[Metric]:
        gateway = self._gateway
        for name, says, value in (
            ("state_file_up", "1 while the state file can be written.", 0.0 if gateway.store.trouble else 1.0),
            ("state_file_pending", "Rows that are not on disk yet.", float(gateway.store.pending)),
            ("clock_jumps", "How often the clock ran away.", float(gateway.jumps)),
            ("defects", "Events a defect kept from being decided.", float(gateway.roster.defects)),
            ("leader", "1 while the gateway holds its lease.", 0.0 if gateway.lost.is_set() else 1.0),
        ):
            yield GaugeMetricFamily(f"hybridge_presence_{name}", says, value=value)
