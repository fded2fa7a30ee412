// Package web serves everything the prober says over HTTP.
//
// The model is small. [Handler] is one http.Handler put together from parts
// that main hands in: no part is looked up in a global, and none of them talks
// to Kafka while a request waits. A [Metrics] turns a gatherer into
// exposition bodies, at most one gather a second however many scrapers there
// are. A [Page] is plain data that the landing page draws. A [Server] listens,
// with every limit set that keeps one bad client from starving a good one.
//
// Routes:
//
//	/             landing page: what is probed, and how it is (HTML)
//	/metrics      exposition: text 0.0.4, OpenMetrics 1.0, protobuf; gzip, zstd
//	/config       the configuration in force, secrets masked (text)
//	/-/healthy    200 while the process serves
//	/-/ready      200 once a configuration is loaded, else 503 with the reason
//	/-/reload     POST or PUT; 403 unless the lifecycle API is enabled
//	/debug/pprof/ 404 unless enabled
//
// Health and readiness are about this process and its configuration. They
// never depend on Kafka: an outage of the cluster would otherwise restart
// every prober at the moment it is needed.
package web
