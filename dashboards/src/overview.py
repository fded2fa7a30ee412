"""Overview: is it Kafka, one broker, one network path, or the prober?"""

import frame
from frame import BROKERS, CONSUMER, OVERVIEW, PROBE
from panels import GREEN, ORANGE, RED, UP, YELLOW, Column, Query, chart, grid, heat, limit, link, matrix, number, states
from queries import (PAGED, BY_BROKER, BY_PROBE, BY_PROBE_BROKER, FIRING, broker, buckets, by, cluster, group_topic, increase, probe,
                     probe_broker, quantile, rate, runtime, share, topic)

SLO = (*BY_PROBE, "slo")
DELIVERED = probe_broker("records_total", 'outcome="delivered"')
JUDGED = probe_broker("records_total", 'outcome!="skipped"')
E2E = "end_to_end_latency_seconds"


def _bad_share(window: str) -> str:
    """Share of bad events over a window that has to be that long to mean something."""
    return share(by("sum", SLO, f"rate({probe('slo_bad_events_total')}[{window}])"), by("sum", SLO, f"rate({probe('slo_events_total')}[{window}])"))


BUDGET = f"(1 - {by('max', SLO, probe('slo_objective_ratio'))})"


def thresholds(signal: str) -> str:
    return by("max", (*BY_PROBE, "topic", "severity"), probe("threshold_seconds", f'signal="{signal}"'))


def verdict(board) -> None:
    any_is_bad = [(None, GREEN), (1, RED)]
    any_is_worth_a_look = [(None, GREEN), (1, ORANGE)]
    frame.add(
        board, "Verdict",
        number("End-to-end p95, worst broker", "The slowest broker's p95 of what a client of the cluster sees. The steps are the default "
               "thresholds of 100 and 500 ms; the lines in the charts below are the configured ones. Bursts have no threshold and are left out.", "s",
               Query(f"max({quantile(0.95, probe_broker, E2E, BY_PROBE_BROKER, only=PAGED)})"), (None, GREEN), (0.1, ORANGE), (0.5, RED)),
        number("Delivered", "Share of the records judged that were read back in time. Records skipped because the prober itself was away are left out.",
               "percentunit", Query(share(f"sum({rate(DELIVERED)})", f"sum({rate(JUDGED)})")),
               (None, RED), (0.99, ORANGE), (0.999, GREEN), decimals=2),
        number("Acknowledged and lost", "Records in the range shown that Kafka acknowledged and that are not in its log: data loss. Anything above 0 is an incident.",
               "short", Query(f"sum({increase(probe_broker('acknowledged_lost_total'), '[$__range]')})"), *any_is_bad, decimals=0, course=False),
        number("Firing alerts", "Firing alerts of these clusters and of their probers.", "short", Query(f"count({FIRING})"),
               (None, GREEN), (1, RED), empty="healthy"),
        number("Brokers down", "Brokers that are registered and do not answer, or are not listed.", "short",
               Query(f"sum({by('max', BY_BROKER, broker('broker_up'))} == bool 0)"), *any_is_bad),
        number("Probers overloaded", "Probes whose own lateness spoils their figures: do not read them as Kafka's.", "short",
               Query(f"sum({by('max', ('instance', *BY_PROBE), probe('self_overloaded'))})"), *any_is_worth_a_look),
        number("Offline partitions", "Partitions without a leader: nobody can read or write them.", "short",
               Query(f"sum({by('max', ('kafka_cluster',), cluster('cluster_offline_partitions'))})"), *any_is_bad),
        number("Under min ISR", "Partitions that refuse acks=all.", "short",
               Query(f"sum({by('max', ('kafka_cluster',), cluster('cluster_under_min_isr_partitions'))})"), *any_is_bad),
        number("Under-replicated", "Partitions with fewer replicas in sync than assigned; those that a reassignment adds are left out.", "short",
               Query(f"sum({by('max', ('kafka_cluster',), cluster('cluster_under_replicated_partitions'))})"), *any_is_worth_a_look),
        number("Active controllers", "Of the clusters shown the one with the fewest: 1 is right, 0 means that nothing can be changed or elected.", "short",
               Query(f"min({by('max', ('kafka_cluster',), cluster('active_controllers'))})"), (None, RED), (1, GREEN), (2, RED), empty="kafka"),
        number("Oldest record outstanding", "Age of the oldest record that is neither read back nor given up. It rises at once when a broker hangs, before any quantile does.",
               "s", Query(f"max({probe_broker('oldest_outstanding_seconds')})"), (None, GREEN), (1, ORANGE), (5, RED)),
        number("Consumer lag, longest", "How far behind the group is that is furthest behind.", "s",
               Query(f"max({group_topic('consumer_group_lag_seconds')})"), (None, GREEN), (300, YELLOW), (3600, ORANGE), empty="kafka"),
        grid("Service levels", "Objective, what was reached in the range shown, how much of the error budget of that range is left, and how many times faster than "
             "sustainable it burns. 14.4 for an hour spends a month's budget in two days.",
             Query(by("max", SLO, probe("slo_objective_ratio"))),
             Query(f"1 - {_bad_share('$__range')}"),
             Query(f"1 - {_bad_share('$__range')} / {BUDGET}"),
             Query(f"{_bad_share('1h')} / {BUDGET}"),
             Query(f"{_bad_share('6h')} / {BUDGET}"),
             labels={"kafka_cluster": "Cluster", "listener": "Listener", "probe": "Probe", "slo": "Objective of"},
             columns=[Column("Objective", "percentunit", decimals=2), Column("Reached", "percentunit", decimals=3),
                      Column("Budget left", "percentunit", [(None, RED), (0, ORANGE), (0.5, GREEN)], 1),
                      Column("Burn 1 h", "none", [(None, GREEN), (1, YELLOW), (6, ORANGE), (14.4, RED)], 2),
                      Column("Burn 6 h", "none", [(None, GREEN), (1, YELLOW), (3, ORANGE), (6, RED)], 2)], width=16, height=6),
        grid("Alerts that fire", "What Prometheus fires now, the newest state first; their runbooks are linked from the notification.",
             Query(by("count", ("alertname", "severity", "kafka_cluster", "broker", "topic"), FIRING)),
             labels={"alertname": "Alert", "severity": "Severity", "kafka_cluster": "Cluster", "broker": "Broker", "topic": "Topic"},
             columns=[Column("Count", "short")], width=8, height=6, empty="healthy"),
    )


