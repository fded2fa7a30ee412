"""PromQL of the panels: selectors by the dashboards' variables, and histograms as they come.

A Prometheus that scrapes native histograms has no _bucket, _sum and _count, one that does not has nothing
else: every query of a histogram asks for the one or the other.
"""

import re
from typing import Callable

Selector = Callable[..., str]  # of a series' name without prefix, and of further matchers

WINDOW = "[$__rate_interval]"

# Counters that go up once a refresh of their collector, 30 s or a minute, however often they are scraped. Over a
# window as short as that a rate is 0 here and too high there.
STEPPING = re.compile(r"kafka_prober_((broker|leader|topic)_\w+|collector_partial_errors)_total\b")


def step(expr: str) -> str:
    """Least step of a query, four of which are Grafana's least $__rate_interval; "" for that of the data source."""
    return "1m" if STEPPING.search(expr) else ""


def _selector(*variables: str, prefix: str = "kafka_prober_") -> Selector:
    by_variable = [f'{name}=~"${name}"' for name in ("job", "instance", *variables)]

    def select(name: str, match: str = "") -> str:
        return prefix + name + "{" + ", ".join(by_variable + ([match] if match else [])) + "}"

    return select


# What a series is about decides by which variables it is chosen.
process = _selector()
runtime = _selector(prefix="")  # the series that every Go program and every target has
cluster = _selector("kafka_cluster")
broker = _selector("kafka_cluster", "broker")
topic = _selector("kafka_cluster", "topic")
group = _selector("kafka_cluster", "group")
group_topic = _selector("kafka_cluster", "group", "topic")
client = _selector("kafka_cluster", "listener", "broker")  # the prober's Kafka clients, and all probes together
probe = _selector("kafka_cluster", "listener", "probe")
probe_broker = _selector("kafka_cluster", "listener", "probe", "broker")

# Firing alerts of the cluster, and those that can't name one because its prober is gone.
FIRING = 'ALERTS{alertname=~"Kafka.+", alertstate="firing", kafka_cluster=~"|$kafka_cluster"}'

# By what series are told apart in a chart.
BY_PROBE = ("kafka_cluster", "listener", "probe")
BY_PROBE_BROKER = (*BY_PROBE, "broker")
BY_BROKER = ("kafka_cluster", "broker")


def by(aggregation: str, labels: tuple[str, ...], expr: str) -> str:
    """aggregation over all but labels."""
    return f"{aggregation} by ({', '.join(labels)}) ({expr})"


def rate(series: str, window: str = WINDOW) -> str:
    return f"rate({series}{window})"


def increase(series: str, window: str = WINDOW) -> str:
    return f"increase({series}{window})"


# Restricts series to the probes that have a limit for their end-to-end latency: a burst is slower, and may be.
PAGED = " and on (kafka_cluster, listener, probe) " + probe("threshold_seconds", 'signal="end_to_end"')


def quantile(q: float, select: Selector, name: str, labels: tuple[str, ...], match: str = "", window: str = WINDOW, only: str = "") -> str:
    """Quantile q of a histogram; nothing, rather than NaN, where nothing was observed."""
    native = by("sum", labels, rate(select(name, match), window) + only)
    classic = by("sum", (*labels, "le"), rate(select(name + "_bucket", match), window) + only)
    return f"(histogram_quantile({q}, {native}) or histogram_quantile({q}, {classic})) >= 0"


def mean(select: Selector, name: str, labels: tuple[str, ...], match: str = "", window: str = WINDOW) -> str:
    """Mean of a histogram: the only figure of which the parts of a whole add up."""
    native_sum = by("sum", labels, f"histogram_sum({rate(select(name, match), window)})")
    native_count = by("sum", labels, f"histogram_count({rate(select(name, match), window)})")
    classic_sum = by("sum", labels, rate(select(name + "_sum", match), window))
    classic_count = by("sum", labels, rate(select(name + "_count", match), window))
    return f"{native_sum} / ({native_count} > 0) or {classic_sum} / ({classic_count} > 0)"


def buckets(select: Selector, name: str, match: str = "", only: str = "") -> str:
    """Observations of a histogram by bucket, for a heatmap."""
    native = f"sum({increase(select(name, match))}{only})"
    return f"{native} or on () {by('sum', ('le',), increase(select(name + '_bucket', match)) + only)}"


def share(part: str, whole: str) -> str:
    """part of whole, and nothing where there is no whole."""
    return f"{part} / ({whole} > 0)"
