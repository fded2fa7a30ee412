"""Panels as they look here: one function a kind, each of which wants a title, a description and a unit."""

import zlib
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models import heatmap as hm
from grafana_foundation_sdk.models import prometheus as pm

from queries import step

DATASOURCE = cm.DataSourceRef(type_val="prometheus", uid="${datasource}")

# Why a panel may have no data: the end of the last sentence of its description, which the tests read, and what
# the panel shows then. "partly" before a key is for a panel of which some queries always have data.
EMPTY = {
    "healthy": ("when healthy", "none"),
    "history": ("without history", "not yet"),
    "kafka": ("where Kafka does not say", "Kafka does not say"),
    "native": ("without native histograms", "needs native histograms"),
    "jmx": ("without JMX pages", "needs the brokers' JMX pages"),
    "flush": ("where no flush can be measured", "no flush can be measured"),
    "burst": ("without the burst probe", "needs the burst probe"),
    "groups": ("without consumer groups", "no consumer groups"),
    "tls": ("without TLS", "no TLS"),
    "configured": ("unless configured", "not configured"),
}

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"


@dataclass
class Query:
    """One query of a panel."""

    expr: str
    legend: str = ""
    ref: str = ""  # A, B, ... by position; THRESHOLD for a limit
    exemplars: bool = False


THRESHOLD = "Threshold"  # refId of limits, drawn dashed


def limit(expr: str, legend: str = "{{kafka_cluster}} {{probe}} {{severity}} threshold") -> Query:
    """The limit of an alert, from the series that the alert compares with."""
    return Query(expr, legend, ref=THRESHOLD)


@dataclass
class Column:
    """One column of a table: a query's value, or a label."""

    name: str
    unit: str = "string"
    thresholds: list[tuple[float | None, str]] = field(default_factory=list)
    decimals: int | None = None


def _prometheus(q: Query, position: int, *, instant: bool = False, form: pm.PromQueryFormat | None = None) -> prometheus.Dataquery:
    out = prometheus.Dataquery().datasource(DATASOURCE).ref_id(q.ref or chr(ord("A") + position)).expr(q.expr)
    out = out.legend_format(q.legend or "__auto").editor_mode(pm.QueryEditorMode.CODE)
    out = out.instant() if instant else out.range()
    if form:
        out = out.format(form)
    if every := step(q.expr):
        out = out.interval(every)
    return out.exemplar(True) if q.exemplars else out


def identify(title: str) -> int:
    """A panel's id, from its title, so that a link to it holds when another one is put before it."""
    return zlib.crc32(title.encode()) & 0x7FFFFFFF


def _common(panel, title: str, description: str, unit: str, width: int, height: int, empty: str | None):
    panel = panel.title(title).unit(unit).datasource(DATASOURCE)
    if empty:
        partly, _, reason = empty.rpartition(" ")
        when, shown = EMPTY[reason]
        description += f"\n\n{'Partly empty' if partly else 'Empty'} {when}."
        panel = panel.no_value(shown)
    panel = panel.description(description)
    return panel.id(identify(title)).span(width).height(height)


def _steps(steps: list[tuple[float | None, str]]) -> Builder:
    return dashboard.ThresholdsConfig().mode(dm.ThresholdsMode.ABSOLUTE).steps([dm.Threshold(value=v, color=c) for v, c in steps])


def _fixed(color: str) -> Builder:
    return dashboard.FieldColor().mode(dm.FieldColorModeId.FIXED).fixed_color(color)


def _style(name: str, value: object) -> dm.DynamicConfigValue:
    return dm.DynamicConfigValue(id_val=name, value=value)


def link(title: str, uid: str, *labels: str) -> Builder:
    """A link from a line of a chart to a dashboard, on the line's labels and the time shown."""
    variables = "".join(f"&var-{name}=${{__field.labels.{name}}}" for name in labels)
    return dashboard.DashboardLink(title).url(f"/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}{variables}")


