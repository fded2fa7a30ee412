// Package topics decides which topics, partitions and leaders the probes
// need, and brings the cluster there without harming it.
//
// It works in four steps, and only the first and the last one talk to Kafka:
//
//	Observe  what is there now: brokers, the topic, its partitions and settings
//	NewPlan  what should be done about it (pure: same input, same plan)
//	Choose   which partitions are probed, one per leader (pure)
//	Apply    carries out one action of a plan
//
// A Manager runs them in a loop, remembers what one observation cannot tell
// (how long the brokers have been stable, what was refused) and hands out a
// Layout whenever it changes. A plan alone is the dry run of `check`.
//
// What it will not do: alter an existing topic with ModeCreate, apart from
// adding partitions for brokers that lead none and electing the preferred
// leader, both only on topics that are the prober's own (LooksOurs); move a
// replica, add a partition or elect a leader while a known broker is missing;
// insist on something that the cluster refused.
//
// Time is monotonic throughout: durations since the Manager's epoch.
package topics
