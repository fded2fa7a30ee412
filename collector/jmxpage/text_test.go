package jmxpage_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/collector/jmxpage"
)

// queue is a line that makes a page one of a Kafka broker.
const queue = "kafka_network_requestchannel_requestqueuesize 3\n"

// TestReadText is about lines: what is taken, what is skipped, and what spoils the page.
func TestReadText(t *testing.T) {
	const prefix = "not a page of metrics: "
	for _, test := range []struct{ name, page, want, err string }{
		{name: "comments, empty lines, unknown series", page: "# HELP a b\n\n \na 1\nb{c=\"d\"} 2 1700000000000\n" + queue, want: "request_queue.value 3\n"},
		{name: "spaces, time, exemplar, CRLF", page: "a 1 # {x=\"y\"} 2\r\nkafka_network_requestchannel_requestqueuesize\t 4 1700000000.5\r\n", want: "request_queue.value 4\n"},
		{name: "labels", page: `kafka_server_delayedoperationpurgatory_purgatorysize{ a = "}\",=\\" , delayedOperation="Fetch", } 5` + "\n", want: "purgatory.value fetch 5\n"},
		{name: "mixed case", page: "kafka_Network_RequestChannel_RequestQueueSize_Value 6\n", want: "request_queue.value 6\n"},
		{name: "NaN, infinite and negative are not known", page: queue + "kafka_server_replicamanager_underreplicatedpartitions NaN\n" +
			"kafka_server_replicamanager_underminisrpartitioncount +Inf\nkafka_server_replicamanager_offlinereplicacount -1\n", want: "request_queue.value 3\n"},
		{name: "out of range is infinite", page: queue + "kafka_server_replicamanager_offlinereplicacount 1e999\n", want: "request_queue.value 3\n"},
		{name: "the same twice", page: queue + queue, want: "request_queue.value 3\n"},
		{name: "the same twice and different", page: queue + "kafka_network_requestchannel_requestqueuesize 4\nprocess_open_fds 9\n", want: "open_files.value 9\n"},
		{name: "two names of the same", page: queue + "process_cpu_seconds_total 7\njava_lang_OperatingSystem_ProcessCpuTime 7.1e9\n", want: "process_cpu.count 7\nrequest_queue.value 3\n"},
		{name: "of one topic only", page: "kafka_server_brokertopicmetrics_bytesin_total{topic=\"a\"} 1\nkafka_server_brokertopicmetrics_bytesin_total 2\n", want: "bytes_in.count 2\n"},
		{name: "other requests", page: queue + "kafka_network_requestmetrics_totaltimems_count{request=\"Fetch\"} 1\n", want: "request_queue.value 3\n"},
		{name: "errors", page: `kafka_network_requestmetrics_errors_total{request="Fetch",error="NONE"} 1` + "\n" + `kafka_network_requestmetrics_errors_total{request="Fetch",error="NOT_LEADER_OR_FOLLOWER"} 2` + "\n",
			want: "request_errors.count Fetch NOT_LEADER_OR_FOLLOWER 2\n"},
		{name: "two properties in one label", page: `kafka_network_requestmetrics_errorspersec_count{request="Fetch, error=NONE"} 1` + "\n" + `kafka_network_requestmetrics_errorspersec_count{request="Produce, error=NOT_ENOUGH_REPLICAS"} 2` + "\n",
			want: "request_errors.count Produce NOT_ENOUGH_REPLICAS 2\n"},
		{name: "the mean since the start is no ratio of now", page: queue + "kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent 0.9\nkafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent 0.9\n", want: "request_queue.value 3\n"},
		{name: "nanoseconds", page: "kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent 5e9\n", want: "handler_idle.count 5\n"},

		{name: "HTML", page: "<!DOCTYPE html>\n<html>\n", err: prefix + `line 1: "<!DOCTYPE html>" is not the name of a series`},
		{name: "a text as value", page: queue + "a ok\n", err: prefix + `line 2: "ok" is not a number`},
		{name: "no value", page: "a\n", err: prefix + `line 1: "" is not a number`},
		{name: "half a line", page: queue + "kafka_server_replicamanager_underreplicatedpartitions 1", err: prefix + "line 2 has no end, the page is cut short"},
		{name: "half a label", page: queue + "a{b=\"c\n", err: prefix + `line 2: "\"c" is no label value in quotes`},
		{name: "no comma", page: "a{b=\"c\" d=\"e\"} 1\n", err: prefix + `line 1: "d=\"e\"} 1" follows a label, where a comma or the end should`},
		{name: "no label", page: "a{=\"c\"} 1\n", err: prefix + `line 1: "=\"c\"} 1" is no label`},
		{name: "prose", page: "404 page not found\n", err: prefix + `line 1: "404 page not found" is not the name of a series`},
		{name: "after the value", page: "a 1 b\n", err: prefix + `line 1: "b" is no time, which alone may follow a value`},
		{name: "a long line", page: "# " + strings.Repeat("x", 70_000) + "\n", err: prefix + "line 1 is longer than 65536 bytes"},
		{name: "binary", page: "\x1f\x8b\x08\n", err: prefix + `line 1: "\x1f�\b" is not the name of a series`},
		{name: "empty", page: "", err: "page has no metric of a Kafka broker: it may be another program's, or its rules leave out all that is read here"},
		{name: "another program's", page: "process_cpu_seconds_total 1\nup 1\n", err: "page has no metric of a Kafka broker: it may be another program's, or its rules leave out all that is read here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := jmxpage.ReadText(strings.NewReader(test.page))
			if message(err) != test.err {
				t.Fatalf("error %q, want %q", message(err), test.err)
			}
			if err == nil && render(page) != test.want {
				t.Errorf("got\n%s\nwant\n%s", render(page), test.want)
			}
		})
	}
}

