"""Prober itself: is what the other dashboards say to be believed, and what does it cost?"""

import frame
from frame import SELF
from panels import GREEN, OK, ORANGE, RED, UP, YELLOW, Column, Query, chart, grid, number, states
from queries import BY_BROKER, BY_PROBE, by, client, cluster, increase, probe, process, quantile, rate, runtime, share

COLLECTOR = ("instance", "kafka_cluster", "collector")


def trust(board) -> None:
    frame.add(
        board, "Can it be believed?",
        number("Probers up", "Probers that Prometheus can scrape.", "short", Query(f"sum({runtime('up')})"), (None, RED), (1, GREEN)),
        number("Overloaded", "Probes that are late by more than they may: leave their latencies out.", "short", Query(f"sum({probe('self_overloaded')})"), (None, GREEN), (1, RED)),
        number("Configuration", "1: the last file that was read could be used, which need not be what is on disk by now. 0: it could not, and the one before goes on.", "bool",
               Query(f"min({process('config_last_reload_successful')})"), (None, RED), (1, GREEN)),
        number("Collectors failing", "Collectors whose last refresh failed or is older than three intervals.", "short", Query(f"sum({cluster('collector_success')} == bool 0)"), (None, GREEN), (1, ORANGE)),
        number("Series left out", "Series that collectors left out in the range shown, to keep to max_series.", "short",
               Query(f"sum({increase(cluster('series_dropped_total'), '[$__range]')})"), (None, GREEN), (1, ORANGE), decimals=0, course=False),
        number("Clock jumps", "Jumps of the wall clock in the range shown. They enter no latency.", "short",
               Query(f"sum({increase(probe('wall_clock_steps_total'), '[$__range]')})"), (None, GREEN), (1, YELLOW), decimals=0, course=False),
        states("Up", "Whether Prometheus could scrape each prober.", Query(runtime("up"), "{{job}} {{instance}}"), meaning=UP),
        states("Collectors", "Whether each collector's figures are fresh.", Query(by("min", COLLECTOR, cluster("collector_success")), "{{instance}} {{kafka_cluster}} {{collector}}"), meaning=OK),
        chart("Schedule lag p99", "From due to handed over to the client library. Far below the latencies it is harmless; at a tenth of them it is not.", "s",
              Query(quantile(0.99, probe, "schedule_lag_seconds", ("instance", *BY_PROBE)), "{{instance}} {{kafka_cluster}} {{probe}}"), empty="native"),
        chart("Loops' last progress", "Time since each loop last got round: a line that climbs is a loop that hangs.", "s",
              Query(f"time() - {by('min', ('instance', *BY_PROBE, 'loop'), probe('loop_last_progress_timestamp_seconds'))}", "{{instance}} {{kafka_cluster}} {{probe}} {{loop}}")),
        chart("Records skipped", "Records not judged as the prober was away, by why.", "cps",
              Query(by("sum", ("instance", *BY_PROBE, "reason"), rate(probe("records_skipped_total"))), "{{instance}} {{kafka_cluster}} {{probe}} {{reason}}"), empty="healthy"),
    )


def collectors(board) -> None:
    frame.add(
        board, "Collectors and rights",
        chart("Duration of refreshes", "How long each collector's last refresh took.", "s", Query(by("max", COLLECTOR, cluster("collector_duration_seconds")), "{{instance}} {{kafka_cluster}} {{collector}}")),
        chart("Age of the figures", "Time since each collector last refreshed without an error.", "s",
              Query(f"time() - {by('min', COLLECTOR, cluster('collector_last_success_timestamp_seconds'))}", "{{instance}} {{kafka_cluster}} {{collector}}")),
        chart("Parts that failed", "Parts of refreshes that failed while the rest went on, by broker and reason.", "cps",
              Query(by("sum", ("kafka_cluster", "collector", "broker", "reason"), rate(cluster("collector_partial_errors_total"))), "{{kafka_cluster}} {{collector}} broker {{broker}} {{reason}}"),
              empty="healthy"),
        grid("What Kafka does not let it do", "Things that the cluster does not let the prober do to a probe's topic: a right is missing or a policy forbids it.",
             Query(by("max", ("kafka_cluster", "listener", "probe", "action", "reason"), probe("topic_management_refused"))),
             labels={"kafka_cluster": "Cluster", "listener": "Listener", "probe": "Probe", "action": "Action", "reason": "Reason"}, columns=[Column("Refused", "bool")], width=8, empty="healthy"),
        grid("What Kafka does not say", "Signals that are absent: a right is missing, or the version does not know them.",
             Query(by("min", ("kafka_cluster", "signal"), cluster("signal_available")) + " == 0"),
             labels={"kafka_cluster": "Cluster", "signal": "Signal"}, columns=[Column("Available", "bool")], width=8, empty="healthy"),
        grid("Credentials", "Whether the files of the credentials can be used, and when the prober's own certificate ends.",
             Query(by("min", ("instance", "kafka_cluster", "listener"), cluster("credential_reload_success"))),
             Query(by("min", ("instance", "kafka_cluster", "listener"), cluster("client_certificate_expiry_timestamp_seconds") + " - time()")),
             labels={"instance": "Instance", "kafka_cluster": "Cluster", "listener": "Listener"},
             columns=[Column("Usable", "bool"), Column("Certificate ends in", "s", [(None, RED), (3 * 86400, ORANGE), (21 * 86400, GREEN)])], width=8, empty="tls"),
    )


