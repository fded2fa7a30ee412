// Package demo is the Kafka cluster behind `kafka_prober demo`: three brokers
// in this process (kfake), reachable over TCP on loopback, with a small shop
// working on it, so that every series moves on a machine that has no Kafka.
//
// It is there to be looked at for days: its memory is bounded whatever is
// produced to it, and it takes a few per cent of a core. It is no stand-in for
// Kafka in a measurement: nothing is replicated and nothing reaches a disk.
//
// The shop:
//
//	orders       6 partitions, about 8 records/s of 0.3-3 kB
//	payments     3 partitions, about 3 records/s of 0.2-0.6 kB
//	clickstream  6 partitions, about 40 records/s of 60-400 B, in batches
//	group fulfilment      reads orders and commits every few seconds: lags a little
//	group nightly-report  has committed payments once and has no member: lags for ever
//
// Rates swell and fall by half over five minutes. Once a minute one broker,
// each in turn, answers produce requests late for a few seconds.
package demo
