package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	conversationPartition = "app/conversation/" // + a random id that the session knows
	conversationSort      = "exchanges"
	maxExchanges          = 50
	maxConversation       = 200 << 10 // bytes of its JSON, below store.MaxBody
	maxHistory            = 20        // exchanges that an assistant is told about
	maxHistoryBytes       = 64 << 10  // of their JSON
)

// conversation is one record, so that two messages that end at the same time meet in its version and both are kept.
type conversation struct {
	Exchanges []exchange `json:"exchanges"`
}

// exchange is one message with all that became of it. An exchange without a message is something the app said by itself.
type exchange struct {
	ID          string           `json:"id"`
	Flow        string           `json:"flow,omitempty"` // in which the flight recorder has it; empty: in none
	At          time.Time        `json:"at"`
	Message     string           `json:"message,omitempty"`
	Done        []doneCall       `json:"done,omitempty"`
	Waiting     []assistant.Call `json:"waiting,omitempty"`   // to carry out once the person has decided
	Need        *need            `json:"need,omitempty"`      // set while a person must act
	Question    *question        `json:"question,omitempty"`  // set while a person is asked
	Questions   int              `json:"questions,omitempty"` // how many there were
	Answer      string           `json:"answer,omitempty"`    // for the first call that waits, sealed
	Notes       []string         `json:"notes,omitempty"`     // what the person decided, in between
	Asked       []string         `json:"asked,omitempty"`     // scopes asked for because of this message
	Asks        int              `json:"asks,omitempty"`      // how often a person had to act for it
	Reply       string           `json:"reply,omitempty"`     // empty while it runs
	Tone        string           `json:"tone,omitempty"`      // how the reply looks: "", toneRefusal or toneProblem
	Suggestions []string         `json:"suggestions,omitempty"`
}

const (
	toneRefusal = "refusal"
	toneProblem = "problem"
)

// doneCall is a tool call that was tried, with what the page tells about it.
type doneCall struct {
	assistant.Observation
	Title string `json:"title,omitempty"`
	Scope string `json:"scope,omitempty"`
	By    string `json:"by,omitempty"` // name of the agent that did it; empty: we did
}

func (e *exchange) observations() []assistant.Observation {
	var out []assistant.Observation
	for _, d := range e.Done {
		out = append(out, d.Observation)
	}
	return out
}

func (c *conversation) find(id string) *exchange {
	for i := range c.Exchanges {
		if c.Exchanges[i].ID == id {
			return &c.Exchanges[i]
		}
	}
	return nil
}

// history is what the assistant is told of the conversation: the latest part of it, within bounds, since an assistant may read all of
// it again for each message.
func (c *conversation) history() []assistant.Exchange {
	var out []assistant.Exchange
	left := maxHistoryBytes
	for _, e := range slices.Backward(c.Exchanges) {
		if e.Message == "" {
			continue
		}
		past := assistant.Exchange{At: e.At, Message: e.Message, Reply: e.Reply, Done: e.observations()}
		if size(past) > left { // what was said matters more than what the tools found
			for i := range past.Done {
				past.Done[i].Structured = nil
			}
		}
		if left -= size(past); left < 0 || len(out) == maxHistory {
			break
		}
		out = append(out, past)
	}
	slices.Reverse(out)
	return out
}

// trim keeps the bounds: first the results of old tool calls go, then old exchanges.
func (c *conversation) trim() {
	slices.SortStableFunc(c.Exchanges, func(a, b exchange) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	if n := len(c.Exchanges) - maxExchanges; n > 0 {
		c.Exchanges = slices.Delete(c.Exchanges, 0, n)
	}
	total := 0
	for i := range c.Exchanges {
		total += size(c.Exchanges[i])
	}
	for i := 0; i < len(c.Exchanges) && total > maxConversation; i++ {
		e := &c.Exchanges[i]
		total -= size(*e)
		for j := range e.Done {
			e.Done[j].Structured = nil
		}
		total += size(*e)
	}
	for len(c.Exchanges) > 1 && total > maxConversation {
		total -= size(c.Exchanges[0])
		c.Exchanges = slices.Delete(c.Exchanges, 0, 1)
	}
	if total > maxConversation {
		c.Exchanges[0].Done, c.Exchanges[0].Waiting = nil, nil
	}
}

// size is what an exchange takes in JSON.
func size[E exchange | assistant.Exchange](e E) int {
	body, err := json.Marshal(e)
	if err != nil {
		return maxConversation + 1 // cannot be stored, so it must go
	}
	return len(body) + 1
}

func (a *app) readConversation(ctx context.Context, b *browser) (conversation, error) {
	rec, err := store.Read[conversation](ctx, a.store, conversationPartition+b.session.Conversation, conversationSort)
	if errors.Is(err, store.ErrNotFound) {
		return conversation{}, nil
	}
	return rec.Value, err
}

// changeConversation applies f to the stored conversation, again when another message was faster: nothing is overwritten.
// f must be harmless to repeat. The error is errContended when it was overtaken too often.
func (a *app) changeConversation(ctx context.Context, b *browser, f func(*conversation) error) (conversation, error) {
	partition := conversationPartition + b.session.Conversation
	for range writeAttempts {
		rec, err := store.Read[conversation](ctx, a.store, partition, conversationSort)
		condition := store.IfVersion(rec.Version)
		if errors.Is(err, store.ErrNotFound) {
			condition, err = store.IfAbsent(), nil
		}
		if err != nil {
			return conversation{}, err
		}
		if err := f(&rec.Value); err != nil {
			return conversation{}, err
		}
		rec.Value.trim()
		item := store.Encode(partition, conversationSort, rec.Value, a.now().Add(b.session.life()))
		err = a.store.Write(ctx, store.Put(item, condition))
		if err == nil {
			return rec.Value, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return conversation{}, err
		}
	}
	return conversation{}, fmt.Errorf("conversation: %w", errContended)
}

func (a *app) add(ctx context.Context, b *browser, e exchange) error {
	_, err := a.changeConversation(ctx, b, func(c *conversation) error {
		c.Exchanges = append(c.Exchanges, e)
		return nil
	})
	return err
}

// tell adds something that the app says by itself.
func (a *app) tell(ctx context.Context, b *browser, tone, text string) error {
	id, err := web.NewSecret(a.rand)
	if err != nil {
		return err
	}
	return a.add(ctx, b, exchange{ID: id[:16], Flow: trace.Flow(ctx), At: a.now(), Reply: text, Tone: tone})
}

func (a *app) newExchange(ctx context.Context, message string) (exchange, error) {
	id, err := web.NewSecret(a.rand)
	if err != nil {
		return exchange{}, err
	}
	return exchange{ID: id[:16], Flow: trace.Flow(ctx), At: a.now(), Message: message}, nil
}
