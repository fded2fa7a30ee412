package config

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean returns `, did you mean "interval"?` if one of the candidates is
// close to word, else nothing.
func didYouMean(word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

// oneOf returns the candidates as a person lists them: "a, b or c".
func oneOf(candidates []string) string {
	switch n := len(candidates); n {
	case 0:
		return "nothing"
	case 1:
		return candidates[0]
	default:
		return strings.Join(candidates[:n-1], ", ") + " or " + candidates[n-1]
	}
}

// nearest returns the candidate that the fewest typing errors turn into word,
// or nothing if that takes more than a third of the word. Case and - for _ are
// no errors.
func nearest(word string, candidates []string) string {
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	word = plain(word)
	best, fewest := "", max(1, len(word)/3)+1
	if len(word) > 64 {
		return ""
	}
	for _, candidate := range candidates {
		if d := distance(word, plain(candidate)); d < fewest {
			best, fewest = candidate, d
		}
	}
	return best
}

// distance returns the number of bytes to insert, delete, replace or swap with
// their neighbour to get from a to b.
func distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			replace := prev[j]
			if a[i] != b[j] {
				replace++
			}
			cur[j+1] = min(replace, prev[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// split returns the alternatives of an enum tag.
func split(enum string) []string {
	return slices.DeleteFunc(strings.Split(enum, "|"), func(s string) bool { return s == "" })
}
