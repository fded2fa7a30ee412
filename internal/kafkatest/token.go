package kafkatest

import (
	"encoding/base64"
	"fmt"
	"time"
)

// UnsecuredToken returns an unsigned token for OAuthListener: its bearer is User:<subject> until it ends.
func UnsecuredToken(subject string, ends time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, subject, ends.Add(-time.Hour).Unix(), ends.Unix())
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}
