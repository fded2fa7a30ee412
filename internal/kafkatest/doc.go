// Package kafkatest starts a real Apache Kafka on loopback for tests and benchmarks.
//
// A Cluster is one controller-only KRaft node (id ControllerID) and N brokers (ids 1..N, three unless
// Brokers says otherwise), each a JVM of its own: a combined node that dies would take the quorum with
// it, and metadata would go on showing the dead leader. Broker i is in rack "rack-i".
//
//	func TestMain(m *testing.M) { kafkatest.Main(m) }      // one cluster for the package
//
//	func TestSteady(t *testing.T) {
//		c := kafkatest.Shared(t)                       // booted at first use, healed after each test
//		cl, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
//		...
//		c.Broker(2).Pause()                            // SIGSTOP
//	}
//
// Secure adds a listener for every way in (TLS, client certificates, SASL) and ACLs; its certificates are
// made at run time.
//
// Start gives a test a cluster of its own; Run does so without a testing.TB.
//
// Requirements are a JDK 17+ and Maven; without them Start fails, it never skips. The jars of pom.xml
// are resolved once per Kafka version into the user's cache folder. The version is Version's, else that
// of the environment variable KAFKA_VERSION, else DefaultVersion; 3.9.1 is tried too.
//
// Timings differ from the brokers' defaults so that tests need not wait: a broker session lasts 3 s,
// retention is checked every second. BrokerDefaults leaves those settings as Kafka ships them.
//
// Measured on 2 cores that other work shared, with the jars in the cache (BenchmarkBoot): three brokers
// are ready after 9 to 16 s and 16 to 18 s of CPU time, and take 640 MiB with their controller. A killed
// broker leaves the metadata after 3 to 5 s and is back 4 to 7 s after Start.
//
// Nothing outlives the test process: each JVM is started with SIGKILL as its parent-death signal (Linux;
// on other systems only Close ends them), which reaches a stopped process too. Data folders are removed
// by Close, and those of a killed process by the next Start or Run.
//
// Tests that use this package carry the build tag kafka, so that `make test-unit` needs no Java and no
// test is ever skipped; `make test` runs both.
package kafkatest
