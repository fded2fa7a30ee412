package kafka

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/kafka-prober/kafka_prober/internal/security"
)

// bearer is OAUTHBEARER whose refusals have a name and end the use of the token: a broker says in words of
// RFC 7628 that it does not take a token, not by one of Kafka's errors, and kgo calls that unexpected data.
type bearer struct{ credentials *credentials }

// Name implements sasl.Mechanism.
func (b bearer) Name() string { return security.OAuthBearer }

// Authenticate implements sasl.Mechanism.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	auth, refuse, err := b.credentials.oauth(ctx)
	if err != nil {
		return nil, nil, err
	}
	session, first, err := auth.AsMechanism().Authenticate(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	return bearerSession{session, refuse}, first, nil
}

type bearerSession struct {
	sasl.Session
	refuse func() // notes that the token was not taken
}

// Challenge implements sasl.Session. Of what the broker says it quotes the status only, if that is one.
func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	done, say, err := s.Session.Challenge(answer)
	if err == nil {
		return done, say, nil
	}
	s.refuse()
	var refusal struct{ Status string }
	if json.Unmarshal(answer, &refusal) == nil && errorCode.MatchString(refusal.Status) {
		err = fmt.Errorf("the broker does not take the token: %s", refusal.Status)
	}
	return false, nil, fmt.Errorf("%w: %w", kerr.SaslAuthenticationFailed, err)
}
