package oauth

import (
	"context"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// How many clients may come to be known by registration in each hour. Those that are known already do not count: hosts that register
// at every start, and those that everybody has, get through whatever a flood does.
const (
	registrationsByAddress = 30  // a whole workshop can sit behind one address
	registrationsInAll     = 300 // each is forgotten after a day if nobody uses it, so this bounds what a flood leaves behind
	registrationWindow     = time.Hour
)

// countRegistration is the operations that count a registration, for a Write together with it. The error is a *tooManyError.
func (s *server) countRegistration(ctx context.Context) ([]store.Op, error) {
	return s.count(ctx, "registration/limit/", registrationWindow, "too many clients registered within the last hour",
		most{"from/" + clientNetwork(ctx), registrationsByAddress}, most{"all", registrationsInAll})
}
