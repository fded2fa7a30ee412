"""Broker health: what the cluster and its brokers say of themselves.

The first three rows are the eighteen charts of a team that runs 70 billion messages a day. Where a figure can
also be had by Kafka's protocol, it is taken from there if a broker's JMX page isn't.
"""

import frame
from frame import BROKERS, PROBE
from overview import thresholds
from panels import UP, Column, Query, bars, chart, grid, limit, link, states
from queries import PAGED, BY_BROKER, broker, by, cluster, probe_broker, quantile, rate, share, topic

ONE = ("kafka_cluster",)
LEGEND = "{{kafka_cluster}} broker {{broker}}"
TO_PROBE = link("Probe detail", PROBE, "kafka_cluster", "broker")


def per_broker(expr: str) -> str:
    """Probers that see the same broker agree, so their figures are never added up."""
    return by("max", BY_BROKER, expr)


def either(jmx: str, protocol: str) -> str:
    return f"{jmx} or {protocol}"


def traffic(board) -> None:
    frame.add(
        board, "Traffic and leading indicators",
        chart("Bytes in", "What clients send each broker. From its JMX page, otherwise from the growth of the logs that it leads, which is compressed and as stored.", "Bps",
              Query(either(per_broker(rate(broker("broker_bytes_in_total"))), per_broker(rate(broker("leader_bytes_total")))), LEGEND), empty="kafka", links=(TO_PROBE,)),
        chart("Bytes out", "What each broker sends consumers.", "Bps", Query(per_broker(rate(broker("broker_bytes_out_total"))), LEGEND), empty="jmx", links=(TO_PROBE,)),
        chart("Messages in", "Records that each broker takes in: from its JMX page, otherwise from the offsets of the logs that it leads.", "cps",
              Query(either(per_broker(rate(broker("broker_messages_in_total"))), per_broker(rate(broker("leader_messages_total")))), LEGEND), links=(TO_PROBE,)),
        chart("Active controllers", "1 is right. 0: nothing can be elected or changed. From Kafka's protocol, otherwise the sum over the controllers' JMX pages.", "short",
              Query(either(by("max", ONE, cluster("active_controllers")), by("sum", ONE, by("max", BY_BROKER, cluster("broker_active_controller")))), "{{kafka_cluster}}"),
              empty="kafka"),
        chart("Request queue", "Requests that wait for a handler. At half of queued.max.requests (500) the broker is about to stop reading from its clients.", "short",
              Query(per_broker(broker("broker_request_queue_size")), LEGEND), empty="jmx", links=(TO_PROBE,)),
        chart("Under-replicated partitions", "Partitions with fewer replicas in sync than assigned, of the whole cluster, and those that each broker leads where JMX says so. "
              "Any at all is a bad thing: less redundancy, and consumers wait.", "short",
              Query(by("max", ONE, cluster("cluster_under_replicated_partitions")), "{{kafka_cluster}} all"),
              Query(per_broker(broker("broker_under_replicated_partitions")) + " > 0", LEGEND), empty="healthy"),
        chart("Log flushes", "Flushes of logs to disk. On a controller that is also a broker, about two a second are the metadata log's.", "cps",
              Query(per_broker(rate(broker("broker_log_flushes_total"))), LEGEND), empty="jmx"),
        chart("Log flush time, mean", "Mean time of a flush since the page before.", "s", Query(per_broker(broker("broker_log_flush_mean_seconds")), LEGEND), empty="jmx"),
        chart("Log flush time, p95", "The broker's own timer, and what the flush probe measures from outside (30 minutes). The leading indicator: the longer it takes, the more the pipeline "
              "backs up.", "s",
              Query(per_broker(broker("broker_log_flush_seconds", 'quantile="0.95"')), LEGEND + " (JMX)"),
              Query(quantile(0.95, probe_broker, "log_flush_seconds", BY_BROKER, window="[30m]"), LEGEND + " (probe)"),
              limit(by("min", ("kafka_cluster", "severity"), probe_broker("log_flush_threshold_seconds")), "{{kafka_cluster}} {{severity}} threshold"),
              empty="flush", links=(TO_PROBE,)),
    )


