package web

import (
	"context"
	"fmt"
	"net/netip"
)

// ClientNetwork is the network that the request whose context this is came from: whose an address is, as far as it tells. Who has an IPv6
// address has at least 2^64 of them (RFC 6177 §2).
func ClientNetwork(ctx context.Context) string {
	ip, err := netip.ParseAddr(ClientAddress(ctx))
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		panic(fmt.Sprintf("web: %s has 64 bits: %v", ip, err))
	}
	return prefix.String()
}
