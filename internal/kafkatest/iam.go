package kafkatest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// IAM stands in front of a plaintext broker as an IAM listener of AWS MSK does: TLS, and no request but
// ApiVersions before AWS_MSK_IAM. It works the client's signature out anew by AWS's description of
// Signature Version 4 and shares nothing with the client's code. What MSK does beyond that (policies,
// sessions, other errors) nobody has told us: a client that gets in here may yet fail there.
type IAM struct {
	Host      string      // of the broker, which the client must have signed: b-1.<cluster>.kafka.<region>.amazonaws.com
	Region    string      // which the key must have been derived for
	AccessKey string      // AKIA...
	SecretKey string      // of AccessKey
	Session   string      // session token that must come with them; "" for none
	TLS       *tls.Config // the broker's certificate
	Broker    string      // host:port of the plaintext broker behind
}

// Serve lets clients in until l is closed, which ends it without an error, and ctx is done. Connections
// that are open then are closed.
func (m *IAM) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		go m.serve(ctx, tls.Server(conn, m.TLS))
	}
}

// serve lets one client in and then copies both ways.
func (m *IAM) serve(ctx context.Context, client net.Conn) {
	defer client.Close()
	broker, err := new(net.Dialer).DialContext(ctx, "tcp", m.Broker)
	if err != nil {
		return // the client sees its connection closed
	}
	defer broker.Close()
	defer context.AfterFunc(ctx, func() { client.Close(); broker.Close() })()
	if m.gate(client, broker) != nil {
		return
	}
	go func() {
		_, _ = io.Copy(broker, client)
		_ = broker.Close()
	}()
	_, _ = io.Copy(client, broker) // either side ends it
}

// errDenied ends a connection whose client has been told why.
var errDenied = errors.New("denied")

// gate answers until the client has proved who it is.
func (m *IAM) gate(client, broker net.Conn) error {
	for {
		frame, err := readFrame(client)
		if err != nil {
			return err
		}
		r, err := parseRequest(frame)
		if err != nil {
			return err
		}
		switch r.request.(type) {
		case *kmsg.ApiVersionsRequest:
			if err := writeFrame(broker, frame); err != nil {
				return err
			}
			answer, err := readFrame(broker)
			if err != nil {
				return err
			}
			if err := writeFrame(client, answer); err != nil {
				return err
			}
		case *kmsg.SASLHandshakeRequest:
			resp := kmsg.NewPtrSASLHandshakeResponse()
			resp.SupportedMechanisms = []string{"AWS_MSK_IAM"}
			if r.request.(*kmsg.SASLHandshakeRequest).Mechanism != "AWS_MSK_IAM" {
				resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
			}
			if err := r.answer(client, resp); err != nil {
				return err
			}
		case *kmsg.SASLAuthenticateRequest:
			resp := kmsg.NewPtrSASLAuthenticateResponse()
			resp.SASLAuthBytes = []byte(`{"version":"2020_10_22","request-id":"kafkatest"}`)
			refusal := m.Verify(r.request.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, time.Now())
			if refusal != nil {
				resp.ErrorCode, resp.ErrorMessage, resp.SASLAuthBytes = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("[kafkatest]: Access denied"), nil
			}
			if err := r.answer(client, resp); err != nil {
				return err
			}
			if refusal != nil {
				return errDenied
			}
			return nil
		}
	}
}

// Verify returns why a client's first message does not prove that it has the secret key, or nil.
func (m *IAM) Verify(message []byte, now time.Time) error {
	var said map[string]string
	if err := json.Unmarshal(message, &said); err != nil {
		return err
	}
	date := said["x-amz-date"]
	signed, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		return err
	}
	if off := now.Sub(signed).Abs(); off > 5*time.Minute {
		return fmt.Errorf("signed %v ago", off)
	}
	for key, want := range map[string]string{
		"version": "2020_10_22", "host": m.Host, "action": "kafka-cluster:Connect", "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-signedheaders": "host",
		"x-amz-credential": strings.Join([]string{m.AccessKey, date[:8], m.Region, "kafka-cluster", "aws4_request"}, "/"), "x-amz-security-token": m.Session,
	} {
		if said[key] != want {
			return fmt.Errorf("%s is %q, want %q", key, said[key], want)
		}
	}
	if want := SignatureV4(said, m.SecretKey); !hmac.Equal([]byte(said["x-amz-signature"]), []byte(want)) {
		return fmt.Errorf("signature %s, want %s", said["x-amz-signature"], want)
	}
	return nil
}

// SignatureV4 is AWS's Signature Version 4 of the request that AWS_MSK_IAM stands for, a GET of / with the
// action in the query, as a broker works it out from what the client says and the secret key.
func SignatureV4(said map[string]string, secret string) string {
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	hash := func(text string) string { sum := sha256.Sum256([]byte(text)); return hex.EncodeToString(sum[:]) }
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

	query := []string{"Action=" + escape(said["action"])} // sorted by name, upper case first
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-SignedHeaders"} {
		if value, ok := said[strings.ToLower(name)]; ok {
			query = append(query, name+"="+escape(value))
		}
	}
	request := strings.Join([]string{"GET", "/", strings.Join(query, "&"), "host:" + said["host"], "", "host", hash("")}, "\n")
	_, scope, _ := strings.Cut(said["x-amz-credential"], "/") // date/region/service/aws4_request
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", said["x-amz-date"], scope, hash(request)}, "\n")))
}

// received is a request, as far as it takes to answer it.
type received struct {
	request     kmsg.Request
	correlation int32
}

// parseRequest reads a request's header, and its body.
func parseRequest(frame []byte) (received, error) {
	b := kbin.Reader{Src: frame}
	key, version := b.Int16(), b.Int16()
	r := received{correlation: b.Int32(), request: kmsg.RequestForKey(key)}
	if r.request == nil {
		return r, fmt.Errorf("request %d is none of Kafka's", key)
	}
	r.request.SetVersion(version)
	b.NullableString() // client id
	if r.request.IsFlexible() {
		kmsg.SkipTags(&b)
	}
	if !b.Ok() {
		return r, errors.New("a request's header is cut short")
	}
	return r, r.request.ReadFrom(b.Src)
}

// answer writes a response to the request.
func (r received) answer(w io.Writer, resp kmsg.Response) error {
	resp.SetVersion(r.request.GetVersion())
	frame := binary.BigEndian.AppendUint32(nil, uint32(r.correlation))
	if resp.IsFlexible() {
		frame = append(frame, 0) // no tags
	}
	return writeFrame(w, resp.AppendTo(frame))
}

// maxFrame bounds what is read of a request: nobody logs in with more.
const maxFrame = 1 << 20

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes", n)
	}
	frame := make([]byte, n)
	_, err := io.ReadFull(r, frame)
	return frame, err
}

func writeFrame(w io.Writer, frame []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return err
}