def cost(board) -> None:
    line = "{{instance}}"
    frame.add(
        board, "What it costs",
        chart("CPU", "Cores in use.", "short", Query(rate(runtime("process_cpu_seconds_total")), line)),
        chart("Memory", "Resident memory, and the part of it that is live heap.", "bytes", Query(runtime("process_resident_memory_bytes"), line + " resident"),
              Query(runtime("go_memstats_heap_alloc_bytes"), line + " heap")),
        chart("Goroutines", "Goroutines: a line that climbs for hours is a leak.", "short", Query(runtime("go_goroutines"), line)),
        chart("Garbage collection", "Longest pause of the last cycles.", "s", Query(by("max", ("instance",), runtime("go_gc_duration_seconds")), line)),
        chart("Open files", "File descriptors in use, of those allowed.", "percentunit", Query(share(runtime("process_open_fds"), runtime("process_max_fds")), line)),
        chart("Traffic with Kafka", "Bytes to and from all brokers.", "Bps", Query(by("sum", ("instance",), rate(client("client_written_bytes_total"))), line + " written"),
              Query(by("sum", ("instance",), rate(client("client_read_bytes_total"))), line + " read")),
        chart("Connections by broker", "Open connections to each broker.", "short", Query(by("sum", BY_BROKER, client("client_connections")), "{{kafka_cluster}} broker {{broker}}")),
        chart("Scrapes", "Scrapes per second, and gathers: at most one a second whatever the number of scrapes.", "cps",
              Query(rate(process("scrapes_total")), line + " scrapes"), Query(rate(process("scrape_gathers_total")), line + " gathers")),
        chart("Scrape duration", "How long a scrape took as Prometheus saw it, and gathering the series of it.", "s", Query(runtime("scrape_duration_seconds"), line + " scrape"),
              Query(share(rate(process("scrape_gather_seconds_total")), rate(process("scrape_gathers_total"))), line + " gather")),
        chart("Samples per scrape", "What this prober costs Prometheus.", "short", Query(runtime("scrape_samples_scraped"), line)),
        chart("Incomplete expositions", "Scrapes that lacked something, by cause.", "cps", Query(by("sum", ("instance", "cause"), rate(process("scrape_errors_total"))), line + " {{cause}}")),
        chart("Age of the configuration", "Time since the configuration in force was read.", "s", Query(f"time() - {process('config_last_reload_success_timestamp_seconds')}", line)),
        grid("Versions", "What runs where. Several versions are a rollout that has not ended.",
             Query(by("max", ("instance", "version", "revision", "goversion"), process("build_info"))),
             labels={"instance": "Instance", "version": "Version", "revision": "Revision", "goversion": "Go"}, columns=[Column("Runs", "bool")], width=12),
        grid("Clusters", "Which clusters each prober looks at, by the id that the cluster has given itself.",
             Query(by("max", ("instance", "kafka_cluster", "cluster_id"), cluster("cluster_info"))),
             labels={"instance": "Instance", "kafka_cluster": "Cluster", "cluster_id": "Cluster id"}, columns=[Column("Seen", "bool")], width=12),
    )


def build():
    board = frame.new(SELF, "Kafka prober / Prober itself", "Is what the other dashboards say to be believed, and what does it cost?", "listener", "probe", "broker", time="now-3h")
    for part in (trust, collectors, cost):
        part(board)
    return board
