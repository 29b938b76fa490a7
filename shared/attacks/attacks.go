// Package attacks is the catalogue of the attack lab: what each attack is, which rule refuses it, and what would have happened without
// the defence. It is words alone. functions/vetassist/attack has a program for each that really tries it, and a test there holds the two
// together, one to one.
package attacks

import "slices"

// Attack is one attack in words.
type Attack struct {
	ID        string `json:"id"` // never changes: people name it on the command line, and lessons link to it
	Theme     string `json:"theme"`
	Title     string `json:"title"`
	Story     string `json:"story"` // who the attacker is, what they have, what they do
	Rule      Rule   `json:"rule"`
	Otherwise string `json:"otherwise"` // what would have happened without the defence; told, never shown
}

// Rule is what refuses an attack, and where that is written.
type Rule struct {
	Section  string `json:"section"`
	Sentence string `json:"sentence"` // in our words
	URL      string `json:"url"`
}

// All are the attacks in the order in which they are tried: what leaves traces that get in the way of others comes last.
func All() []Attack {
	var all []Attack
	for _, theme := range []struct {
		name    string
		attacks []Attack
	}{
		{"Codes", codes}, {"Redirects", redirects}, {"Browsers", browsers}, {"Tokens", tokens}, {"Keys", keys}, {"MCP", mcp}, {"People", people}, {"Time and numbers", last},
	} {
		for _, a := range theme.attacks {
			a.Theme = theme.name
			all = append(all, a)
		}
	}
	return all
}

// Find is the attack with an id.
func Find(id string) (Attack, bool) {
	all := All()
	i := slices.IndexFunc(all, func(a Attack) bool { return a.ID == id })
	if i < 0 {
		return Attack{}, false
	}
	return all[i], true
}

func rfc(number, section, sentence string) Rule {
	return Rule{"RFC " + number + " §" + section, sentence, "https://www.rfc-editor.org/rfc/rfc" + number + "#section-" + section}
}

// spec is a rule of MCP's revision 2026-07-28: a page of it, and the heading there; without an anchor the page is linked.
func spec(page, heading, anchor, sentence string) Rule {
	if anchor != "" {
		anchor = "#" + anchor
	}
	return Rule{"MCP, " + heading, sentence, "https://modelcontextprotocol.io/specification/2026-07-28/" + page + anchor}
}

func owasp(sheet, heading, anchor, sentence string) Rule {
	return Rule{"OWASP, " + heading, sentence, "https://cheatsheetseries.owasp.org/cheatsheets/" + sheet + ".html#" + anchor}
}
