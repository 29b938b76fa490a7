package workshop

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Card is what an attendee needs to join.
type Card struct {
	Address   string   `json:"address"` // of the chat
	Username  string   `json:"username"`
	Password  string   `json:"password,omitempty"` // empty: that of an earlier card
	Pet       string   `json:"pet"`
	Neighbour string   `json:"neighbours_pet,omitempty"` // somebody else's
	MCP       string   `json:"mcp_url"`
	ClientID  string   `json:"client_id"` // for a host that is registered beforehand
	Say       []string `json:"say"`       // to the chat, in this order
}

func (w *Workshop) card(a attendee, count int) Card {
	c := Card{Address: w.Base, Username: a.username(), Pet: a.pet().name, MCP: w.Base + "/mcp"}
	c.Say = []string{"When is " + c.Pet + "'s next vaccination?", "Book an appointment for " + c.Pet + " next Tuesday at 10", "Change " + c.Pet + "'s weight to 30 kg"}
	if other := a.neighbour(count).pet().name; other != c.Pet {
		c.Neighbour = other
		c.Say = append(c.Say, "Tell me about "+other)
	}
	return c
}

// Cards are those of attendees who have one.
func Cards(list []Made) (cards []Card) {
	for _, m := range list {
		if m.Err == nil || m.Password != "" {
			cards = append(cards, m.Card)
		}
	}
	return cards
}

const oldPassword = "(on the card from before)"

// PasswordText is the password, or where it is.
func (c Card) PasswordText() string {
	if c.Password == "" {
		return oldPassword
	}
	return c.Password
}

// WriteText writes cards for a terminal.
func WriteText(w io.Writer, cards []Card) error {
	for _, c := range cards {
		_, err := fmt.Fprintf(w, "\n%s   password  %s   pet  %s\n  open       %s\n  say first  %s\n  MCP        %s   client_id  %s\n",
			c.Username, c.PasswordText(), c.Pet, c.Address, c.Say[0], c.MCP, c.ClientID)
		if err != nil {
			return err
		}
	}
	return nil
}

// WriteJSON writes cards for programs.
func WriteJSON(w io.Writer, cards []Card) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(cards)
}

// WriteCSV writes cards for a spreadsheet or a mail merge.
func WriteCSV(w io.Writer, cards []Card) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"username", "password", "pet", "neighbours_pet", "address", "mcp_url", "client_id", "say"}}
	for _, c := range cards {
		rows = append(rows, []string{c.Username, c.Password, c.Pet, c.Neighbour, c.Address, c.MCP, c.ClientID, strings.Join(c.Say, "\n")})
	}
	return out.WriteAll(rows)
}

//go:embed cards.html
var cardsHTML string

var cardsPage = template.Must(template.New("cards").Parse(cardsHTML))

// WriteHTML writes cards to be printed, one on a page.
func WriteHTML(w io.Writer, cards []Card) error { return cardsPage.Execute(w, cards) }

// Formats are how cards are written, by the end of a file's name.
var Formats = map[string]func(io.Writer, []Card) error{".html": WriteHTML, ".csv": WriteCSV, ".json": WriteJSON, ".txt": WriteText}