def chart(title: str, description: str, unit: str, *queries: Query, width: int = 8, height: int = 8, empty: str | None = None,
          stacked: bool = False, links: tuple[Builder, ...] = (), least: float | None = 0, most: float | None = None) -> Builder:
    """Lines over time."""
    panel = _common(timeseries.Panel(), title, description, unit, width, height, empty)
    panel = panel.legend(common.VizLegendOptions().display_mode(cm.LegendDisplayMode.TABLE).placement(cm.LegendPlacement.BOTTOM)
                         .show_legend(True).calcs(["lastNotNull", "max"]).sort_by("Max").sort_desc(True))
    panel = panel.tooltip(common.VizTooltipOptions().mode(cm.TooltipDisplayMode.MULTI).sort(cm.SortOrder.DESCENDING))
    panel = panel.line_width(1).fill_opacity(30 if stacked else 5).show_points(cm.VisibilityMode.NEVER).data_links(list(links))
    panel = panel.color_scheme(dashboard.FieldColor().mode(dm.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    if least is not None:
        panel = panel.min(least)
    if most is not None:
        panel = panel.max(most)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(cm.StackingMode.NORMAL))
    for position, q in enumerate(queries):
        panel = panel.with_target(_prometheus(q, position))
    if any(q.ref == THRESHOLD for q in queries):
        panel = panel.override_by_query(THRESHOLD, [
            _style("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}), _style("custom.fillOpacity", 0),
            _style("custom.stacking", {"mode": "none"}),
        ])
        for severity, color in (("warning", ORANGE), ("critical", RED)):
            panel = panel.override_by_regexp(f".*{severity} threshold$", [_style("color", {"mode": "fixed", "fixedColor": color})])
    return panel


def number(title: str, description: str, unit: str, query: Query, *steps: tuple[float | None, str], width: int = 4, height: int = 4,
           empty: str | None = None, decimals: int | None = None, course: bool = True) -> Builder:
    """One figure, coloured by steps, with its course behind it unless it is of the whole range shown."""
    panel = _common(stat.Panel(), title, description, unit, width, height, empty).with_target(_prometheus(query, 0, instant=not course))
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.graph_mode(cm.BigValueGraphMode.AREA if course else cm.BigValueGraphMode.NONE)
    panel = panel.color_mode(cm.BigValueColorMode.BACKGROUND if len(steps) > 1 else cm.BigValueColorMode.VALUE)
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel.thresholds(_steps(list(steps) or [(None, GREY)])).color_scheme(dashboard.FieldColor().mode(dm.FieldColorModeId.THRESHOLDS))


def bars(title: str, description: str, unit: str, *queries: Query, width: int = 8, height: int = 8, empty: str | None = None) -> Builder:
    """The latest figure of each series as a bar."""
    panel = _common(bargauge.Panel(), title, description, unit, width, height, empty)
    panel = panel.orientation(cm.VizOrientation.HORIZONTAL).display_mode(cm.BarGaugeDisplayMode.BASIC).min(0)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.thresholds(_steps([(None, BLUE)]))
    for position, q in enumerate(queries):
        panel = panel.with_target(_prometheus(q, position, instant=True))
    return panel


def heat(title: str, description: str, unit: str, expr: str, *, width: int = 12, height: int = 8, empty: str | None = None) -> Builder:
    """How many observations were how large, over time."""
    panel = _common(heatmap.Panel(), title, description, unit, width, height, empty)
    panel = panel.with_target(_prometheus(Query(expr, "{{le}}", exemplars=True), 0, form=pm.PromQueryFormat.HEATMAP))
    panel = panel.calculate(False).y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(cm.AxisPlacement.LEFT))
    panel = panel.color(heatmap.HeatmapColorOptions().mode(hm.HeatmapColorMode.SCHEME).scheme("Oranges")
                        .scale(hm.HeatmapColorScale.EXPONENTIAL).exponent(0.5).steps(64))
    panel = panel.filter_values(heatmap.FilterValueRange().le(1e-9)).cell_gap(1)
    return panel.tooltip(heatmap.HeatmapTooltip().mode(cm.TooltipDisplayMode.SINGLE).y_histogram(True)).exemplars_color("rgba(255,0,255,0.7)")


def states(title: str, description: str, *queries: Query, meaning: dict[str, tuple[str, str]], width: int = 12, height: int = 8,
           empty: str | None = None) -> Builder:
    """What was so when: meaning gives each value its word and colour."""
    panel = _common(statetimeline.Panel(), title, description, "bool", width, height, empty)
    for position, q in enumerate(queries):
        panel = panel.with_target(_prometheus(q, position))
    mapping = {value: dm.ValueMappingResult(text=text, color=color, index=i) for i, (value, (text, color)) in enumerate(meaning.items())}
    panel = panel.mappings([dm.ValueMap(options=mapping)]).show_value(cm.VisibilityMode.NEVER).merge_values(True).row_height(0.85)
    panel = panel.thresholds(_steps([(None, GREY)])).legend(common.VizLegendOptions().show_legend(True).display_mode(cm.LegendDisplayMode.LIST)
                                                           .placement(cm.LegendPlacement.BOTTOM))
    return panel.tooltip(common.VizTooltipOptions().mode(cm.TooltipDisplayMode.MULTI)).fill_opacity(80).line_width(0)


UP = {"0": ("down", RED), "1": ("up", GREEN)}
OK = {"0": ("failed", RED), "1": ("ok", GREEN)}


def grid(title: str, description: str, *queries: Query, labels: dict[str, str], columns: list[Column], width: int = 24, height: int = 8,
         empty: str | None = None, sort: str | None = None) -> Builder:
    """A table with a row for each set of labels and a column for each query, labels first."""
    panel = _common(table.Panel(), title, description, "short", width, height, empty)
    values = {}
    for position, (q, column) in enumerate(zip(queries, columns, strict=True)):
        panel = panel.with_target(_prometheus(q, position, instant=True, form=pm.PromQueryFormat.TABLE))
        values["Value" if len(queries) == 1 else f"Value #{chr(ord('A') + position)}"] = column.name
    order = [*labels, *values]
    panel = panel.with_transformation(dm.DataTransformerConfig(id_val="merge", options={}))
    panel = panel.with_transformation(dm.DataTransformerConfig(id_val="organize", options={
        "excludeByName": {"Time": True}, "indexByName": {name: i for i, name in enumerate(order)}, "renameByName": labels | values,
    }))
    for column in columns:
        look = [_style("unit", column.unit)]
        if column.decimals is not None:
            look.append(_style("decimals", column.decimals))
        if column.thresholds:
            steps = [{"value": value, "color": color} for value, color in column.thresholds]
            look += [_style("thresholds", {"mode": "absolute", "steps": steps}), _style("color", {"mode": "thresholds"}),
                     _style("custom.cellOptions", {"type": "color-background", "mode": "basic"})]
        panel = panel.override_by_name(column.name, look)
    if sort:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    return panel.filterable(True)


def matrix(title: str, description: str, unit: str, query: Query, *, row: str, column: str, steps: list[tuple[float | None, str]],
           width: int = 12, height: int = 8, empty: str | None = None) -> Builder:
    """A table of one figure: a row for each value of one label, a column for each of another."""
    panel = _common(table.Panel(), title, description, unit, width, height, empty)
    panel = panel.with_target(_prometheus(query, 0, instant=True, form=pm.PromQueryFormat.TABLE))
    panel = panel.with_transformation(dm.DataTransformerConfig(id_val="groupingToMatrix", options={
        "columnField": column, "rowField": row, "valueField": "Value", "emptyValue": "null",
    }))
    panel = panel.thresholds(_steps(steps)).color_scheme(dashboard.FieldColor().mode(dm.FieldColorModeId.THRESHOLDS))
    panel = panel.cell_options(cm.TableColoredBackgroundCellOptions(mode=cm.TableCellBackgroundDisplayMode.BASIC))
    return panel.override_by_name(f"{row}\\{column}", [_style("unit", "string"), _style("custom.cellOptions", {"type": "auto"})])
