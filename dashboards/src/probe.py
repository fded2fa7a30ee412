"""Probe detail: where in a record's way the time goes, and what goes wrong there."""

import frame
from frame import BROKERS, PROBE
from overview import E2E, SLO, BUDGET, thresholds
from panels import GREEN, OK, ORANGE, RED, Column, Query, chart, grid, heat, limit, link, number, states
from queries import (BY_PROBE, BY_PROBE_BROKER, buckets, by, increase, mean, probe, probe_broker, quantile, rate, share)

BROKER_LEGEND = "{{kafka_cluster}} {{probe}} broker {{broker}}"
TO_BROKER = link("Broker health", BROKERS, "kafka_cluster", "broker")


def summary(board) -> None:
    frame.add(
        board, "State",
        number("Records due", "Records that were due, per second.", "cps", Query(f"sum({rate(probe_broker('records_due_total'))})")),
        number("In flight", "Records that are due and not yet judged.", "short", Query(f"sum({probe_broker('records_in_flight')})")),
        number("Oldest outstanding", "Age of the oldest record that is due and not judged.", "s",
               Query(f"max({probe_broker('oldest_outstanding_seconds')})"), (None, GREEN), (1, ORANGE), (5, RED)),
        number("Not covered", "Brokers that lead no partition that is probed: nothing is known of them by this way.", "short",
               Query(f"sum({by('max', BY_PROBE_BROKER, probe_broker('broker_covered'))} == bool 0)"), (None, GREEN), (1, ORANGE)),
        number("Lost in the range", "Records that Kafka acknowledged and that are not in its log.", "short",
               Query(f"sum({increase(probe_broker('acknowledged_lost_total'), '[$__range]')})"), (None, GREEN), (1, RED), decimals=0, course=False),
        number("Loops stand still", "Time since the loop that is furthest behind last got round: above some intervals the prober hangs, whatever its page says.", "s",
               Query(f"max(time() - {probe('loop_last_progress_timestamp_seconds')})"), (None, GREEN), (60, ORANGE), (300, RED)),
        grid("Configuration", "What each prober does, as it says itself. Instances that differ are a rollout that has not ended.",
             Query(by("max", ("instance", *BY_PROBE), probe("probe_interval_seconds"))),
             Query(by("max", ("instance", *BY_PROBE), probe("probe_timeout_seconds"))),
             Query(by("max", ("instance", *BY_PROBE), probe("record_size_bytes"))),
             Query(by("max", ("instance", *BY_PROBE), probe("self_overloaded"))),
             labels={"instance": "Instance", "kafka_cluster": "Cluster", "listener": "Listener", "probe": "Probe"},
             columns=[Column("Interval", "s"), Column("Timeout", "s"), Column("Size", "bytes"), Column("Overloaded", "short", [(None, GREEN), (1, RED)])], height=6),
    )


def legs(board) -> None:
    """Means are stacked because only means add up."""
    frame.add(
        board, "Where the time goes",
        chart("Mean of each leg", "What a record's time is made of. Schedule lag and client queue are this process; produce is the broker and its followers until the "
              "acknowledgement; read back is what reading took beyond that. Means, as only means add up.", "s",
              Query(mean(probe, "schedule_lag_seconds", BY_PROBE), "{{kafka_cluster}} {{probe}} 1 schedule lag"),
              Query(mean(probe, "client_queue_seconds", BY_PROBE), "{{kafka_cluster}} {{probe}} 2 client queue"),
              Query(mean(probe, "produce_latency_seconds", BY_PROBE), "{{kafka_cluster}} {{probe}} 3 produce"),
              Query(mean(probe, "ack_read_gap_seconds", BY_PROBE, 'order="ack_first"'), "{{kafka_cluster}} {{probe}} 4 read back"), width=12, stacked=True),
        chart("p95 of each leg", "The tail of each leg. They don't add up; the one that rises with the end-to-end p95 is where to look.", "s",
              *(Query(quantile(0.95, probe, name, BY_PROBE, match), "{{kafka_cluster}} {{probe}} " + leg) for leg, name, match in (
                  ("schedule lag", "schedule_lag_seconds", ""), ("client queue", "client_queue_seconds", ""), ("produce", "produce_latency_seconds", ""),
                  ("read after the acknowledgement", "ack_read_gap_seconds", 'order="ack_first"'),
                  ("acknowledged after reading", "ack_read_gap_seconds", 'order="read_first"'))), width=12, empty="native"),
        chart("End-to-end p95 by broker", "By the broker that led the record's partition when it was due.", "s",
              Query(quantile(0.95, probe_broker, E2E, BY_PROBE_BROKER), BROKER_LEGEND, exemplars=True), limit(thresholds("end_to_end")), links=(TO_BROKER,)),
        chart("Produce p95 by broker", "From the start of the write to the acknowledgement.", "s",
              Query(quantile(0.95, probe_broker, "produce_latency_seconds", BY_PROBE_BROKER), BROKER_LEGEND, exemplars=True), links=(TO_BROKER,)),
        chart("End-to-end p95 by prober", "One prober apart from the others is its host or its network.", "s",
              Query(quantile(0.95, probe_broker, E2E, ("instance", *BY_PROBE)), "{{instance}} {{kafka_cluster}} {{probe}}"), limit(thresholds("end_to_end"))),
        heat("End to end", "All records. A ceiling at the timeout are records that never came.", "s", buckets(probe_broker, E2E), width=12),
        heat("Produce", "From the start of the write to the acknowledgement.", "s", buckets(probe_broker, "produce_latency_seconds"), width=12),
        heat("Schedule lag", "The prober's own lateness. If this is not far below the latencies above, they are the prober's.", "s",
             buckets(probe, "schedule_lag_seconds"), empty="native"),
        heat("Read after the acknowledgement", "From the acknowledgement to reading: fetching, and the followers' way to the high watermark.", "s",
             buckets(probe_broker, "ack_read_gap_seconds", 'order="ack_first"'), empty="native"),
    )


