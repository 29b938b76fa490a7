package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
)

const (
	bookingTool  = "book_vet_appointment"
	slotQuestion = "slot"     // of the question in inputRequests, and of its one field
	declined     = "declined" // the code of a refusal: the person wanted none of what was offered
)

type bookIn struct {
	Pet    string `json:"pet"`
	Date   string `json:"date"`
	Time   string `json:"time"`
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
}

// booking is a result of book_vet_appointment: Alternatives are those of a refusal (see refusal), named here for the schema.
type booking struct {
	Appointment  appointment `json:"appointment"`
	Alternatives []slot      `json:"alternatives,omitempty" jsonschema:"free times instead, when the one asked for cannot be had"`
}

// book makes an appointment. Where the time cannot be had, it asks for another one, or says which are free to whoever cannot be asked.
func (t *tools) book(ctx context.Context, who caller, req *sdk.CallToolRequest, in bookIn) (*sdk.CallToolResult, error) {
	about, err := subjectOf(who, bookingTool, in)
	if err != nil {
		return t.refuse(ctx, bookingTool, err)
	}
	var before asked
	if isAnswer(req) {
		if before, err = t.recall(ctx, about, req.Params.RequestState); err != nil {
			return t.refuse(ctx, bookingTool, err)
		}
		choice, err := chosen(req.Params.InputResponses, before.Offered)
		switch {
		case errors.Is(err, errDeclined):
			text := "Nothing was booked, since none of the free times was chosen."
			return result(refusal{Error: declined, Message: text}, text, true)
		case err != nil:
			return nil, err
		case choice != "": // without a choice the question is put again, unless the time has become free
			in.Date, in.Time, _ = strings.Cut(choice, "T")
		}
	}
	out, text, err := t.bookAt(ctx, who.actor(), in)
	var refused *clinic.Error
	if errors.As(err, &refused) && len(refused.Alternatives) > 0 && before.Number < maxQuestions && mayAsk(req) {
		res, err := t.askForSlot(ctx, about, before.Number+1, refused)
		if err != nil {
			return t.refuse(ctx, bookingTool, err)
		}
		return res, nil
	}
	if err != nil {
		return t.refuse(ctx, bookingTool, err)
	}
	return result(out, text, false)
}

func (t *tools) bookAt(ctx context.Context, who clinic.Actor, in bookIn) (booking, string, error) {
	day, err := clinic.ParseDate(in.Date)
	if err != nil {
		return booking{}, "", err
	}
	at, err := clinic.ParseClock(in.Time)
	if err != nil {
		return booking{}, "", err
	}
	a, err := t.clinic.Book(ctx, who, clinic.Booking{Pet: in.Pet, Date: day, Time: at, Kind: in.Kind, Reason: in.Reason})
	if err != nil {
		return booking{}, "", err
	}
	out := t.appointmentOf(a)
	return booking{Appointment: out}, "Booked: " + out.String() + ".", nil
}

// askForSlot offers the free times as a form with one choice (Elicitation, Requested Schema: a titled enum).
func (t *tools) askForSlot(ctx context.Context, about subject, number int, refused *clinic.Error) (*sdk.CallToolResult, error) {
	now := asked{Number: number}
	field := &jsonschema.Schema{Type: "string", Title: "Free times"}
	for _, s := range refused.Alternatives {
		value := any(s.Date.String() + "T" + s.Time.String())
		now.Offered = append(now.Offered, value.(string))
		field.OneOf = append(field.OneOf, &jsonschema.Schema{Const: &value,
			Title: fmt.Sprintf("%s, %d %s %d at %s with %s", s.Date.Weekday(), s.Date.Day, s.Date.Month, s.Date.Year, s.Time, s.Vet.Name)})
	}
	state, err := t.sign(ctx, about, now)
	if err != nil {
		return nil, err
	}
	return &sdk.CallToolResult{RequestState: state, InputRequests: sdk.InputRequestMap{slotQuestion: &sdk.ElicitParams{
		Mode:    "form",
		Message: refused.Message + " Nothing is booked yet. Which of these free times should it be instead?",
		RequestedSchema: &jsonschema.Schema{Type: "object", Required: []string{slotQuestion},
			Properties: map[string]*jsonschema.Schema{slotQuestion: field}},
	}}}, nil
}

var errDeclined = errors.New("declined")

// chosen reads the answer: one of what was offered, or nothing when there is no answer, which is no mistake. What was not asked for
// is not read (Multi Round-Trip Requests, Error Handling).
func chosen(in sdk.InputResponseMap, offered []string) (string, error) {
	given, ok := in[slotQuestion]
	if !ok {
		return "", nil
	}
	answer, ok := given.(*sdk.ElicitResult)
	if !ok {
		return "", badAnswer(fmt.Sprintf("%q is not the result of an elicitation", slotQuestion))
	}
	switch answer.Action {
	case "accept":
	case "decline", "cancel":
		return "", errDeclined
	default:
		return "", badAnswer("the action is accept, decline or cancel")
	}
	value, there := answer.Content[slotQuestion]
	if !there {
		return "", nil
	}
	choice, _ := value.(string)
	if !slices.Contains(offered, choice) {
		return "", badAnswer("it is none of the choices that were offered")
	}
	return choice, nil
}
