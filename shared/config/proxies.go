package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Proxies are the addresses of the proxies that are believed when they say whom a request came from, as TrustedProxies lists them: each an
// IP address, or a network such as 10.0.0.0/8. None is the default, since anybody can write a header.
func (c Config) Proxies() (proxies []netip.Prefix, err error) {
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if address, ofOne := netip.ParseAddr(text); ofOne == nil && address.Zone() == "" {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if a := network.Addr(); a.Is4In6() && network.Bits() >= 96 { // as requests are looked at, it is one of IPv4
			network = netip.PrefixFrom(a.Unmap(), network.Bits()-96)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("a trusted proxy is an IP address or a network, such as 127.0.0.1 or 10.0.0.0/8, not %q", text)
		case network.Bits() == 0:
			return nil, fmt.Errorf("to trust %s is to believe whatever anybody writes: name the proxy's own address", text)
		}
		proxies = append(proxies, network.Masked())
	}
	return proxies, nil
}
