package attack

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// list asks for the pets, which is all that most thieves of tokens want. Headers come as name, value.
func (t *try) list(token string, headers ...string) visitor.Answer {
	return t.message(token, "list_pets", map[string]any{}, headers...)
}

// message calls a tool.
func (t *try) message(token, tool string, args any, headers ...string) visitor.Answer {
	c := t.client()
	message, more, err := c.Message("tools/call", map[string]any{"name": tool, "arguments": args})
	t.must(err)
	a, err := c.MCP(t.ctx, token, message, append(more, headers...)...)
	t.must(err)
	return a
}

// tool is what a tool returns that must work.
func tool[T any](t *try, token, name string, args any) (out T) {
	a := t.message(token, name, args)
	t.control(worked(a), "%s does not work: %s", name, said(a))
	var r struct {
		Result struct {
			Structured json.RawMessage `json:"structuredContent"`
		} `json:"result"`
	}
	t.must(json.Unmarshal(a.Body, &r))
	t.must(json.Unmarshal(r.Result.Structured, &out))
	return out
}

type pet struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Breed     string `json:"breed"`
	Microchip string `json:"microchip"`
	Born      string `json:"birth_date"`
}

// pets are somebody's.
func (t *try) pets(user string) []pet {
	all := tool[struct {
		Pets []pet `json:"pets"`
	}](t, t.access(user), "list_pets", map[string]any{}).Pets
	t.control(len(all) > 0, "%s has no pets", user)
	return all
}

// slots are free times. The lab takes early ones, since what was cancelled counts until its day.
func (t *try) slots() []struct{ Date, Time string } {
	all := tool[struct {
		Slots []struct{ Date, Time string } `json:"slots"`
	}](t, t.access("bob"), "find_appointment_slots", map[string]any{}).Slots
	t.control(len(all) > 2, "there are no free appointments")
	return all
}

// api calls the admin API.
func (t *try) api(token, method, path string, body any) visitor.Answer {
	text := ""
	headers := []string{"If-Match", "*"}
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	if body != nil {
		text = asJSON(body)
		headers = append(headers, "Content-Type", "application/json")
	}
	a, err := t.client().Send(t.ctx, method, "/admin/api/v1"+path, text, headers...)
	t.must(err)
	return a
}

// noAdmin judges a call of the admin API with a token that is not for it.
func (t *try) noAdmin(what, token string) {
	t.noEntry(what, t.api(token, http.MethodGet, "/users", nil), http.StatusUnauthorized)
}

func readTokens(a visitor.Answer) visitor.Tokens {
	out := visitor.Tokens{Answer: a}
	_ = json.Unmarshal(a.Body, &out) // what is no JSON has no tokens
	return out
}

// field is a text in the JSON of an answer; empty: there is none.
func field(a visitor.Answer, name string) string {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(a.Body, &all)
	var value string
	_ = json.Unmarshal(all[name], &value)
	return value
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the lab's own data
	}
	return string(text)
}

// merged is a form with changes.
func merged(form, changes url.Values) url.Values {
	out := url.Values{}
	for _, from := range []url.Values{form, changes} {
		for name, values := range from {
			out[name] = values
		}
	}
	return out
}
