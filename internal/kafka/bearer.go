package kafka

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
)

// bearer is OAUTHBEARER whose refusals have a name: a broker says in words of RFC 7628 that it does not
// take a token, not by one of Kafka's errors, and kgo calls that unexpected data.
type bearer struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := b.Mechanism.Authenticate(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	return bearerSession{session}, first, nil
}

type bearerSession struct{ sasl.Session }

// Challenge implements sasl.Session. Of what the broker says it quotes the status only, if that is one.
func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	done, say, err := s.Session.Challenge(answer)
	if err == nil {
		return done, say, nil
	}
	var refusal struct{ Status string }
	if json.Unmarshal(answer, &refusal) == nil && errorCode.MatchString(refusal.Status) {
		err = fmt.Errorf("the broker does not take the token: %s", refusal.Status)
	}
	return false, nil, fmt.Errorf("%w: %w", kerr.SaslAuthenticationFailed, err)
}
