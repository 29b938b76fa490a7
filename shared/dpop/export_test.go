package dpop

import (
	"encoding/json"

	"github.com/golang-jwt/jwt/v5"
)

// Thumbprint is for the examples of the RFCs, of whose keys not all have a proof.
func Thumbprint(jwk []byte) (string, error) {
	var members map[string]any
	if err := json.Unmarshal(jwk, &members); err != nil {
		return "", err
	}
	alg := map[any]jwt.SigningMethod{"EC": jwt.SigningMethodES256, "RSA": jwt.SigningMethodRS256, "OKP": jwt.SigningMethodEdDSA}[members["kty"]]
	key, err := readKey(&jwt.Token{Header: map[string]any{"jwk": members}, Method: alg})
	if err != nil {
		return "", err
	}
	return thumbprint(key)
}
