package bench

import (
	"math/rand/v2"
	"testing"
)

// What is missing is what never came, whatever the order and however often the rest came.
func TestSequence(t *testing.T) {
	span := func(from, to uint64) (all []uint64) {
		for n := from; n < to; n++ {
			all = append(all, n)
		}
		return all
	}
	join := func(parts ...[]uint64) (all []uint64) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, test := range map[string]struct {
		came []uint64
		want Counts
	}{
		"all":                      {span(0, 100), Counts{}},
		"from the middle on":       {span(50, 100), Counts{}},
		"some missing":             {join(span(0, 10), span(13, 20), span(25, 30)), Counts{Missing: 8}},
		"a batch twice":            {join(span(0, 100), span(0, 100), span(100, 110)), Counts{Duplicate: 100}},
		"two by turns":             {[]uint64{0, 1, 3, 2, 4}, Counts{Reordered: 1}},
		"batches by turns":         {join(span(0, 10), span(20, 30), span(10, 20), span(30, 40)), Counts{Reordered: 10}},
		"late, and late again":     {[]uint64{0, 2, 1, 1, 3}, Counts{Reordered: 1, Duplicate: 1}},
		"a part of what was late":  {join(span(0, 10), span(20, 30), span(14, 16)), Counts{Reordered: 2, Missing: 8}},
		"the first comes second":   {[]uint64{7, 6, 8}, Counts{Reordered: 1}},
		"backwards through a gap":  {[]uint64{0, 5, 4, 3, 2, 1, 6}, Counts{Reordered: 4}},
		"out of the middle of one": {[]uint64{0, 9, 5, 4, 6, 5}, Counts{Reordered: 3, Missing: 5, Duplicate: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sequence{first: test.came[0], next: test.came[0]}
			var got Counts
			for _, n := range test.came {
				s.take(n, &got)
			}
			if got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

// Any order with some left out and some doubled, against a set.
func TestSequenceOfChance(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s, got, came, want := sequence{}, Counts{}, map[uint64]bool{}, Counts{}
		highest := uint64(0)
		for range 300 {
			n := rng.Uint64N(200)
			switch {
			case came[n]:
				want.Duplicate++
			case n < highest:
				want.Reordered++
			}
			came[n] = true
			highest = max(highest, n+1)
			s.take(n, &got)
		}
		want.Missing = highest - uint64(len(came))
		if got != want {
			t.Fatalf("seed %d: %+v, want %+v", seed, got, want)
		}
	}
}
