package walkthrough

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// A recorder writes what has happened within a moment.
const (
	drawnTries = 5
	drawnPause = 100 * time.Millisecond
)

// drawn finds the page on which the server's flight recorder has drawn this login beside that of the registered client.
func drawn(ctx context.Context, s *scene) error {
	for try := range drawnTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(drawnPause):
			}
		}
		flows, recorder, err := s.flows(ctx)
		if err != nil {
			return err
		}
		if !recorder {
			break
		}
		left, right := flows.of(s.registered), flows.of(s.app.ID)
		switch {
		case right == "" || left == "":
			continue
		case left == right:
			s.see = s.base + "/flow/" + right
		default:
			s.see = s.base + "/flow/compare?" + url.Values{"left": {left}, "right": {right}}.Encode()
		}
		s.fact("recorded", "yes")
		return nil
	}
	s.fact("recorded", "no: the flight recorder is off here")
	return nil
}

// flowList is what the recorder lists, the newest first.
type flowList struct {
	Flows []struct {
		ID      string   `json:"id"`
		Clients []string `json:"clients"`
	} `json:"flows"`
}

// of is the latest flow in which a client took part; empty: there is none.
func (l flowList) of(client string) string {
	for _, f := range l.Flows {
		if slices.Contains(f.Clients, client) {
			return f.ID
		}
	}
	return ""
}

// flows are Bob's, those of this program only: he may be chatting meanwhile.
func (s *scene) flows(ctx context.Context) (l flowList, recorder bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/flow/api/flows?party=client&limit=50&q=vetassist-walkthrough", nil)
	if err != nil {
		return l, false, err
	}
	a, err := s.browser("bob").Do(ctx, r)
	if err != nil {
		return l, false, err
	}
	return l, a.Status == http.StatusOK && json.Unmarshal(a.Body, &l) == nil, nil // in the cloud nobody may be there to answer
}
