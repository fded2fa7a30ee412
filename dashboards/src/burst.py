"""Burst runs: what the cluster can take, run after run."""

import frame
from frame import BROKERS, BURST, PROBE
from overview import E2E
from panels import GREEN, OK, ORANGE, RED, Column, Query, bars, chart, grid, heat, limit, link, number, states
from queries import BY_PROBE, BY_PROBE_BROKER, broker, buckets, by, client, cluster, probe, probe_broker, quantile, rate

LEGEND = "{{kafka_cluster}} {{probe}} broker {{broker}}"
TO_BROKER = link("Broker health", BROKERS, "kafka_cluster", "broker")


def last(name: str) -> str:
    return by("max", BY_PROBE_BROKER, probe_broker("burst_last_run_" + name))


def earlier(name: str) -> str:
    """Mean of the runs of the day that ended an hour ago."""
    return by("avg", BY_PROBE_BROKER, f"avg_over_time({probe_broker('burst_last_run_' + name)}[1d] offset 1h)")


def latest(board) -> None:
    frame.add(
        board, "Latest runs",
        number("Records per second", "What all brokers together took in their latest bursts.", "cps", Query(f"sum({last('records_per_second')})"), empty="burst"),
        number("Bytes per second", "The same in bytes of values.", "Bps", Query(f"sum({last('bytes_per_second')})"), empty="burst"),
        number("Runs that failed", "Brokers whose latest burst was not delivered whole.", "short",
               Query(f"sum({by('min', BY_PROBE_BROKER, probe_broker('burst_last_run_success'))} == bool 0)"), (None, GREEN), (1, RED), empty="burst"),
        number("Longest ago", "Age of the oldest latest burst; above two intervals one is overdue.", "s", Query(f"max(time() - {last('timestamp_seconds')})"), empty="burst"),
        number("Interval", "Time between two bursts of a broker.", "s", Query(f"max({by('max', BY_PROBE, probe('probe_interval_seconds'))})"), empty="burst"),
        number("Running now", "Bursts above 10 MB/s that run now; smaller ones disturb nothing and don't count.", "short",
               Query(f"sum({by('max', BY_PROBE, probe('burst_running'))})"), (None, GREEN), (1, ORANGE), empty="burst"),
        grid("Latest run of each broker", "One row a broker. Against the day: throughput over its mean of the day that ended an hour ago.",
             Query(last("records_per_second")), Query(last("bytes_per_second")), Query(last("seconds")), Query(last("success")),
             Query(last("timestamp_seconds") + " * 1000"), Query(f"{last('bytes_per_second')} / ({earlier('bytes_per_second')} > 0)"),
             labels={"kafka_cluster": "Cluster", "listener": "Listener", "probe": "Probe", "broker": "Broker"},
             columns=[Column("Records/s", "cps"), Column("Bytes/s", "Bps"), Column("Took", "s"), Column("Success", "bool", [(None, RED), (1, GREEN)]),
                      Column("Ended", "dateTimeFromNow"), Column("Against the day", "percentunit", [(None, RED), (0.8, ORANGE), (0.9, GREEN)])], empty="partly history"),
    )


def trend(board) -> None:
    frame.add(
        board, "Throughput, run after run",
        chart("Throughput by broker", "Each step is a run.", "Bps", Query(last("bytes_per_second"), LEGEND), width=12, empty="burst", links=(TO_BROKER,)),
        chart("Throughput against the day before", "1 is what the broker did on average in the day that ended an hour ago; below 0.8 it has lost a fifth.", "percentunit",
              Query(f"{last('bytes_per_second')} / ({earlier('bytes_per_second')} > 0)", LEGEND), width=12, empty="history", links=(TO_BROKER,)),
        chart("Duration", "From a burst's first record due to its last one judged.", "s", Query(last("seconds"), LEGEND), empty="burst"),
        bars("Throughput now", "Latest run of each broker.", "Bps", Query(last("bytes_per_second"), LEGEND), empty="burst"),
        states("Success", "Whether each run was delivered whole.", Query(by("min", BY_PROBE_BROKER, probe_broker("burst_last_run_success")), LEGEND), meaning=OK, width=8, empty="burst"),
    )


def records(board) -> None:
    frame.add(
        board, "Records of the bursts",
        chart("End-to-end latency", "From due to read back, of the records of bursts: how latency holds under load.", "s",
              *(Query(quantile(q, probe, E2E, BY_PROBE, window="[5m]"), f"{{{{kafka_cluster}}}} {{{{probe}}}} p{q * 100:g}") for q in (0.5, 0.95, 0.99, 0.999)),
              width=12, empty="native", links=(link("Probe detail", PROBE, "kafka_cluster", "probe"),)),
        heat("All records of bursts", "Where the records lie.", "s", buckets(probe_broker, E2E), empty="native"),
        chart("Outcomes", "What became of the records of bursts.", "cps", Query(by("sum", (*BY_PROBE, "outcome"), rate(probe_broker("records_total"))), "{{kafka_cluster}} {{probe}} {{outcome}}"),
              stacked=True, empty="burst"),
        chart("Lost or corrupt", "Records acknowledged and not in the log, and records read back with changed bytes.", "short",
              Query(by("sum", BY_PROBE_BROKER, f"increase({probe_broker('acknowledged_lost_total')}[$__rate_interval])"), LEGEND + " lost"),
              Query(by("sum", BY_PROBE_BROKER, f"increase({probe_broker('records_corrupt_total')}[$__rate_interval])"), LEGEND + " corrupt"), empty="burst"),
        chart("Why records failed", "By the last error named.", "cps",
              Query(by("sum", (*BY_PROBE_BROKER, "reason"), rate(probe_broker("failures_total"))), LEGEND + " {{reason}}"), empty="healthy"),
    )


def around(board) -> None:
    bursts = by("max", BY_PROBE, cluster("burst_running"))
    p95 = f"{quantile(0.95, client, E2E, BY_PROBE)} unless on (kafka_cluster, listener, probe) {bursts}"
    frame.add(
        board, "Around the bursts",
        chart("Latency of the other probes", "p95 of the steady probes in the same time: bursts must not disturb it, nor the clients that it stands for.", "s",
              Query(p95, "{{kafka_cluster}} {{probe}}"), limit(by("max", (*BY_PROBE, "topic", "severity"), cluster("threshold_seconds", 'signal="end_to_end"'))), width=12),
        chart("Bytes in", "What each broker takes in as a leader, bursts included.", "Bps",
              Query(by("max", ("kafka_cluster", "broker"), rate(broker("leader_bytes_total"))), "{{kafka_cluster}} broker {{broker}}"), width=12, empty="kafka", links=(TO_BROKER,)),
        chart("Bursts above 10 MB/s", "While one runs, load alerts are muted.", "short", Query(by("max", BY_PROBE, probe("burst_running")), "{{kafka_cluster}} {{probe}}"), width=12, empty="burst"),
        chart("Bytes of the prober itself", "What the prober's clients send each broker: bursts are most of it.", "Bps",
              Query(by("sum", ("kafka_cluster", "broker"), rate(broker("client_written_bytes_total"))), "{{kafka_cluster}} broker {{broker}}"), width=12),
    )


def build():
    board = frame.new(BURST, "Kafka prober / Burst runs", "What the cluster can take: throughput and latency of bursts, run after run, and what they do to others.",
                      "listener", "burst", "broker", time="now-24h")
    for part in (latest, trend, records, around):
        part(board)
    return board
