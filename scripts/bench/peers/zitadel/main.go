// Command zitadel is the example server of zitadel/oidc, all in memory. Two things are changed, so that it does what it is compared
// with: its access tokens are JWTs, and ES256 signs them.
//
//	zitadel ADDRESS REDIRECT-URI
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func main() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	issuer := "http://" + os.Args[1] + "/"
	storage.RegisterClients(storage.NativeClient("native", os.Args[2]))
	s := jwtStorage{storage.NewStorage(storage.NewUserStore(issuer)), signingKey{key}}
	log.Fatal(http.ListenAndServe(os.Args[1], exampleop.SetupServer(issuer, s, slog.New(slog.DiscardHandler), false)))
}

type signingKey struct{ private *ecdsa.PrivateKey }

func (signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (signingKey) ID() string                                  { return "bench" }
func (k signingKey) Key() any                                  { return k.private }

type publicKey struct{ signingKey }

func (publicKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                         { return k.private.Public() }

type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

type jwtStorage struct {
	*storage.Storage
	key signingKey
}

func (s jwtStorage) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s jwtStorage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (s jwtStorage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{publicKey{s.key}}, nil
}

func (s jwtStorage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	return jwtClient{c}, err
}

func (s jwtStorage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c, err := s.Storage.ClientCredentials(ctx, id, secret)
	return jwtClient{c}, err
}
