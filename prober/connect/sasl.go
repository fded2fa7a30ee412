package connect

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
)

// authenticate does what KIP-43 and KIP-152 say: a handshake that names the mechanism, then the
// mechanism's own exchange, each message of it in a request.
func (w *wire) authenticate(ctx context.Context, mechanism sasl.Mechanism, addr string) error {
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Mechanism = mechanism.Name()
	offered := kmsg.NewPtrSASLHandshakeResponse()
	if err := w.request(handshake, offered); err != nil {
		return err
	}
	if err := kerr.ErrorForCode(offered.ErrorCode); err != nil {
		if len(offered.SupportedMechanisms) > 0 {
			return fmt.Errorf("%w: the listener offers %v, not %s", err, offered.SupportedMechanisms, mechanism.Name())
		}
		return err
	}
	session, say, err := mechanism.Authenticate(ctx, addr)
	if err != nil {
		return err
	}
	for done := false; !done || len(say) > 0; {
		req := kmsg.NewPtrSASLAuthenticateRequest()
		req.SASLAuthBytes = say
		resp := kmsg.NewPtrSASLAuthenticateResponse()
		if err := w.request(req, resp); err != nil {
			return err
		}
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			if resp.ErrorMessage != nil {
				return fmt.Errorf("%w: %s", err, *resp.ErrorMessage)
			}
			return err
		}
		say = nil
		if !done {
			done, say, err = session.Challenge(resp.SASLAuthBytes)
			if errors.Is(err, kerr.SaslAuthenticationFailed) {
				return err
			}
			if err != nil {
				return fmt.Errorf("%w: %w", kerr.SaslAuthenticationFailed, err)
			}
		}
	}
	return nil
}
