package kafka

import (
	"context"
	"fmt"
	"net"
	"slices"
)

// UnmappedError is an address that a broker advertises and that the address map does not have. To dial it
// as it is would measure another way than the one that was asked for.
type UnmappedError struct{ Addr string } // host:port

// Error says what to do.
func (e *UnmappedError) Error() string {
	return fmt.Sprintf("a broker advertises %s, which address_map does not have: add it", e.Addr)
}

// Address returns where to dial to get to an address that the settings or a broker name. Without an address
// map that is the same. The error is an *UnmappedError.
func (f *Factory) Address(addr string) (string, error) {
	if len(f.settings.AddressMap) == 0 {
		return addr, nil
	}
	if mapped, ok := f.settings.AddressMap[addr]; ok {
		return mapped, nil
	}
	if slices.Contains(f.settings.BootstrapServers, addr) {
		return addr, nil
	}
	return "", &UnmappedError{addr}
}

// mapped lets dial dial where Address says.
func (f *Factory) mapped(dial DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		addr, err := f.Address(addr)
		if err != nil {
			return nil, err
		}
		return dial(ctx, network, addr)
	}
}
