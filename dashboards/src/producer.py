"""Producer: the prober as a producer like any other, timed and counted at the client."""

import frame
from frame import BROKERS, PRODUCER, PROBE
from panels import GREEN, ORANGE, RED, Column, Query, chart, grid, heat, link, number
from queries import BY_BROKER, BY_PROBE, BY_PROBE_BROKER, buckets, by, client, mean, probe, probe_broker, quantile, rate, share

LEGEND = "{{kafka_cluster}} {{probe}} broker {{broker}}"
CLIENT = "{{kafka_cluster}} broker {{broker}}"
TO_BROKER = link("Broker health", BROKERS, "kafka_cluster", "broker")
TO_PROBE = link("Probe detail", PROBE, "kafka_cluster", "probe", "broker")
PRODUCE = "produce_latency_seconds"


def rates(board) -> None:
    frame.add(
        board, "Rate",
        number("Records sent", "Records due, per second: the schedule does not wait for Kafka.", "cps", Query(f"sum({rate(probe_broker('records_due_total'))})")),
        number("Bytes sent", "Bytes that the clients wrote, requests of all kinds.", "Bps", Query(f"sum({rate(client('client_written_bytes_total'))})")),
        number("Acknowledged p95", "From the start of the write to the acknowledgement, worst broker.", "s",
               Query(f"max({quantile(0.95, probe_broker, PRODUCE, BY_PROBE_BROKER)})"), (None, GREEN), (0.1, ORANGE), (0.5, RED)),
        number("Not delivered", "Share of records refused, timed out or lost.", "percentunit",
               Query(share(f"sum({rate(NOT_DELIVERED)})", f"sum({rate(JUDGED)})")), (None, GREEN), (0.001, ORANGE), (0.01, RED), decimals=2),
        number("Records in flight", "Records due and not judged.", "short", Query(f"sum({probe_broker('records_in_flight')})")),
        number("Connections", "Open connections of all clients of the prober.", "short", Query(f"sum({client('client_connections')})")),
        chart("Records by broker", "Records due by the broker that leads their partition.", "cps",
              Query(by("sum", BY_PROBE_BROKER, rate(probe_broker("records_due_total"))), LEGEND), links=(TO_PROBE,)),
        chart("Bytes by broker", "Bytes that the clients wrote to each broker, without TLS.", "Bps",
              Query(by("sum", BY_BROKER, rate(client("client_written_bytes_total"))), CLIENT), links=(TO_BROKER,)),
        grid("Settings", "Size, interval and timeout of each probe, from its configuration; the interval as stretched by the rate limit.",
             Query(by("max", BY_PROBE, probe("record_size_bytes"))), Query(by("max", BY_PROBE, probe("probe_interval_seconds"))), Query(by("max", BY_PROBE, probe("probe_timeout_seconds"))),
             labels={"kafka_cluster": "Cluster", "listener": "Listener", "probe": "Probe"},
             columns=[Column("Record size", "bytes"), Column("Interval", "s"), Column("Timeout", "s")], width=8),
    )


def latency(board) -> None:
    frame.add(
        board, "Latency",
        chart("Acknowledgement by broker, p50 p95 p99", "From the start of the write to the acknowledgement.", "s",
              *(Query(quantile(q, probe_broker, PRODUCE, BY_PROBE_BROKER), f"{LEGEND} p{q * 100:.0f}", exemplars=q == 0.99) for q in (0.5, 0.95, 0.99)), width=12, links=(TO_BROKER,)),
        heat("Acknowledgement, all records", "Where the acknowledgements lie.", "s", buckets(probe_broker, PRODUCE)),
        chart("Queue in the client, p95", "From handed to the client library to the start of the write: connections being opened, or requests in flight.", "s",
              Query(quantile(0.95, probe, "client_queue_seconds", BY_PROBE), "{{kafka_cluster}} {{probe}}"), empty="native"),
        chart("Queue in the client, mean", "The mean of the same, which needs no native histograms.", "s", Query(mean(probe, "client_queue_seconds", BY_PROBE), "{{kafka_cluster}} {{probe}}")),
        chart("Schedule lag, p99", "From due to handed over: the prober's own lateness.", "s",
              Query(quantile(0.99, probe, "schedule_lag_seconds", BY_PROBE), "{{kafka_cluster}} {{probe}}"), empty="native"),
    )


def errors(board) -> None:
    frame.add(
        board, "Errors and limits",
        chart("Errors by code", "Records refused or timed out, by Kafka's or the connection's name for why.", "cps",
              Query(by("sum", (*BY_PROBE_BROKER, "reason"), rate(probe_broker("failures_total"))), LEGEND + " {{reason}}"), empty="healthy", links=(TO_PROBE,)),
        chart("Throttled", "Share of time for which each broker throttled the clients: a quota is too low.", "percentunit",
              Query(by("sum", BY_BROKER, rate(client("client_throttled_seconds_total"))), CLIENT), links=(TO_BROKER,)),
        chart("In flight by broker", "Records due and not judged. It grows at once where a broker hangs.", "short",
              Query(by("sum", BY_PROBE_BROKER, probe_broker("records_in_flight")), LEGEND), links=(TO_PROBE,)),
        chart("Connections opened", "Connections opened and answered; many mean that something closes them.", "cps",
              Query(by("sum", BY_BROKER, rate(client("client_connects_total"))), CLIENT), links=(TO_BROKER,)),
        chart("Connections refused", "Connections that could not be opened or failed their first exchange, by why.", "cps",
              Query(by("sum", (*BY_BROKER, "reason"), rate(client("client_connect_errors_total"))), CLIENT + " {{reason}}"), links=(TO_BROKER,), empty="healthy"),
        chart("Open connections", "Open connections of the prober's clients.", "short", Query(by("sum", BY_BROKER, client("client_connections")), CLIENT)),
    )


NOT_DELIVERED = probe_broker("records_total", 'outcome=~"failed|timeout|lost"')
JUDGED = probe_broker("records_total", 'outcome!="skipped"')


def build():
    board = frame.new(PRODUCER, "Kafka prober / Producer", "The prober as a producer like any other: rate, latency until the acknowledgement, errors, limits.",
                      "listener", "probe", "broker", time="now-1h")
    for part in (rates, latency, errors):
        part(board)
    return board
