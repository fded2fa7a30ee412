package main

import "testing"

func TestShorten(t *testing.T) {
	t.Parallel()
	const long = `
    interval: 30s
      - alert: A
        expr: sum(rate(a_total[5m])) > 600 and max_over_time(b[1d]) < quantile_over_time(0.5, c[2d] offset 1h)
        for: 10m
        keep_firing_for: 1h30m
        # for each 5m of it
  group_wait: 10s
      repeat_interval: 12h
        description: not for 5m
`
	const want = `
    interval: 1s
      - alert: A
        expr: sum(rate(a_total[10s])) > 600 and max_over_time(b[48m]) < quantile_over_time(0.5, c[1h36m] offset 2m)
        for: 20s
        keep_firing_for: 3m
        # for each 5m of it
  group_wait: 333ms
      repeat_interval: 24m
        description: not for 5m
`
	got, err := shorten(long, 30)
	if err != nil || got != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestShortenWhatIsNoDuration(t *testing.T) {
	t.Parallel()
	if _, err := shorten("for: 5m3h", 2); err == nil {
		t.Error("5m3h was taken for a duration")
	}
}