def requests(board) -> None:
    panels = []
    for request, what in (("Produce", "from a produce request's arrival to its answer, followers included"),
                          ("FetchConsumer", "from a consumer's fetch to its answer; an idle topic's fetch waits fetch.max.wait.ms, so high is not bad by itself"),
                          ("FetchFollower", "from a follower's fetch to its answer; idle partitions wait here too")):
        match = f'request="{request}"'
        panels.append(chart(f"{request} total time, mean", f"Time of a {request} request: {what}.", "s",
                            Query(per_broker(broker("broker_request_mean_seconds", match)), LEGEND), empty="jmx", links=(TO_PROBE,)))
        for q, name in ((0.99, "p99"), (0.5, "median")):
            panels.append(chart(f"{request} total time, {name}", f"The broker's own {name}: {what}. Of a decaying reservoir, so never averaged over brokers here.", "s",
                                Query(per_broker(broker("broker_request_seconds", f'{match}, quantile="{q}"')), LEGEND), empty="jmx", links=(TO_PROBE,)))
    frame.add(board, "Request times", *panels)
    frame.add(
        board, "Where requests wait",
        chart("Produce p95 by phase", "The worst broker's p95 of each phase. request_queue: no free handler; local: the disk; remote: followers; response_send: the network.", "s",
              Query(by("max", ("kafka_cluster", "phase"), broker("broker_request_phase_seconds", 'request="Produce", quantile="0.95"')), "{{kafka_cluster}} {{phase}}"), empty="jmx"),
        chart("FetchConsumer p95 by phase", "The worst broker's p95 of each phase; remote is waiting for data.", "s",
              Query(by("max", ("kafka_cluster", "phase"), broker("broker_request_phase_seconds", 'request="FetchConsumer", quantile="0.95"')), "{{kafka_cluster}} {{phase}}"), empty="jmx"),
        chart("Produce by phase, mean", "The mean's parts, which add up to it; few kinds of page have them.", "s",
              Query(by("max", ("kafka_cluster", "broker", "phase"), broker("broker_request_phase_mean_seconds", 'request="Produce"')), LEGEND + " {{phase}}"), empty="jmx", stacked=True),
        chart("Request handlers idle", "Share of time that the request handlers have nothing to do, of the last minute. Below 0.3 the broker is busy, below 0.1 it is full.", "percentunit",
              Query(per_broker(broker("broker_request_handler_idle_ratio")), LEGEND), empty="jmx", most=1, links=(TO_PROBE,)),
        chart("Network threads idle", "Share of time that the network threads have nothing to do. TLS is done here.", "percentunit",
              Query(per_broker(broker("broker_network_processor_idle_ratio")), LEGEND), empty="jmx", most=1),
        chart("Purgatory", "Requests that wait for something: produce for followers, fetch for data.", "short",
              Query(by("max", (*BY_BROKER, "operation"), broker("broker_purgatory_size")), LEGEND + " {{operation}}"), empty="jmx"),
        chart("Requests", "Requests per second.", "reqps", Query(by("max", (*BY_BROKER, "request"), rate(broker("broker_requests_total"))), LEGEND + " {{request}}"), empty="jmx"),
        chart("Errors by code", "Answers with an error, by Kafka's name for it. NOT_LEADER_OR_FOLLOWER during an election is normal.", "cps",
              Query(by("max", (*BY_BROKER, "error"), rate(broker("broker_request_errors_total"))) + " > 0", LEGEND + " {{error}}"), empty="healthy"),
        chart("Latency by broker as a client sees it, p95", "End to end, to set beside the broker's own figures.", "s",
              Query(quantile(0.95, probe_broker, "end_to_end_latency_seconds", BY_BROKER, only=PAGED), LEGEND), limit(thresholds("end_to_end")), links=(TO_PROBE,)),
    )


