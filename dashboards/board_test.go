package dashboards

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// board is what the tests look at of a dashboard.
type board struct {
	UID, Title, Description string
	Editable                *bool
	Tags                    []string
	Panels                  []panel
	Templating              struct{ List []variable }
	Annotations             struct{ List []annotation }
	Links                   []struct {
		Type                  string
		Tags                  []string
		IncludeVars, KeepTime bool
	}
	Inputs   json.RawMessage `json:"__inputs"`
	Requires json.RawMessage `json:"__requires"`
	ID       json.RawMessage `json:"id"`
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               datasource
	Targets                  []target
	Panels                   []panel
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct {
		Defaults struct {
			Unit, NoValue string
			Links         []struct{ URL string }
		}
	}
	Transformations []struct {
		ID      string
		Options struct {
			IndexByName           map[string]int
			RowField, ColumnField string
		}
	}
}

// columns returns the labels that are columns of a table, or rows of a matrix.
func (p panel) columns() []string {
	var all []string
	for _, t := range p.Transformations {
		for name := range t.Options.IndexByName {
			if name != "Value" && !strings.HasPrefix(name, "Value #") {
				all = append(all, name)
			}
		}
		if t.ID == "groupingToMatrix" {
			all = append(all, t.Options.RowField, t.Options.ColumnField)
		}
	}
	return all
}

var legendLabel = regexp.MustCompile(`\{\{ *([a-z_]+) *\}\}`)

type datasource struct{ Type, UID string }

type target struct {
	RefID, Expr, LegendFormat, Format string
	Interval                          string // least step; "" for that of the data source
	Datasource                        datasource
	Instant, Range                    bool
}

type variable struct {
	Name, Label, Type, AllValue string
	Datasource                  datasource
	Multi, IncludeAll           bool
	Refresh                     int
	Query                       json.RawMessage
}

// labelValues returns a query variable's query.
func (v variable) labelValues(t *testing.T) string {
	t.Helper()
	var query struct{ Query string }
	if err := json.Unmarshal(v.Query, &query); err != nil {
		t.Fatalf("query of variable %s: %v", v.Name, err)
	}
	return query.Query
}

type annotation struct {
	Name, Expr, TitleFormat string
	Datasource              datasource
	Enable                  bool
}

// boards returns all dashboards.
func boards(t *testing.T) []*board {
	t.Helper()
	paths, err := filepath.Glob("*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dashboard here (error: %v): run make dashboards", err)
	}
	all := make([]*board, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b := new(board)
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(b); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if path != b.UID+".json" {
			t.Errorf("%s holds the dashboard %q: a file is named by its uid", path, b.UID)
		}
		all = append(all, b)
	}
	return all
}

// charts returns the panels that show something: all but rows.
func (b *board) charts() []panel {
	var all []panel
	for _, p := range b.Panels {
		if p.Type == "row" {
			all = append(all, p.Panels...)
			continue
		}
		all = append(all, p)
	}
	return all
}

// emptiness is the sentence that ends the description of a panel that may have no data.
var emptiness = regexp.MustCompile(`\n\n(Partly empty|Empty) (.+)\.$`)

// reasons are why a panel may be empty, in the words of src/panels.py.
var reasons = []string{
	"when healthy", "without history", "where Kafka does not say", "without native histograms", "without JMX pages",
	"where no flush can be measured", "without the burst probe", "without consumer groups", "without TLS", "unless configured",
}

// mayBeEmpty returns why the panel may have no data, "" if it may not, and whether some of its queries have.
func (p panel) mayBeEmpty() (reason string, partly bool) {
	found := emptiness.FindStringSubmatch(p.Description)
	if found == nil {
		return "", false
	}
	return found[2], found[1] == "Partly empty"
}

// expansion gives Grafana's variables values: everything, and times that fit a test's few seconds of data.
type expansion struct{ job, rateInterval, timeRange string }

var dashboardVariable = regexp.MustCompile(`\$\{?([a-z_]+)\}?`)

func (e expansion) expand(expr string) string {
	expr = strings.NewReplacer("$__rate_interval", e.rateInterval, "$__range", e.timeRange).Replace(expr)
	return dashboardVariable.ReplaceAllStringFunc(expr, func(name string) string {
		if strings.Trim(name, "${}") == "job" {
			return e.job
		}
		return ".+"
	})
}
