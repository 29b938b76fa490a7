package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// Algs are the algorithms that others may sign JWTs for us with. None of them is "none" or works with a secret that both sides know.
var Algs = []string{jwt.SigningMethodES256.Alg(), jwt.SigningMethodRS256.Alg(), jwt.SigningMethodPS256.Alg(), jwt.SigningMethodEdDSA.Alg()}

// privateMembers of a JWK are what its owner alone should know (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// IsPrivate reports whether a member of a JWK must not be seen by anybody, however it is written.
func IsPrivate(member string) bool { return slices.Contains(privateMembers, strings.ToLower(member)) }

// RSA keys shorter than this are too weak (RFC 7518 §3.3), and longer ones keep us busy.
const (
	MinRSA = 2048
	maxRSA = 8192
)

// Signs reports whether a JWT with this alg may be verified with a key: it is of that kind, strong enough, and not for
// something else (RFC 7517 §4.2 to §4.4).
func Signs(key jwkset.JWK, alg string) bool {
	m := key.Marshal()
	if m.USE != "" && m.USE != jwkset.UseSig || m.ALG != "" && m.ALG.String() != alg ||
		len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return false
	}
	switch public := key.Key().(type) {
	case *ecdsa.PublicKey:
		return alg == jwt.SigningMethodES256.Alg() && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == jwt.SigningMethodEdDSA.Alg()
	case *rsa.PublicKey:
		size := public.N.BitLen()
		return (alg == jwt.SigningMethodRS256.Alg() || alg == jwt.SigningMethodPS256.Alg()) && MinRSA <= size && size <= maxRSA
	}
	return false
}
