package rulecheck

import (
	"slices"
	"testing"
)

func TestMutants(t *testing.T) {
	got, err := mutants(`(a{x="1"} and b > 0) > on (y) group_left () (c or d) * 2`)
	if err != nil {
		t.Fatal(err)
	}
	want := []mutant{
		{"< for > (1)", `(a{x="1"} and b > 0) < on (y) group_left () (c or d) * 2`},
		{`without x="1" (1)`, `(a and b > 0) > on (y) group_left () (c or d) * 2`},
		{"< for > (2)", `(a{x="1"} and b < 0) > on (y) group_left () (c or d) * 2`},
		{"without parentheses (1)", ` a{x="1"} and b > 0  > on (y) group_left () (c or d) * 2`},
		{"without parentheses (2)", `(a{x="1"} and b > 0) > on (y) group_left ()  c or d  * 2`},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if same, err := mutants(`(sum by (x) (a))`); err != nil || len(same) != 0 {
		t.Errorf("parentheses that mean nothing: %q, %v", same, err)
	}
}
