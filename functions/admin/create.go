package admin

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// IdempotencyKey is the header of a request that makes something, for programs that may have to repeat it when the answer
// was lost (draft-ietf-httpapi-idempotency-key-header). Nothing is kept for it: the id of what is made follows from who asks,
// the key and the request, so the same request finds what is there, at once and for ever.
type IdempotencyKey struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"Any text that is new for each thing to be made. The same request with the same key makes nothing twice: it answers 200 with what is there, without its secret."`
}

// id is the id for a new thing; empty, one is to be made up. request must not hold a secret: ids can be seen.
func (k IdempotencyKey) id(ctx context.Context, prefix string, request any) string {
	if k.Key == "" {
		return ""
	}
	body, err := json.Marshal(request)
	if err != nil {
		panic(fmt.Sprintf("admin: %T cannot be JSON: %v", request, err)) // the type is wrong, not its data
	}
	named, _ := json.Marshal([]string{callerFrom(ctx).Subject, k.Key, string(body)}) // of texts
	sum := sha256.Sum256(named)
	return prefix + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
}

// made is what came of making r, a record that names itself by a field. One that is there already and says the same is no error: perhaps this very
// request made it, and the answer was lost.
func made[T any](r store.Record[T], err error, field string, read func() (store.Record[T], error), same func(store.Record[T]) bool) (store.Record[T], int, error) {
	var taken *directory.FieldError
	if !errors.As(err, &taken) || taken.Field != field {
		return r, http.StatusCreated, err
	}
	there, err2 := read()
	if err2 != nil || !same(there) {
		return r, 0, err
	}
	return there, http.StatusOK, nil
}

// createdOutput is an answer with a new thing (201), or with one that was there (200).
type createdOutput[T any] struct {
	Status   int
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     T
}
