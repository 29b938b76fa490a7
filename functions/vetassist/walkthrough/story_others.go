package walkthrough

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// heavier is what Carol takes Fido's weight up by, in kg.
const heavier = 0.5

func carol(ctx context.Context, s *scene) error {
	if err := s.lookBefore(ctx, "carol"); err != nil {
		return err
	}
	if err := s.connect(ctx, "carol", url.Values{"scope": {petRead}, "prompt": {"consent"}}); err != nil {
		return err
	}
	r, err := s.works(ctx, "carol", "list_pets", map[string]any{})
	if err != nil {
		return err
	}
	for _, pet := range []string{"Fido", "Luna"} {
		if !strings.Contains(r.Text(), pet) {
			return surprise("every pet, "+pet+" among them", "%s", r.Text())
		}
	}
	s.fact("Carol sees", "Fido and Luna, and all others")
	s.fact("roles in her token", "%s", list(s.tokens["carol"].Claims()["roles"]))
	return nil
}

func carolChanges(ctx context.Context, s *scene) error {
	r, err := s.works(ctx, "carol", "get_pet", fido)
	if err != nil {
		return err
	}
	var record struct {
		Pet struct {
			Weight float64 `json:"weight_kg"`
		} `json:"pet"`
	}
	if err := json.Unmarshal(r.Result.Structured, &record); err != nil || record.Pet.Weight <= 0 {
		return surprise("Fido's weight", "%s", r.Result.Structured)
	}
	weigh := func(kg float64) map[string]any { return map[string]any{"pet": "Fido", "weight_kg": kg} }
	before, after := record.Pet.Weight, record.Pet.Weight+heavier
	if err := s.challenged(ctx, "carol", "update_pet", weigh(after), petWrite); err != nil {
		return err
	}
	if err := s.stepUp(ctx, "carol", petWrite); err != nil {
		return err
	}
	if _, err := s.works(ctx, "carol", "update_pet", weigh(after)); err != nil {
		return err
	}
	s.tidy.undo = append(s.tidy.undo, func(ctx context.Context) error {
		_, err := s.works(ctx, "carol", "update_pet", weigh(before))
		s.fact("put back", "Fido's weight: %v kg", before)
		return err
	})
	s.fact("changed", "from %v to %v kg", before, after)
	return nil
}

func admin(ctx context.Context, s *scene) error {
	s.request = s.app.Request(url.Values{"scope": {petRead}})
	p, err := s.visitLogin(ctx, "admin", s.request)
	if err != nil {
		return err
	}
	if !p.Has("decision") || len(p.Offered("scope")) != 0 {
		return surprise("a page with nothing to allow", "%d %s", p.Status, notice(p))
	}
	s.fact("the page says", "%s", heading(p.Body))
	if p, err = s.browser("admin").Deny(ctx); err != nil {
		return err
	}
	back := p.Redirect()
	if back.Get("error") != "access_denied" || back.Get("state") != s.request.State || back.Has("code") {
		return surprise("access_denied back at the app", "%d %v", p.Status, back)
	}
	s.fact("the app gets", "%s", back.Get("error"))
	return nil
}
