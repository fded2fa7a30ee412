"use strict";
const colours = ["#1f77b4", "#d62728", "#7f7f7f"];
function draw(parent, title, x, names, columns, options) {
  const series = [{ label: options.x }];
  names.forEach((name, i) => series.push({ label: name, stroke: colours[i], width: 2, points: { show: x.length < 3 } }));
  new uPlot({
    title: title, width: 520, height: 280, series: series,
    scales: { x: { time: false, distr: options.logX ? 3 : 1 }, y: { distr: 1, range: (u, min, max) => [0, (max || 1) * 1.05] } },
    axes: [{ label: options.x, values: options.ticks }, { label: options.y, size: 70 }],
  }, [x].concat(columns), parent);
}
// One in so many records is above: 100 is the 99th percentile.
const percentile = (u, values) => values.map((odds) => {
  const nines = Math.log10(odds);
  return odds === 1 ? "0" : Number.isInteger(nines) ? "p" + (100 * (1 - 1 / odds)).toFixed(Math.max(0, nines - 2)) : "";
});
for (const c of charts) {
  const parent = document.getElementById("charts");
  parent.appendChild(Object.assign(document.createElement("h2"), { textContent: c.title }));
  const row = parent.appendChild(Object.assign(document.createElement("div"), { className: "charts" }));
  if (c.seconds) {
    draw(row, "Latency over time", c.seconds, ["p50", "p99", "max"], [c.p50, c.p99, c.max], { x: "seconds", y: "ms" });
    draw(row, "Throughput", c.seconds, ["records/s"], [c.rate], { x: "seconds", y: "records/s" });
  }
  draw(row, "Latency by percentile", c.odds, ["end to end", "ack"], [c.end_to_end, c.ack], { x: "percentile", y: "ms", logX: true, ticks: percentile });
}
