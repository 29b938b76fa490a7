package config

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// Hosts says which hosts of strangers may be asked for something: "*" is any, "*.example.com" any below that name, all others
// are named outright, with or without a port. The zero value is none.
type Hosts []string

// AnyHost accepts every host that is out on the Internet.
var AnyHost = Hosts{"*"}

// ParseHosts reads a comma-separated list. "none" is an empty one.
func ParseHosts(list string) (Hosts, error) {
	if strings.TrimSpace(list) == "none" {
		return Hosts{}, nil
	}
	var all Hosts
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		name := strings.TrimPrefix(entry, "*.")
		if entry != "*" && (name == "" || strings.ContainsAny(name, "*/@ ")) {
			return nil, fmt.Errorf("%q is not a host such as app.example.com or *.example.com; * is any host, none is no host", entry)
		}
		all = append(all, entry)
	}
	return all, nil
}

// Accepts reports whether a host may be asked.
func (h Hosts) Accepts(host, port string) bool {
	return h.Names(host, port) || slices.ContainsFunc(h, func(entry string) bool {
		below, star := strings.CutPrefix(entry, "*")
		return star && strings.HasSuffix(strings.ToLower(host), below)
	})
}

// Names reports whether a host is named outright. Whoever names it knows where it lies, so it may be in a private network and
// have a port of its own.
func (h Hosts) Names(host, port string) bool {
	host = strings.ToLower(host)
	return slices.Contains(h, host) || slices.Contains(h, net.JoinHostPort(host, port))
}
