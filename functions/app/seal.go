package app

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// A cookie is 256 random bits. Two things are made from it, and neither leads back: the name of the session in the store
// (SHA-256), and the key that opens the session's secrets (HKDF-SHA-256). The secret of a session's family (see session) is
// used in the same way.
type sealer struct {
	aead cipher.AEAD
	rand io.Reader
}

// newSealer fails for what is no secret.
func newSealer(secret string, rand io.Reader) (sealer, error) {
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil || len(raw) != 32 {
		return sealer{}, errors.New("not 256 bits")
	}
	key, err := hkdf.Key(sha256.New, raw, nil, "vetassist chat app: secrets of one session, v1", 32)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead, rand}, err
}

// seal encrypts a secret. The same name is needed to open it, so that one secret cannot be passed off as another.
func (s sealer) seal(name, secret string) (string, error) {
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(secret), []byte(name))), nil
}

func (s sealer) open(name, sealed string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(b) < s.aead.NonceSize() {
		return "", errors.New("sealed value is damaged")
	}
	n := s.aead.NonceSize()
	secret, err := s.aead.Open(nil, b[:n], b[n:], []byte(name))
	if err != nil {
		return "", fmt.Errorf("sealed value does not open: %w", err)
	}
	return string(secret), nil
}
