package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// formats are the three expositions served, in order of our preference: a
// client that takes anything (`*/*`, a browser, curl) gets the one a person
// can read.
var formats = []expfmt.Format{expfmt.FmtText, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtProtoDelim}

// negotiateFormat picks the exposition format for an Accept header.
//
// The escaping scheme that a client may ask for is answered with underscores
// whatever it was: every name here is a legacy name, so the schemes give the
// same bytes, and there are three formats to keep instead of twelve.
func negotiateFormat(h http.Header) expfmt.Format {
	return expfmt.NegotiateAccept(h, formats...).WithEscapingScheme(model.UnderscoreEscaping)
}

// encoding is a content coding of RFC 9110.
type encoding string

const (
	identity encoding = "identity"
	gzipped  encoding = "gzip"
	zstded   encoding = "zstd"
)

// negotiateEncoding picks the content coding for an Accept-Encoding header:
// the highest quality wins and, among equals, the one that is cheapest for
// both ends: zstd, gzip, identity. Whatever can't be parsed is not chosen.
func negotiateEncoding(h http.Header) encoding {
	qualities := map[encoding]float64{}
	for _, line := range h.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			quality := 1.0
			if _, value, ok := strings.Cut(params, "q="); ok {
				var err error
				if quality, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
					quality = 0
				}
			}
			qualities[encoding(strings.ToLower(strings.TrimSpace(name)))] = quality
		}
	}
	best, bestQuality := identity, qualities[identity]
	for _, candidate := range []encoding{gzipped, zstded} {
		if q := qualities[candidate]; q > 0 && q >= bestQuality {
			best, bestQuality = candidate, q
		}
	}
	return best
}
