package connect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxAnswer bounds an answer: ten thousand brokers fit into a megabyte.
const maxAnswer = 8 << 20

// errNotKafka is an answer that no Kafka gives. It wraps what says so to whoever names errors.
var errNotKafka = fmt.Errorf("the answer is not Kafka's: %w", kbin.ErrNotEnoughData)

// errWantsTLS is the alert that a TLS listener answers a plain request with.
var errWantsTLS = errors.New("tls: the listener answers with an alert: it wants TLS")

// wire is a connection on which one request is asked at a time. The connection's deadline bounds it.
type wire struct {
	conn      net.Conn
	formatter *kmsg.RequestFormatter
	asked     int32
	max       map[int16]int16 // versions, by the request's key, as the broker offers them
}

// ask sends a request in the version that it has, and returns the answer without its header.
func (w *wire) ask(req kmsg.Request) ([]byte, error) {
	w.asked++
	if _, err := w.conn.Write(w.formatter.AppendRequest(nil, req, w.asked)); err != nil {
		return nil, fmt.Errorf("send %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	var header [8]byte
	_, err := io.ReadFull(w.conn, header[:])
	if header[0] == 0x15 && header[1] == 3 { // an alert of any version of TLS: seven bytes, then the end
		return nil, errWantsTLS
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer to %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	size, correlation := int32(binary.BigEndian.Uint32(header[:4])), int32(binary.BigEndian.Uint32(header[4:]))
	if size < 4 || size > maxAnswer || correlation != w.asked {
		return nil, errNotKafka
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(w.conn, body); err != nil {
		return nil, fmt.Errorf("read the answer to %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	if resp := req.ResponseKind(); resp.IsFlexible() && req.Key() != int16(kmsg.ApiVersions) {
		r := kbin.Reader{Src: body}
		kmsg.SkipTags(&r)
		if !r.Ok() {
			return nil, errNotKafka
		}
		body = r.Src
	}
	return body, nil
}

// request asks in the newest version that both sides know and fills resp.
func (w *wire) request(req kmsg.Request, resp kmsg.Response) error {
	offered, ok := w.max[req.Key()]
	if !ok {
		return fmt.Errorf("%s: %w", kmsg.NameForKey(req.Key()), kerr.UnsupportedVersion)
	}
	req.SetVersion(min(offered, req.MaxVersion()))
	body, err := w.ask(req)
	if err != nil {
		return err
	}
	resp.SetVersion(req.GetVersion())
	if err := resp.ReadFrom(body); err != nil {
		return fmt.Errorf("answer to %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	return nil
}

// apiVersions learns which requests the broker offers.
func (w *wire) apiVersions(software, version string) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 3, software, version
	resp := kmsg.NewPtrApiVersionsResponse()
	body, err := w.ask(req)
	if err != nil {
		return err
	}
	if len(body) < 2 {
		return errNotKafka
	}
	resp.Version = req.Version
	if int16(binary.BigEndian.Uint16(body)) == kerr.UnsupportedVersion.Code {
		resp.Version = 0 // brokers before 2.4 answer in the form of version 0
	}
	if err := resp.ReadFrom(body); err != nil {
		return fmt.Errorf("%w: %w", errNotKafka, err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil && resp.Version != 0 {
		return err
	}
	w.max = make(map[int16]int16, len(resp.ApiKeys))
	for _, key := range resp.ApiKeys {
		w.max[key.ApiKey] = key.MaxVersion
	}
	return nil
}
