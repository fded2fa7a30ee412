"""Consumer: the prober as a consumer, and the cluster's consumer groups."""

import frame
from frame import BROKERS, CONSUMER, PROBE
from panels import GREEN, ORANGE, RED, YELLOW, Column, Query, chart, grid, heat, link, number
from queries import BY_BROKER, BY_PROBE, BY_PROBE_BROKER, buckets, by, client, group, group_topic, increase, mean, probe_broker, quantile, rate, topic

GROUP = ("kafka_cluster", "group")
GROUP_TOPIC = (*GROUP, "topic")
LEGEND = "{{kafka_cluster}} {{probe}} broker {{broker}}"
TO_PROBE = link("Probe detail", PROBE, "kafka_cluster", "probe", "broker")
REBALANCING = 'state=~"PreparingRebalance|CompletingRebalance|Assigning|Reconciling"'
DELIVERED = probe_broker("records_total", 'outcome="delivered"')


def groups(board) -> None:
    worst = "{{kafka_cluster}} {{group}} {{topic}}"
    frame.add(
        board, "Consumer groups",
        number("Longest lag", "How far behind the group is that is furthest behind.", "s", Query(f"max({group_topic('consumer_group_lag_seconds')})"),
               (None, GREEN), (300, YELLOW), (3600, ORANGE), empty="groups"),
        number("Records of lag", "Records that all groups have yet to read.", "short", Query(f"sum({by('max', GROUP_TOPIC, group_topic('consumer_group_lag_records'))})"), empty="groups"),
        number("Groups", "Consumer and share groups.", "short", Query(f"count({by('max', GROUP, group('consumer_group_state'))})"), empty="groups"),
        number("Idle with records to read", "Groups that have members and records to read and have committed nothing for ten minutes: stuck.", "short",
               Query(f"count({by('max', GROUP, group('consumer_group_last_commit_age_seconds'))} > 600 and on (kafka_cluster, group) "
                     f"{by('max', GROUP, group_topic('consumer_group_lag_records'))} > 0 and on (kafka_cluster, group) {by('max', GROUP, group('consumer_group_members'))} > 0)"),
               (None, GREEN), (1, RED), empty="healthy"),
        number("Members without work", "Members that are assigned no partition: more members than partitions.", "short",
               Query(f"sum({by('max', GROUP, group('consumer_group_members_without_partitions'))})"), (None, GREEN), (1, YELLOW), empty="groups"),
        number("Rebalancing", "Groups that are in a rebalance now.", "short",
               Query(f"count({by('max', GROUP, group('consumer_group_state', REBALANCING))})"),
               (None, GREEN), (1, YELLOW), empty="healthy"),
        chart("Lag in seconds", "Time since the oldest record that a group has yet to read was appended: what its users wait. The ten longest.", "s",
              Query(f"topk(10, {by('max', GROUP_TOPIC, group_topic('consumer_group_lag_seconds'))})", worst), empty="groups"),
        chart("Lag in records", "Records that a group has yet to read. The ten largest.", "short",
              Query(f"topk(10, {by('max', GROUP_TOPIC, group_topic('consumer_group_lag_records'))})", worst), empty="groups"),
        chart("Consumed against produced", "Records per second that groups commit, to set beside what the topics take in.", "cps",
              Query(f"topk(10, {by('max', GROUP_TOPIC, 'deriv(' + group_topic('consumer_group_committed_offset') + '[5m])')})", worst + " committed"),
              Query(f"topk(10, {by('max', ('kafka_cluster', 'topic'), rate(topic('topic_messages_total')))})", "{{kafka_cluster}} {{topic}} produced"), empty="groups", least=None),
        grid("Groups and their state", "One row a group: what Kafka says that it is, and what it does.",
             Query(by("max", (*GROUP, "state", "type"), group("consumer_group_state"))), Query(by("max", GROUP, group("consumer_group_members"))),
             Query(by("max", GROUP, group("consumer_group_last_commit_age_seconds"))), Query(by("sum", GROUP, by("max", GROUP_TOPIC, group_topic("consumer_group_lag_records")))),
             Query(by("max", GROUP, group_topic("consumer_group_lag_seconds"))), Query(by("max", GROUP, group_topic("consumer_group_lag_seconds_lower_bound"))),
             labels={"kafka_cluster": "Cluster", "group": "Group", "state": "State", "type": "Type"},
             columns=[Column("Exists", "bool"), Column("Members", "short"), Column("Last commit", "s"), Column("Lag records", "short"),
                      Column("Lag", "s", [(None, GREEN), (300, YELLOW), (3600, ORANGE)]), Column("Lag is at least", "bool")], empty="groups"),
        chart("Members", "Members of each group: a saw tooth is a rebalance loop.", "short", Query(by("max", GROUP, group("consumer_group_members")), "{{kafka_cluster}} {{group}}"), empty="groups"),
        chart("Since the last commit", "Time since a committed offset of the group moved.", "s",
              Query(by("max", GROUP, group("consumer_group_last_commit_age_seconds")), "{{kafka_cluster}} {{group}}"), empty="groups"),
        chart("Activity", "What each group does: active, idle or empty.", "short",
              Query(by("count", ("kafka_cluster", "activity"), by("max", (*GROUP, "activity"), group("consumer_group_activity"))), "{{kafka_cluster}} {{activity}}"), stacked=True, empty="groups"),
    )


