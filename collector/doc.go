// Package collector is the passive half of kafka_prober: what a cluster says of
// itself, as Prometheus series.
//
// A collector asks Kafka in the background, on an interval of its own, and
// leaves a Snapshot behind; a scrape serialises the last one and never talks to
// Kafka. So /metrics answers in milliseconds while a broker, or all of them, do
// not, and says how old each answer is:
//
//	collector_success                           the last refresh went well, and is not older than 3 intervals
//	collector_duration_seconds                  how long it took
//	collector_last_success_timestamp_seconds    when one last went well
//	collector_partial_errors_total              parts of refreshes that failed, by broker and reason
//	series_dropped_total                        what a cap left out
//	signal_available                            0 where a right is missing or the version does not know it
//
// What a refresh learnt is published also when it failed in part; a sum that
// lacks a part is not. State older than three intervals is no longer exported,
// since nobody knows whether it still holds; counters stay.
//
// The collector jmx alone asks something else than Kafka: the pages on which brokers show their MBeans.
// Package jmxpage understands them, the files jmx_*.go find, fetch and export them.
//
// A new collector is one new file, in this order: the settings with their
// defaults, init with its registration in Kinds, the source with its Descs, its
// constructor, Refresh, helpers. brokers.go is the one to follow. Success,
// duration, age, jitter, back-off, logging and the budget come from Set; what
// is partial, refused or left out goes to Env.Account; askCluster, eachTopic,
// eachTopicConfig and TopicFilter are there for all that look at topics.
package collector