def replication(board) -> None:
    frame.add(
        board, "Replication",
        chart("Replicas out of sync", "By broker: a dead broker is one line.", "short", Query(per_broker(broker("out_of_sync_replicas")), LEGEND), links=(TO_PROBE,)),
        chart("ISR shrinks and expands", "Replicas that fell out of sync and came back. Shrinks that go on without a restart: a slow disk or network.", "cps",
              Query(per_broker(rate(broker("broker_isr_shrinks_total"))), LEGEND + " shrinks"), Query(per_broker(rate(broker("broker_isr_expands_total"))), LEGEND + " expands"), empty="jmx"),
        chart("Partitions below or at min ISR, offline", "Below: acks=all refused. At: one replica less and it will be.", "short",
              *(Query(by("max", ONE, cluster(f"cluster_{name}_partitions")), "{{kafka_cluster}} " + name.replace("_", " ")) for name in ("under_min_isr", "at_min_isr", "offline"))),
        grid("Partitions in trouble", "The worst ones, by name: offline before under min ISR before under-replicated.",
             Query(by("max", ("kafka_cluster", "topic", "partition", "state"), topic("partition_in_trouble"))),
             labels={"kafka_cluster": "Cluster", "topic": "Topic", "partition": "Partition", "state": "State"}, columns=[Column("In trouble", "short")], width=8, empty="healthy"),
        grid("Topics in trouble", "Topics with a partition that is not as it should be.",
             *(Query(by("max", ("kafka_cluster", "topic"), topic(name)) + " > 0") for name in ("offline_partitions", "under_min_isr_partitions", "under_replicated_partitions")),
             labels={"kafka_cluster": "Cluster", "topic": "Topic"},
             columns=[Column("Offline", "short"), Column("Under min ISR", "short"), Column("Under-replicated", "short")], width=8, empty="healthy"),
        chart("Unclean elections", "Leaders elected without having all acknowledged records: data loss.", "short",
              Query(by("max", ONE, f"increase({cluster('broker_unclean_leader_elections_total')}[$__rate_interval])"), "{{kafka_cluster}}"), empty="jmx"),
    )
    frame.add(
        board, "Brokers and controllers",
        states("Brokers up", "Whether each broker is listed and answers.", Query(per_broker(broker("broker_up")), LEGEND), meaning=UP),
        grid("Brokers", "Where each broker is, as it advertises itself.", Query(by("max", (*BY_BROKER, "host", "rack"), broker("broker_info"))),
             labels={"kafka_cluster": "Cluster", "broker": "Broker", "host": "Host", "rack": "Rack"}, columns=[Column("Listed", "bool")], width=12),
        chart("Registered and reachable", "Brokers that the controller has registered, and those that answer. Expected is what the configuration says, if it does.", "short",
              Query(by("max", ONE, cluster("brokers_registered")), "{{kafka_cluster}} registered"), Query(by("max", ONE, cluster("brokers_reachable")), "{{kafka_cluster}} reachable"),
              Query(by("max", ONE, cluster("expected_brokers")), "{{kafka_cluster}} expected"), empty="partly configured"),
        chart("Metadata lag", "How far each controller and broker is behind in the metadata log (KRaft).", "s",
              Query(by("max", (*BY_BROKER, "role"), broker("quorum_lag_seconds")), LEGEND + " {{role}}"), empty="kafka"),
        chart("Metadata quorum", "Epoch of the leader: every step is an election. Voters and observers.", "short",
              Query(by("max", ONE, cluster("quorum_leader_epoch")), "{{kafka_cluster}} epoch"), Query(by("max", ONE, cluster("quorum_voters")), "{{kafka_cluster}} voters"),
              Query(by("max", ONE, cluster("quorum_observers")), "{{kafka_cluster}} observers"), empty="kafka"),
        chart("Controller changes", "Changes of the active controller that the prober saw.", "short",
              Query(by("max", ONE, f"increase({cluster('controller_changes_total')}[$__rate_interval])"), "{{kafka_cluster}}")),
    )


def balance(board) -> None:
    bytes_in = per_broker(rate(broker("leader_bytes_total")))
    frame.add(
        board, "Balance and rebalancing",
        chart("Bytes in against the mean", "Each broker's share of what all take in as leaders, times the number of brokers: 1 is the mean, 2 is twice it.", "none",
              Query(f"{bytes_in} / on (kafka_cluster) group_left () ({by('avg', ONE, bytes_in)} > 0)", LEGEND), empty="kafka", links=(TO_PROBE,)),
        chart("Imbalance", "Standard deviation over mean: bytes and records taken in, leaders and replicas held. A change is a broker overloaded or partitions moved.", "none",
              Query(by("max", ONE, cluster("leaders_imbalance_ratio")), "{{kafka_cluster}} leaders"), Query(by("max", ONE, cluster("replicas_imbalance_ratio")), "{{kafka_cluster}} replicas"),
              Query(by("max", ONE, cluster("leader_bytes_imbalance_ratio")), "{{kafka_cluster}} bytes in"),
              Query(by("max", ONE, cluster("leader_messages_imbalance_ratio")), "{{kafka_cluster}} records in"), empty="partly kafka"),
        chart("Reassigning", "Partitions whose replicas are being moved. Move on when this is 0 and the traffic below is back where it was.", "short",
              Query(by("max", ONE, cluster("reassigning_partitions")), "{{kafka_cluster}}"), empty="kafka"),
        chart("Reassignment traffic", "Bytes moved in (up) and out (down) by reassignments: source and target of a move mirror each other.", "Bps",
              Query(per_broker(rate(broker("broker_reassignment_bytes_in_total"))), LEGEND + " in"),
              Query("-" + per_broker(rate(broker("broker_reassignment_bytes_out_total"))), LEGEND + " out"), empty="jmx", least=None),
        chart("Replication traffic", "Bytes fetched as a follower (up) and served to followers (down).", "Bps",
              Query(per_broker(rate(broker("broker_replication_bytes_in_total"))), LEGEND + " in"),
              Query("-" + per_broker(rate(broker("broker_replication_bytes_out_total"))), LEGEND + " out"), empty="jmx", least=None),
        bars("Leaders", "Partitions that each broker leads.", "short", Query(per_broker(broker("leaders")), LEGEND), width=4),
        bars("Replicas", "Replicas assigned to each broker.", "short", Query(per_broker(broker("replicas")), LEGEND), width=4),
    )