def integrity(board) -> None:
    anomalies = (("records_late_total", "late"), ("records_duplicate_total", "duplicate"), ("records_reordered_total", "reordered"),
                 ("records_corrupt_total", "corrupt"), ("records_ghost_total", "ghost"), ("log_rewinds_total", "log rewound"),
                 ("log_unreadable_total", "log unreadable"), ("acknowledged_lost_total", "acknowledged and lost"))
    labels = (*BY_PROBE_BROKER, "outcome")
    frame.add(
        board, "Outcomes and integrity",
        chart("Outcomes by broker", "What became of the records, without those delivered.", "cps",
              Query(by("sum", labels, rate(probe_broker("records_total", 'outcome!="delivered"'))), BROKER_LEGEND + " {{outcome}}"), links=(TO_BROKER,)),
        chart("Why records failed or timed out", "By the last error that Kafka or the connection named.", "cps",
              Query(by("sum", (*BY_PROBE_BROKER, "reason"), rate(probe_broker("failures_total"))), BROKER_LEGEND + " {{reason}}"), empty="healthy", links=(TO_BROKER,)),
        chart("Anomalies", "Late: read after the deadline. Ghost: read although Kafka had refused it. Rewound: the log was truncated below what had been read. All lines at 0 "
              "is right; duplicates and reordering after a broker's crash are Kafka's contract.", "short",
              *(Query(by("sum", BY_PROBE, increase(probe_broker(name))), "{{kafka_cluster}} {{probe}} " + text) for name, text in anomalies)),
        chart("Skipped", "Records that are not judged as the prober itself was stopped, suspended or starting.", "cps",
              Query(by("sum", (*BY_PROBE, "reason"), rate(probe("records_skipped_total"))), "{{kafka_cluster}} {{probe}} {{reason}}"), empty="healthy"),
        chart("Foreign records", "Records in the probe's topic that are another process's, ignored: other probers, or an earlier run of this one.", "cps",
              Query(by("sum", (*BY_PROBE, "reason"), rate(probe("records_foreign_total"))), "{{kafka_cluster}} {{probe}} {{reason}}"), empty="healthy"),
        chart("Clocks", "How far each broker's clock is ahead of the prober's host, between two bounds; only where topics have LogAppendTime.", "s",
              Query(by("max", (*BY_PROBE_BROKER, "bound"), probe_broker("broker_clock_offset_seconds")), BROKER_LEGEND + " {{bound}}"), empty="configured", least=None),
    )


def objectives(board) -> None:
    burn = [share(by("sum", SLO, f"rate({probe('slo_bad_events_total')}[{w}])"), by("sum", SLO, f"rate({probe('slo_events_total')}[{w}])")) for w in ("5m", "1h", "6h")]
    frame.add(
        board, "Service levels",
        *(chart(f"Error budget burn over {w}", "How many times faster than sustainable the budget is spent: 1 uses exactly all of it. The windows are those of the burn-rate alerts.",
                "none", Query(f"{bad} / {BUDGET}", "{{kafka_cluster}} {{probe}} {{slo}}")) for w, bad in zip(("5 min", "1 h", "6 h"), burn)),
    )


