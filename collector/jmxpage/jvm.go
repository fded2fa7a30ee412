package jmxpage

// jvmSeries are what a page says of the Java process, by lower-case name: jmx_exporter's own series of 1.x
// and 0.x, then those of the platform's MBeans without rules. The first that a page has counts.
var jvmSeries = map[string]struct {
	key   Key
	scale float64
	label string // that becomes Key.Label
	heap  bool   // only with area="heap"
}{
	"process_cpu_seconds_total":       {key: Key{Metric: ProcessCPU, Attr: Count}, scale: 1},
	"process_open_fds":                {key: Key{Metric: OpenFiles, Attr: Value}, scale: 1},
	"process_max_fds":                 {key: Key{Metric: MaxOpenFiles, Attr: Value}, scale: 1},
	"jvm_memory_used_bytes":           {key: Key{Metric: HeapUsed, Attr: Value}, scale: 1, heap: true},
	"jvm_memory_max_bytes":            {key: Key{Metric: HeapMax, Attr: Value}, scale: 1, heap: true},
	"jvm_memory_bytes_used":           {key: Key{Metric: HeapUsed, Attr: Value}, scale: 1, heap: true},
	"jvm_memory_bytes_max":            {key: Key{Metric: HeapMax, Attr: Value}, scale: 1, heap: true},
	"jvm_gc_collection_seconds_sum":   {key: Key{Metric: GCTime, Attr: Count}, scale: 1, label: "gc"},
	"jvm_gc_collection_seconds_count": {key: Key{Metric: GCCount, Attr: Count}, scale: 1, label: "gc"},

	"java_lang_operatingsystem_processcputime":          {key: Key{Metric: ProcessCPU, Attr: Count}, scale: 1e-9},
	"java_lang_operatingsystem_openfiledescriptorcount": {key: Key{Metric: OpenFiles, Attr: Value}, scale: 1},
	"java_lang_operatingsystem_maxfiledescriptorcount":  {key: Key{Metric: MaxOpenFiles, Attr: Value}, scale: 1},
	"java_lang_memory_heapmemoryusage_used":             {key: Key{Metric: HeapUsed, Attr: Value}, scale: 1},
	"java_lang_memory_heapmemoryusage_max":              {key: Key{Metric: HeapMax, Attr: Value}, scale: 1},
	"java_lang_garbagecollector_collectiontime":         {key: Key{Metric: GCTime, Attr: Count}, scale: 1e-3, label: "name"},
	"java_lang_garbagecollector_collectioncount":        {key: Key{Metric: GCCount, Attr: Count}, scale: 1, label: "name"},
}

// addJVM adds a series of the Java process.
func (p *Page) addJVM(name string, s *series) {
	j, known := jvmSeries[name]
	if !known || j.heap && s.label("area") != "heap" {
		return
	}
	k := j.key
	if j.label != "" {
		if k.Label = s.label(j.label); k.Label == "" {
			return
		}
	}
	p.put(k, s.value*j.scale, name)
}
