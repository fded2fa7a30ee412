// Package promtest runs the programs that a kafka_prober is watched with, for tests: a real Prometheus, a
// real Alertmanager and a webhook behind it. What is started ends with the test that started it; what it
// printed is shown if the test fails.
//
// The programs are looked up on PATH: make builds them into .tools, which it puts there.
package promtest