def connect(board) -> None:
    phases = (*BY_PROBE, "phase")
    frame.add(
        board, "New connections",
        chart("Mean of each phase", "Name, connection, TLS, version, password and metadata of a new connection, stacked. A phase that failed is not in it.", "s",
              Query(mean(probe_broker, "connect_phase_seconds", phases), "{{kafka_cluster}} {{phase}}"), stacked=True),
        chart("Slowest phase by broker, p95", "The worst phase of each broker, over 5 minutes as there is one attempt in 10 s.", "s",
              Query(f"topk(10, {quantile(0.95, probe_broker, 'connect_phase_seconds', (*BY_PROBE_BROKER, 'phase'), window='[5m]')})",
                    "{{kafka_cluster}} broker {{broker}} {{phase}}"), empty="native", links=(TO_BROKER,)),
        chart("Failed attempts", "Attempts that failed, by phase and reason.", "cps",
              Query(by("sum", (*BY_PROBE_BROKER, "phase", "reason"), rate(probe_broker("connect_failures_total"))), "{{kafka_cluster}} broker {{broker}} {{phase}} {{reason}}"),
              empty="healthy", links=(TO_BROKER,)),
        chart("Attempts", "Attempts by outcome.", "cps",
              Query(by("sum", (*BY_PROBE, "outcome"), rate(probe_broker("connect_attempts_total"))), "{{kafka_cluster}} {{probe}} {{outcome}}"), stacked=True),
        states("Last attempt by prober and broker", "Failed from one prober only is a path; from all of them it is the broker.",
               Query(by("min", ("instance", "kafka_cluster", "broker"), probe_broker("connect_success")), "{{instance}} to {{kafka_cluster}} broker {{broker}}"), meaning=OK, width=16),
        grid("Security agreed on", "What was agreed on with each broker last.",
             Query(by("max", ("kafka_cluster", "listener", "broker", "tls_version", "sasl_mechanism"), probe_broker("connect_security_info"))),
             labels={"kafka_cluster": "Cluster", "listener": "Listener", "broker": "Broker", "tls_version": "TLS", "sasl_mechanism": "SASL"},
             columns=[Column("Agreed", "bool")], width=12, empty="tls"),
        grid("Certificates", "When the first certificate of each broker ends.",
             Query(by("min", ("kafka_cluster", "listener", "broker"), f"{probe_broker('connect_certificate_expiry_timestamp_seconds')} - time()")),
             labels={"kafka_cluster": "Cluster", "listener": "Listener", "broker": "Broker"},
             columns=[Column("Ends in", "s", [(None, RED), (3 * 86400, ORANGE), (21 * 86400, GREEN)])], width=12, empty="tls"),
    )


def flush(board) -> None:
    frame.add(
        board, "Log flush, measured from outside",
        chart("Flush p95 by broker and log directory", "How long a flush to disk takes, over 30 minutes: one sample in 10 s. An upper bound in the tail.", "s",
              Query(quantile(0.95, probe_broker, "log_flush_seconds", (*BY_PROBE_BROKER, "log_dir"), window="[30m]"), "{{kafka_cluster}} broker {{broker}} {{log_dir}}"),
              limit(by("min", ("kafka_cluster", "topic", "severity"), probe_broker("log_flush_threshold_seconds")), "{{kafka_cluster}} topic {{topic}} {{severity}} threshold"),
              empty="flush", links=(TO_BROKER,)),
        chart("Append by the leader alone, p95", "Acknowledged by the leader without waiting for a follower: with this line high the broker itself is slow.", "s",
              Query(quantile(0.95, probe_broker, "log_append_seconds", BY_PROBE_BROKER, window="[30m]"), "{{kafka_cluster}} broker {{broker}}"), empty="native", links=(TO_BROKER,)),
        chart("Appends that failed", "Pairs of records that were not acknowledged, by reason.", "cps",
              Query(by("sum", (*BY_PROBE_BROKER, "reason"), rate(probe_broker("log_append_failures_total"))), "{{kafka_cluster}} broker {{broker}} {{reason}}"),
              empty="healthy", links=(TO_BROKER,)),
    )


def build():
    board = frame.new(PROBE, "Kafka prober / Probe detail", "Where in a record's way the time goes, by leg, broker and prober, and what goes wrong there.",
                      "listener", "probe", "broker", time="now-1h")
    for part in (summary, legs, integrity, objectives, connect, flush):
        part(board)
    return board
