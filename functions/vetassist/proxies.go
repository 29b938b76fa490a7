package main

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// through gives a request that came by one of our proxies the address of whoever sent it there: what is limited by address, and what the audit
// log and a person's list of logins say, is theirs. Each proxy adds to X-Forwarded-For the address that it was asked from, at the end. So the
// header is read from there, as far as those go whom we trust: what stands before is of anybody's making.
func through(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	ours := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		from := peer.Addr().Unmap().WithZone("")
		if err != nil || !ours(from) {
			next.ServeHTTP(w, r)
			return
		}
		rest, more := strings.Join(r.Header.Values("X-Forwarded-For"), ","), true
		for more && ours(from) {
			cut := strings.LastIndexByte(rest, ',')
			hop, ok := address(rest[cut+1:])
			if !ok {
				break
			}
			from, rest, more = hop, rest[:max(cut, 0)], cut >= 0
		}
		r = r.WithContext(r.Context()) // a copy, as far as what is changed
		r.RemoteAddr = net.JoinHostPort(from.String(), "0")
		next.ServeHTTP(w, r)
	})
}

// address reads an entry of X-Forwarded-For; some proxies write the port there, too.
func address(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	a, err := netip.ParseAddr(strings.Trim(entry, "[]"))
	if err != nil {
		var with netip.AddrPort
		with, err = netip.ParseAddrPort(entry)
		a = with.Addr()
	}
	return a.Unmap().WithZone(""), err == nil
}
