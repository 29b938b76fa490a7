package oauth

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
)

// passkeySection is the part of My account about passkeys.
type passkeySection struct {
	Keys  []passkeyRow
	Why   string // why passkeys are not offered here; empty: they are
	Fresh bool   // the login is new enough to add one
	Full  bool
}

type passkeyRow struct {
	ID, Name string
	Created  moment
	LastUsed moment
}

func (s *server) passkeySection(ctx context.Context, v visit) (passkeySection, error) {
	keys, err := s.Directory.Passkeys(ctx, v.user.ID)
	section := passkeySection{Why: s.noPasskeys, Fresh: s.isFresh(v), Full: len(keys) >= directory.MaxPasskeys}
	for _, k := range keys {
		section.Keys = append(section.Keys, passkeyRow{k.ID, k.Name, moment{k.Created}, moment{k.LastUsed}})
	}
	return section, err
}

// reminder is what to look at after a new password, since passkeys stay: whoever knew the old one may have added one.
func (p passkeySection) reminder() string {
	switch n := len(p.Keys); n {
	case 0:
		return ""
	case 1:
		return " You have 1 passkey: see below that it is yours."
	default:
		return " You have " + strconv.Itoa(n) + " passkeys: see below that each is yours."
	}
}

// removePasskey takes a passkey from a person. Logins that were made with it stay: they are in the list above it.
func (s *server) removePasskey(w http.ResponseWriter, r *http.Request, v visit) {
	id := r.PostForm.Get("passkey")
	op, err := s.audit.Op(r.Context(), audit.Event{Name: audit.PasskeyChange, Outcome: audit.OK, UserID: v.user.ID, Details: map[string]string{"removed": id}})
	if err == nil {
		err = s.Directory.RemovePasskey(r.Context(), v.user.ID, id, op)
	}
	if err != nil && !errors.Is(err, directory.ErrNotFound) { // one that is gone already is no error
		s.fail(w, r, err)
		return
	}
	accountDone(w, "passkey")
}