def latency(board) -> None:
    frame.add(
        board, "Latency of a client",
        chart("End-to-end latency", "From the instant a record was due to reading it back. A record that never came counts with its timeout, so an outage is a high "
              "line, not a gap. Bursts have no threshold and are left out. Dots are single records with their partition and offset.", "s",
              *(Query(quantile(q, probe, E2E, BY_PROBE, only=PAGED), f"{{{{kafka_cluster}}}} {{{{probe}}}} p{q * 100:.0f}", exemplars=q == 0.99) for q in (0.5, 0.95, 0.99)),
              limit(thresholds("end_to_end")), width=12, links=(link("Probe detail", PROBE, "kafka_cluster", "probe"),)),
        heat("End-to-end latency, all records", "Where the records lie: two bands mean two kinds of brokers or paths, a ceiling at the timeout means that they don't come at all.",
             "s", buckets(probe, E2E, only=PAGED)),
        chart("Worst brokers, p95 end to end", "The ten brokers with the highest p95. One of them high is that broker; all of them high is often one frozen follower, which "
              "'Append without followers' below names.", "s",
              Query(f"topk(10, {quantile(0.95, probe_broker, E2E, BY_PROBE_BROKER, only=PAGED)})", "{{kafka_cluster}} {{probe}} broker {{broker}}"),
              limit(thresholds("end_to_end")), links=(link("Probe detail", PROBE, "kafka_cluster", "probe", "broker"),)),
        chart("Append without followers, p95", "Acknowledgement by the leader alone, which needs no follower: the broker that is high here is the one that is slow, over 5 minutes.", "s",
              Query(f"topk(10, {quantile(0.95, probe_broker, 'log_append_seconds', BY_PROBE_BROKER, window='[5m]')})", "{{kafka_cluster}} broker {{broker}}"),
              empty="native", links=(link("Broker health", BROKERS, "kafka_cluster", "broker"),)),
        matrix("p95 by prober and broker", "A row that is slow is a prober or its network, a column that is slow is a broker. Coloured by the default thresholds.", "s",
               Query(quantile(0.95, probe_broker, E2E, ("instance", "broker"), only=PAGED)), row="instance", column="broker",
               steps=[(None, GREEN), (0.1, ORANGE), (0.5, RED)], width=8),
    )


