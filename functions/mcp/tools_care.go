package mcp

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
)

type searchIn struct {
	Query string `json:"query"`
	Limit int    `json:"limit"`
}

type article struct {
	Slug    string  `json:"slug"`
	Title   string  `json:"title"`
	Summary string  `json:"summary"`
	Excerpt string  `json:"excerpt"`
	URI     string  `json:"uri" jsonschema:"resource with the whole article"`
	Score   float64 `json:"score" jsonschema:"higher fits better"`
}

type searchResult struct {
	Query   string    `json:"query"`
	Results []article `json:"results"`
}

type supportIn struct {
	Message string `json:"message"`
	Subject string `json:"subject"`
	Contact string `json:"contact"`
}

type ticketOut struct {
	ID      string `json:"id"`
	Created string `json:"created" jsonschema:"date and time"`
	Subject string `json:"subject"`
}

type supportResult struct {
	Ticket  ticketOut `json:"ticket"`
	Message string    `json:"message" jsonschema:"what happens next, in words for the user"`
}

func (t *tools) addCare(s *sdk.Server) {
	add(t, s, "search_pet_health", "Search pet health articles",
		"Searches the clinic's articles about pet health: symptoms, feeding, vaccination, parasites, first aid and more. Use it for general questions that are not about one pet's own record. It gives information, not a diagnosis.",
		reads, input(
			need("query", requiredWords(200, "What to look for, in the user's own words.")),
			may("limit", withDefault(integer(1, 10, "How many articles at most."), 3))), t.searchHealth)
	add(t, s, "contact_support", "Send the clinic a message",
		"Leaves a message for the clinic's people, who answer it later. Use it when the user wants to speak to somebody, complains, or asks for something that no other tool can do. Not for emergencies.",
		adds, input(
			need("message", requiredWords(2000, "The message, in the user's words.")),
			may("subject", words(120, "A few words about what it is.")),
			may("contact", words(200, "Phone number or email address for the answer, if the user gave one."))), t.contactSupport)
}

func (t *tools) searchHealth(_ context.Context, _ clinic.Actor, in searchIn) (searchResult, string, error) {
	out := searchResult{Query: in.Query, Results: []article{}}
	lines := []string{}
	for _, h := range t.lib.Search(in.Query, in.Limit) {
		found := h.Article
		a := article{found.Slug, found.Title, found.Summary, h.Excerpt, articleURI(found.Slug), math.Round(h.Score*1000) / 1000}
		out.Results = append(out.Results, a)
		lines = append(lines, fmt.Sprintf("%s (%s)\n%s", a.Title, a.URI, a.Excerpt))
	}
	if len(lines) == 0 {
		lines = append(lines, "No article fits. Try other words, or contact_support to ask the clinic.")
	}
	return out, strings.Join(lines, "\n\n"), nil
}

func (t *tools) contactSupport(ctx context.Context, who clinic.Actor, in supportIn) (supportResult, string, error) {
	k, err := t.clinic.OpenTicket(ctx, who, clinic.Ticket{Message: in.Message, Subject: in.Subject, Contact: in.Contact})
	if err != nil {
		return supportResult{}, "", err
	}
	out := supportResult{ticketOut{k.ID, k.Created.Format(time.RFC3339), k.Subject},
		"Your message has reached the clinic; somebody will answer within two working days. In an emergency call the clinic, or the nearest animal hospital when it is closed."}
	return out, fmt.Sprintf("%s The ticket is %s.", out.Message, k.ID), nil
}
