// Package dashboards holds the Grafana dashboards, as JSON that can be imported without any tool, and the tests
// that keep them true. The JSON is written by `make dashboards` from src/, in Python, as Grafana's Foundation
// SDK for Go can't be had everywhere that Python's can.
//
// Rules that hold for every panel, kept by the tests:
//
//   - Title, description, unit and the data source ${datasource}; nothing to fill in when it is imported.
//   - Each selector is narrowed by the variables job and instance, and where the series have it by kafka_cluster.
//   - A rate is over $__rate_interval, and over four refreshes of the collector whose counter it is of: a least
//     step of the query sees to it. The exceptions are listed, with a reason, in queries_test.go and .lint.
//   - A histogram is asked for as native *or* classic: a Prometheus that scrapes native ones has no _bucket.
//   - What several probers see alike (state of the cluster) is aggregated by max or min, never added up.
//   - A panel that may be empty says when, in the last sentence of its description: "Empty when healthy.", "Empty
//     without JMX pages.", "Partly empty ..." if some of its queries always have data; and it shows why instead
//     of "No data". A panel without that sentence has data on every cluster that is probed with the defaults.
//   - Limits are drawn from the series that alerts compare with.
package dashboards
