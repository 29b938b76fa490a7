package oauth

import (
	"context"
	"errors"
	"slices"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
)

// letIn is what an issuer elsewhere let one application do for a person, who was not asked (grant_id_jag.go). It stands on no consent, so the
// applications that a person allowed something are not the place for it.
type letIn struct {
	appAccess
	Issuer string // its name
	Until  moment // unless the issuer is asked again
}

// lettingIn are the applications that an issuer let in for a person and that hold something now, a row for each server; of very many, some.
func (s *server) lettingIn(ctx context.Context, userID string) ([]letIn, error) {
	page, err := s.access.GrantsOf(ctx, userID, access.Query{Limit: 200}) // sorted by client and server
	if err != nil {
		return nil, err
	}
	var together []access.Grant
	for _, g := range page.Items {
		last := len(together) - 1
		switch {
		case g.Vouched.Issuer == "":
		case last < 0 || together[last].ClientID != g.ClientID || together[last].Server != g.Server:
			together = append(together, g)
		default:
			g.Scopes = append(g.Scopes, together[last].Scopes...)
			if g.Ends.Before(together[last].Ends) {
				g.Ends = together[last].Ends
			}
			together[last] = g
		}
	}
	var rows []letIn
	for _, g := range together {
		slices.Sort(g.Scopes)
		app, err := s.app(ctx, directory.Consent{UserID: userID, ClientID: g.ClientID, Server: g.Server, Scopes: slices.Compact(g.Scopes), Since: g.Since})
		if err != nil {
			return nil, err
		}
		row := letIn{appAccess: app, Issuer: g.Vouched.Issuer, Until: moment{g.Ends}}
		issuer, err := s.Directory.IssuerRecord(ctx, g.Vouched.Issuer)
		if err == nil {
			row.Issuer = issuer.Value.Name
		} else if !errors.Is(err, directory.ErrNotFound) {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
