package doctor

import (
	"context"
	"net/http"
	"strings"
)

// stages are names that API Gateway's stages often have. Prod is what AWS SAM calls its own.
var stages = []string{"/Prod", "/prod", "/dev", "/default", "/stage", "/v1"}

const prefixMend = "Deploy to the stage $default, which has no prefix, or map a domain name of your own to the stage. A path in the issuer would move the metadata to another " +
	"address than most clients try."

// settle finds out whether VetAssist is where it must be, right behind the host's name. If it is found only behind a stage's
// name, that is wrong, and the rest is examined there. It returns an answer of the address that is settled on.
func (x *exam) settle(ctx context.Context, first answer) answer {
	here := served(first)
	switch {
	case here && x.prefix != "":
		x.look("prefix", "the path "+x.prefix).warning("It is not part of VetAssist's address; "+x.base+" is, and is examined.", "RFC 8414 §3.1", "Leave the path out: "+x.base)
		return first
	case here:
		x.look("prefix", "the path in front of /.well-known").ok("There is none.", "RFC 8414 §3.1")
		return first
	}
	candidates := stages
	if x.prefix != "" {
		candidates = []string{x.prefix}
	}
	for _, stage := range candidates {
		a, err := x.get(ctx, stage+asPath)
		if err != nil || !served(a) {
			continue
		}
		x.look("prefix", x.base+stage+asPath).wrong("VetAssist is behind the prefix "+stage+", as of a named stage of API Gateway. Clients look for its metadata right behind the host's "+
			"name, where there is none: "+first.says()+".", "RFC 8414 §3.1, RFC 9728 §3.1", prefixMend)
		x.base += stage
		x.report.URL = x.base
		return a
	}
	if x.prefix != "" {
		x.look("prefix", x.base+x.prefix+asPath).wrong("The address has the path "+x.prefix+", and VetAssist is neither there nor without it.", "RFC 8414 §3.1", "Check the address. "+prefixMend)
	}
	return first
}

func served(a answer) bool {
	return a.status == http.StatusOK && a.jsonType() && strings.Contains(string(a.body), `"issuer"`)
}
