package admin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/store"
)

// Precondition is the header of a change: the ETag of what it was made from (RFC 9110 §13.1.1). Package conditional of huma is not
// used: it takes a weak ETag for a strong one, and would let a date that we do not keep stand in for it.
type Precondition struct {
	IfMatch string `header:"If-Match" maxLength:"500" doc:"The ETag that was read. 428 without it, 412 when somebody else changed the record meanwhile."`
}

const changed = "Somebody else changed this meanwhile. Read it again and repeat your change."

// etag is the entity tag of a record. A version alone would not do: what is deleted and made again begins at 1 again.
func etag[T any](r store.Record[T]) string {
	body, err := json.Marshal(r.Value)
	if err != nil {
		panic(fmt.Sprintf("admin: %T cannot be JSON: %v", r.Value, err)) // the type is wrong, not its data
	}
	sum := sha256.Sum256(body)
	return fmt.Sprintf(`"%d-%s"`, r.Version, base64.RawURLEncoding.EncodeToString(sum[:6]))
}

// matching is the record that a change is made from; the error says when it is not that any more.
func matching[T any](m Precondition, r store.Record[T], err error) (store.Record[T], error) {
	if err == nil {
		err = m.check(etag(r))
	}
	return r, err
}

// check holds a change to the record as it is now. * stands for whatever is there.
func (m Precondition) check(now string) error {
	if m.IfMatch == "" { // RFC 6585 §3
		return &problem{Status: http.StatusPreconditionRequired, Detail: "Send If-Match with the ETag that you read, so that nobody's change is lost."}
	}
	tags := strings.Split(m.IfMatch, ",")
	for i := range tags {
		tags[i] = strings.TrimSpace(tags[i])
	}
	if !slices.Contains(tags, now) && !slices.Equal(tags, []string{"*"}) {
		return &problem{Status: http.StatusPreconditionFailed, Detail: changed}
	}
	return nil
}