// TestConflict counts what is withheld.
func TestConflict(t *testing.T) {
	page, err := jmxpage.ReadText(strings.NewReader(queue + strings.ReplaceAll(queue, "3", "4") + strings.ReplaceAll(queue, "3", "5")))
	if err != nil || page.Conflict != 1 {
		t.Errorf("got %+v, %v", page, err)
	}
}

// TestFreeLabels bounds what a page may put into series.
func TestFreeLabels(t *testing.T) {
	var b strings.Builder
	b.WriteString(queue)
	for i := range 1000 {
		b.WriteString(`kafka_network_requestmetrics_errors_total{request="R` + strings.Repeat("x", i%200) + `",error="E` + strings.Repeat("y", i/200) + "\"} 1\n")
	}
	page, err := jmxpage.ReadText(strings.NewReader(b.String()))
	if err != nil || page.Dropped < 500 {
		t.Fatalf("got %+v, %v", page, err)
	}
	if n := len(numbers(page)); n > 450 {
		t.Errorf("%d numbers", n)
	}
}

// endless is a page without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, strings.Repeat("a 1\n", len(b)/4+1)), nil }

func TestLimited(t *testing.T) {
	_, err := jmxpage.ReadText(&jmxpage.Limited{R: endless{}, Max: 1 << 20})
	if !errors.Is(err, jmxpage.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	exact := &jmxpage.Limited{R: strings.NewReader(queue), Max: int64(len(queue))}
	if _, err := jmxpage.ReadText(exact); err != nil || exact.N != int64(len(queue)) {
		t.Errorf("a page of just the size: %v, %d bytes", err, exact.N)
	}
}

// TestReadJolokia is about answers that are none.
func TestReadJolokia(t *testing.T) {
	const invalid, foreign = "not a page of metrics: ", "page has no metric of a Kafka broker: it may be another program's, or its rules leave out all that is read here"
	const queue = `{"request":{"mbean":"kafka.network:name=RequestQueueSize,type=RequestChannel"},"status":200,"value":{"Value":3}}`
	for _, test := range []struct{ name, page, want, err string }{
		{name: "one", page: "[" + queue + "]", want: "request_queue.value 3\n"},
		{name: "some are missing", page: `[` + queue + `,{"request":{"mbean":"kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs"},"status":404,"error":"no such MBean"}]`, want: "request_queue.value 3\n"},
		{name: "texts and null are not known", page: `[` + queue + `,{"request":{"mbean":"kafka.server:type=ReplicaManager,name=OfflineReplicaCount"},"status":200,"value":{"Value":"NaN"}},` +
			`{"request":{"mbean":"kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions"},"status":200,"value":{"Value":null}},{"request":{"mbean":"java.lang:type=Memory"},"status":200,"value":null}]`, want: "request_queue.value 3\n"},
		{name: "a pattern", page: `[{"request":{"mbean":"kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize,*"},"status":200,"value":{"kafka.server:delayedOperation=Fetch,name=PurgatorySize,type=DelayedOperationPurgatory":{"Value":4}}}]`, want: "purgatory.value fetch 4\n"},
		{name: "HTML", page: "<html>", err: invalid + "the answer is not a list: does the URL end in /jolokia, and is POST allowed?: invalid character '<' looking for beginning of value"},
		{name: "one answer", page: queue, err: invalid + "the answer is not a list: does the URL end in /jolokia, and is POST allowed?"},
		{name: "cut short", page: "[" + queue, err: invalid + "the answer is cut short: EOF"},
		{name: "cut short in an answer", page: "[" + queue[:40], err: invalid + "an answer can't be read: unexpected EOF"},
		{name: "empty", page: "", err: invalid + "the answer is not a list: does the URL end in /jolokia, and is POST allowed?: EOF"},
		{name: "numbers", page: "[1]", err: invalid + "an answer can't be read: json: cannot unmarshal number into Go value of type jmxpage.answer"},
		{name: "refused", page: `[{"status":403,"error":"Reading is forbidden"}]`, err: foreign + `; Jolokia refused: status 403: "Reading is forbidden"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := jmxpage.ReadJolokia(strings.NewReader(test.page))
			if message(err) != test.err {
				t.Fatalf("error %q, want %q", message(err), test.err)
			}
			if err == nil && render(page) != test.want {
				t.Errorf("got\n%s\nwant\n%s", render(page), test.want)
			}
		})
	}
}

// FuzzReadText reads anything: whatever is taken is a number that can be exported.
func FuzzReadText(f *testing.F) { fuzz(f, ".prom", jmxpage.ReadText) }

// FuzzReadJolokia does the same for Jolokia's answers.
func FuzzReadJolokia(f *testing.F) { fuzz(f, ".json", jmxpage.ReadJolokia) }

func fuzz(f *testing.F, suffix string, read func(io.Reader) (*jmxpage.Page, error)) {
	for _, d := range recorded {
		if strings.HasSuffix(d.file, suffix) {
			data, err := os.ReadFile("testdata/" + d.file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data[:min(len(data), 20_000)])
		}
	}
	f.Add([]byte(queue))
	f.Fuzz(func(t *testing.T, data []byte) {
		page, err := read(bytes.NewReader(data))
		if (page == nil) == (err == nil) {
			t.Fatalf("page %v with error %v", page, err)
		}
		if err != nil {
			return
		}
		for k, v := range page.All() {
			if !(v >= 0) || v-v != 0 || len(k.Label) > 128 || len(k.Second) > 128 || attrNames[k.Attr] == "" {
				t.Errorf("%+v is %v", k, v)
			}
		}
	})
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
