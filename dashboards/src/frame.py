"""What all dashboards have in common: variables, annotations, links, time range."""

import json
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as dm

from panels import DATASOURCE, identify
from queries import FIRING, cluster, runtime

TAG = "kafka_prober"

OVERVIEW = "kafka-prober-overview"
PROBE = "kafka-prober-probe"
BROKERS = "kafka-prober-brokers"
BURST = "kafka-prober-burst"
PRODUCER = "kafka-prober-producer"
CONSUMER = "kafka-prober-consumer"
SELF = "kafka-prober-self"

# Each variable by what it is chosen from. The names in a pattern are of probes and of collectors: a prober may
# run one half only.
_JOB = 'job=~"$job"'
_INSTANCE = _JOB + ', instance=~"$instance"'
_CLUSTER = _INSTANCE + ', kafka_cluster=~"$kafka_cluster"'
_VARIABLES = {
    "job": ("Job", "label_values(kafka_prober_build_info, job)"),
    "instance": ("Instance", f"label_values(kafka_prober_build_info{{{_JOB}}}, instance)"),
    "kafka_cluster": ("Kafka cluster", f'label_values({{__name__=~"kafka_prober_(collector_success|probe_interval_seconds)", {_INSTANCE}}}, kafka_cluster)'),
    "listener": ("Listener", f"label_values(kafka_prober_probe_interval_seconds{{{_CLUSTER}}}, listener)"),
    "probe": ("Probe", f'label_values(kafka_prober_probe_interval_seconds{{{_CLUSTER}, listener=~"$listener"}}, probe)'),
    "burst": ("Burst probe", f'label_values(kafka_prober_burst_running{{{_CLUSTER}, listener=~"$listener"}}, probe)'),
    "broker": ("Broker", f'label_values({{__name__=~"kafka_prober_(broker_up|records_due_total)", {_CLUSTER}}}, broker)'),
    "topic": ("Topic", f"label_values(kafka_prober_topic_log_end_offset{{{_CLUSTER}}}, topic)"),
    "group": ("Consumer group", f"label_values(kafka_prober_consumer_group_state{{{_CLUSTER}}}, group)"),
}

ALWAYS = ("job", "instance", "kafka_cluster")


def _variable(key: str) -> Builder:
    label, query = _VARIABLES[key]
    name = "probe" if key == "burst" else key  # the same variable, of fewer probes
    return (dashboard.QueryVariable(name).label(label).datasource(DATASOURCE)
            .query({"query": query, "refId": name, "qryType": 1}).definition(query)
            .multi(True).include_all(True).all_value(".+").current(dm.VariableOption(selected=True, text=["All"], value=["$__all"]))
            .refresh(dm.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(dm.VariableSort.NATURAL_ASC))


def _annotation(name: str, expr: str, color: str, title: str, tags: str, enable: bool = True) -> Builder:
    return (dashboard.AnnotationQuery().name(name).datasource(DATASOURCE).enable(enable).icon_color(color)
            .expr(expr).title_format(title).tag_keys(tags).step("60s"))


def new(uid: str, title: str, description: str, *variables: str, time: str = "now-6h") -> dashboard.Dashboard:
    """A dashboard without panels. Its variables are chosen each from what the ones before it leave."""
    board = (dashboard.Dashboard(title).uid(uid).description(description).tags([TAG, "kafka"]).readonly()
             .timezone("browser").time(time, "now").refresh("1m").tooltip(dm.DashboardCursorSync.CROSSHAIR))
    board = board.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    for name in (*ALWAYS, *variables):
        board = board.with_variable(_variable(name))
    board = board.annotation(_annotation("Firing alerts", FIRING, "red", "{{alertname}}", "severity,kafka_cluster,broker,topic"))
    board = board.annotation(_annotation("Bursts", f"max by (kafka_cluster, probe) ({cluster('burst_running')}) == 1", "purple",
                                         "burst above 10 MB/s: {{probe}}", "kafka_cluster"))
    board = board.annotation(_annotation("Prober restarts", f"time() - {runtime('process_start_time_seconds')} < 120", "blue",
                                         "prober started: {{instance}}", "instance"))
    board = board.annotation(_annotation("Controller changes", f"max by (kafka_cluster) (increase({cluster('controller_changes_total')}[2m])) > 0",
                                         "orange", "controller changed: {{kafka_cluster}}", "kafka_cluster"))
    return board.link(dashboard.DashboardLink("Kafka prober").type(dm.DashboardLinkType.DASHBOARDS).tags([TAG])
                      .include_vars(True).keep_time(True))


def add(board: dashboard.Dashboard, title: str, *panels: Builder) -> None:
    """Adds a row that is open, and panels below it from left to right."""
    board.with_row(dashboard.Row(title).id(identify(title)))
    for panel in panels:
        board.with_panel(panel)


def encoded(model: dm.Dashboard) -> dict:
    return json.loads(json.dumps(model, cls=JSONEncoder))


def write(board: dashboard.Dashboard, folder: Path) -> Path:
    """Writes a dashboard under its uid, in the bytes that the same source always gives."""
    model = encoded(board.build())
    if encoded(dm.Dashboard.from_json(model)) != model:
        raise ValueError(f"{model['uid']} has something that Grafana's schema does not know, which the SDK drops when it reads it")
    for shown in (*model["links"], *model["annotations"]["list"]):
        del shown["placement"]  # the SDK has no other value than one that hides it in a menu
    path = folder / f"{model['uid']}.json"
    path.write_text(json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return path
