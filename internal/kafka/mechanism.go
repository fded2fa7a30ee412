package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/kafka-prober/kafka_prober/internal/security"
)

// mechanism returns what authenticates a connection, or nil where there is no SASL. Each connection asks
// for the credentials that are in force then.
func (c *credentials) mechanism() sasl.Mechanism {
	if c.sasl == nil {
		return nil
	}
	switch c.sasl.Mechanism {
	case security.Plain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			m, err := c.current()
			if err != nil {
				return plain.Auth{}, err
			}
			return plain.Auth{User: m.username, Pass: m.password}, nil
		})
	case security.ScramSHA256:
		return scram.Sha256(c.scram)
	case security.ScramSHA512:
		return scram.Sha512(c.scram)
	case security.OAuthBearer:
		return bearer{c}
	case security.MSKIAM:
		return aws.ManagedStreamingIAM(c.aws)
	}
	panic("kafka: no SASL mechanism " + c.sasl.Mechanism) // the configuration has checked it
}

func (c *credentials) scram(context.Context) (scram.Auth, error) {
	m, err := c.current()
	if err != nil {
		return scram.Auth{}, err
	}
	return scram.Auth{User: m.username, Pass: m.password}, nil
}

// oauth returns what to log in with, and whom to tell if the broker refuses it.
func (c *credentials) oauth(ctx context.Context) (auth oauth.Auth, refuse func(), err error) {
	m, err := c.current()
	if err != nil {
		return auth, nil, err
	}
	if m.tokens == nil {
		return oauth.Auth{Token: m.token}, func() {}, nil
	}
	token, err := m.tokens.token(ctx)
	if err != nil {
		return auth, nil, &CredentialError{err}
	}
	return oauth.Auth{Token: token, Extensions: c.sasl.OAuth2.Extensions}, func() { m.tokens.refuse(token) }, nil
}

func (c *credentials) aws(context.Context) (aws.Auth, error) {
	m, err := c.current()
	if err != nil {
		return aws.Auth{}, err
	}
	return aws.Auth{AccessKey: m.username, SecretKey: m.password, SessionToken: m.token, UserAgent: SoftwareName}, nil
}