def errors(board) -> None:
    frame.add(
        board, "Errors and reachability",
        chart("Records by outcome", "What became of the records that were due. All but delivered and skipped is a client's trouble.", "cps",
              Query(by("sum", ("kafka_cluster", "outcome"), rate(probe_broker("records_total"))), "{{kafka_cluster}} {{outcome}}"), stacked=True),
        chart("Failures by reason", "Records that failed or timed out, by the last error that Kafka or the connection named.", "cps",
              Query(by("sum", ("kafka_cluster", "probe", "reason"), rate(probe_broker("failures_total"))), "{{kafka_cluster}} {{probe}} {{reason}}"),
              empty="healthy", links=(link("Probe detail", PROBE, "kafka_cluster", "probe"),)),
        chart("Connections that failed", "Attempts of the connect probe by the phase that failed and why: a name, a port, a certificate, a password.", "cps",
              Query(by("sum", (*BY_BROKER, "phase", "reason"), rate(probe_broker("connect_failures_total"))), "{{kafka_cluster}} broker {{broker}} {{phase}} {{reason}}"),
              empty="healthy"),
        states("Brokers", "Whether each broker is listed and answers on a connection of its own.",
               Query(by("max", BY_BROKER, broker("broker_up")), "{{kafka_cluster}} broker {{broker}}"), meaning=UP),
        states("Probers", "Whether Prometheus could scrape each prober: a gap in the figures with this red is the prober's, not Kafka's.",
               Query(runtime("up"), "{{job}} {{instance}}"), meaning=UP),
    )


def replication(board) -> None:
    one = ("kafka_cluster",)
    frame.add(
        board, "Replication, flush, traffic",
        chart("Partitions in trouble", "Offline: no leader. Under min ISR: acks=all refused. At min ISR: one more broker lost and it is refused. Under-replicated: a "
              "replica lags or is away.", "short",
              *(Query(by("max", one, cluster(f"cluster_{name}_partitions")), "{{kafka_cluster}} " + name.replace("_", " "))
                for name in ("offline", "under_min_isr", "at_min_isr", "under_replicated")),
              links=(link("Broker health", BROKERS, "kafka_cluster"),)),
        chart("Replicas out of sync by broker", "Replicas assigned to the broker that are not in sync: a dead broker is one line here instead of hundreds of partitions.", "short",
              Query(f"topk(10, {by('max', BY_BROKER, broker('out_of_sync_replicas'))})", "{{kafka_cluster}} broker {{broker}}"),
              links=(link("Broker health", BROKERS, "kafka_cluster", "broker"),)),
        chart("Log flush p95", "How long a flush of the log to disk takes, by the probe, over 30 minutes because a broker is asked every 10 s. Watch it go from 10 to 20 ms: "
              "end-to-end latency follows.", "s",
              Query(f"topk(10, {quantile(0.95, probe_broker, 'log_flush_seconds', BY_BROKER, window='[30m]')})", "{{kafka_cluster}} broker {{broker}}"),
              limit(by("min", ("kafka_cluster", "severity"), probe_broker("log_flush_threshold_seconds")), "{{kafka_cluster}} {{severity}} threshold"),
              empty="flush", links=(link("Broker health", BROKERS, "kafka_cluster", "broker"),)),
        chart("Bytes per message", "Mean size of what topics take in: a jump is a bubble or a fault upstream, a trend is a change of architecture.", "bytes",
              Query(f"topk(10, {by('max', ('kafka_cluster', 'topic'), topic('message_size_bytes'))})", "{{kafka_cluster}} {{topic}}"), empty="kafka"),
        chart("Traffic imbalance", "Standard deviation over mean of what the brokers take in as leaders: 0 is even. A change of it means that a broker is overloaded or partitions moved.",
              "none", Query(by("max", one, cluster("leader_bytes_imbalance_ratio")), "{{kafka_cluster}} bytes"),
              Query(by("max", one, cluster("leader_messages_imbalance_ratio")), "{{kafka_cluster}} messages"), empty="kafka"),
        chart("Longest consumer lag", "The ten groups and topics that are furthest behind.", "s",
              Query(f"topk(10, {by('max', ('kafka_cluster', 'group', 'topic'), group_topic('consumer_group_lag_seconds'))})", "{{kafka_cluster}} {{group}} {{topic}}"),
              empty="kafka", links=(link("Consumer", CONSUMER, "kafka_cluster", "group", "topic"),)),
    )


def build():
    board = frame.new(OVERVIEW, "Kafka prober / Overview", "Is it Kafka, one broker, one path, or the prober? Read from the top: verdict, latency, errors, brokers.",
                      "listener", "probe", "broker", "topic", "group")
    for part in (verdict, latency, errors, replication):
        part(board)
    return board