def messages(board) -> None:
    def ago(time: str) -> str:
        return by("max", ("kafka_cluster", "topic"), topic("message_size_bytes") + f" offset {time}")

    size = by("max", ("kafka_cluster", "topic"), topic("message_size_bytes"))
    frame.add(
        board, "Messages",
        chart("Bytes per message by topic", "Mean size of the records that each topic takes in, as stored. A jump is a bubble in the pipeline or a fault upstream.", "bytes",
              Query(f"topk(10, {size})", "{{kafka_cluster}} {{topic}}"), empty="kafka"),
        chart("Bytes per message against a day and a week ago", "Above 1 messages have grown: slowly means that a service began to send larger ones.", "none",
              Query(f"topk(10, {size} / ({ago('1d')} > 0))", "{{kafka_cluster}} {{topic}} against a day ago"),
              Query(f"topk(10, {size} / ({ago('7d')} > 0))", "{{kafka_cluster}} {{topic}} against a week ago"), empty="history"),
        chart("Records in by topic", "The ten topics that take in most records.", "cps",
              Query(f"topk(10, {by('max', ('kafka_cluster', 'topic'), rate(topic('topic_messages_total')))})", "{{kafka_cluster}} {{topic}}")),
    )


def resources(board) -> None:
    dirs = (*BY_BROKER, "log_dir")
    frame.add(
        board, "Resources",
        chart("Disk used", "Share of each log directory's file system that is used.", "percentunit",
              Query("1 - " + share(by("max", dirs, broker("log_dir_usable_bytes")), by("max", dirs, broker("log_dir_total_bytes"))), LEGEND + " {{log_dir}}"), empty="kafka", most=1),
        chart("Logs on disk", "Bytes of all replicas in each log directory.", "bytes", Query(by("max", dirs, broker("log_dir_used_bytes")), LEGEND + " {{log_dir}}")),
        chart("Log directories offline", "Log directories that a broker gave up after a storage error.", "short",
              Query(by("max", dirs, broker("log_dir_offline")), LEGEND + " {{log_dir}}")),
        chart("CPU", "Processor seconds per second that each broker's process uses: 1 is one core.", "short", Query(per_broker(rate(broker("broker_process_cpu_seconds_total"))), LEGEND), empty="jmx"),
        chart("Heap", "Share of the heap in use. High between collections is normal; high after them is not.", "percentunit",
              Query(share(per_broker(broker("broker_heap_used_bytes")), per_broker(broker("broker_heap_max_bytes"))), LEGEND), empty="jmx", most=1),
        chart("Garbage collection", "Share of time in collections. A pause stops every request of the broker.", "percentunit",
              Query(by("max", (*BY_BROKER, "gc"), rate(broker("broker_gc_seconds_total"))), LEGEND + " {{gc}}"), empty="jmx"),
        chart("Open files", "Share of the file descriptors allowed that are in use. A log segment takes several.", "percentunit",
              Query(share(per_broker(broker("broker_open_files")), per_broker(broker("broker_max_open_files"))), LEGEND), empty="jmx", most=1),
        states("JMX pages", "Whether the last read of each broker's page went well. Without it the panels that need JMX are empty.",
               Query(by("max", (*BY_BROKER, "role"), broker("broker_page_up")), LEGEND + " {{role}}"), meaning=UP, width=8, empty="jmx"),
        grid("What Kafka does not say", "Signals that a cluster or a broker does not give: a right is missing, or its version does not know them. Panels of these are empty, not fine.",
             Query(by("min", ("kafka_cluster", "signal"), cluster("signal_available")) + " == 0"),
             labels={"kafka_cluster": "Cluster", "signal": "Signal"}, columns=[Column("Available", "bool")], width=8, empty="healthy"),
    )


def build():
    board = frame.new(BROKERS, "Kafka prober / Broker health", "What the brokers and the cluster say of themselves: traffic, requests, flush, replication, balance, resources.",
                      "listener", "probe", "broker", "topic", time="now-3h")
    for part in (traffic, requests, replication, balance, messages, resources):
        part(board)
    return board