def reading(board) -> None:
    frame.add(
        board, "The prober as a consumer",
        chart("Records read back", "Records delivered per second.", "cps", Query(by("sum", BY_PROBE_BROKER, rate(DELIVERED)), LEGEND), links=(TO_PROBE,)),
        chart("Bytes read", "Bytes that the clients received from each broker, requests of all kinds.", "Bps",
              Query(by("sum", BY_BROKER, rate(client("client_read_bytes_total"))), "{{kafka_cluster}} broker {{broker}}"), links=(link("Broker health", BROKERS, "kafka_cluster", "broker"),)),
        chart("Read after the acknowledgement, mean", "From the acknowledgement to reading, and the other way round where reading came first.", "s",
              Query(mean(probe_broker, "ack_read_gap_seconds", (*BY_PROBE, "order")), "{{kafka_cluster}} {{probe}} {{order}}")),
        chart("Read after the acknowledgement, p95", "The tail of the same by broker.", "s",
              Query(quantile(0.95, probe_broker, "ack_read_gap_seconds", BY_PROBE_BROKER, 'order="ack_first"'), LEGEND), empty="native", links=(TO_PROBE,)),
        chart("Late, duplicate, out of order", "What a consumer without care would have noticed.", "short",
              *(Query(by("sum", BY_PROBE, increase(probe_broker(f"records_{name}_total"))), "{{kafka_cluster}} {{probe}} " + name) for name in ("late", "duplicate", "reordered"))),
        chart("Throttled", "Share of time for which each broker throttled the clients.", "percentunit",
              Query(by("sum", BY_BROKER, rate(client("client_throttled_seconds_total"))), "{{kafka_cluster}} broker {{broker}}")),
        heat("From the acknowledgement to reading", "All records.", "s", buckets(probe_broker, "ack_read_gap_seconds", 'order="ack_first"'), empty="native"),
        chart("Records kept by topic", "Log end less log start offset: what a new group would have to read.", "short",
              Query(f"topk(10, {by('max', ('kafka_cluster', 'topic'), topic('topic_log_end_offset'))} - {by('max', ('kafka_cluster', 'topic'), topic('topic_log_start_offset'))})",
                    "{{kafka_cluster}} {{topic}}"), width=12),
    )


def build():
    board = frame.new(CONSUMER, "Kafka prober / Consumer", "How far behind the consumer groups are, and what reading costs the prober itself.",
                      "listener", "probe", "broker", "topic", "group", time="now-3h")
    for part in (groups, reading):
        part(board)
    return board
