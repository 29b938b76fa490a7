package admin

import "strconv"

// ListInput is the query of every list.
type ListInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"8192" doc:"The next of the page before, with everything else the same."`
}

type list[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; left out on the last."`
}

type listOutput[T any] struct {
	Body list[T]
}

// listOf converts a page.
func listOf[T, U any](items []T, next string, convert func(T) (U, error)) (*listOutput[U], error) {
	out := &listOutput[U]{Body: list[U]{Items: make([]U, len(items)), Next: next}}
	for i, item := range items {
		var err error
		if out.Body.Items[i], err = convert(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// empty is an answer without a body.
type empty struct{}

// wholeLimit bounds a page of records that are listed whole: a server can have fifty scopes with a paragraph each.
const wholeLimit = 50

// window is a page of a list that is short enough to be read whole: there are at most a few hundred of its records. The
// cursor is where the next page begins.
func window[T any](all []T, in *ListInput) (page []T, next string, err error) {
	from := 0
	if in.Cursor != "" {
		if from, err = strconv.Atoi(in.Cursor); err != nil || from < 0 {
			return nil, "", invalid("query.cursor", "is not one that an earlier page gave; leave it out to start again")
		}
	}
	from = min(from, len(all))
	to := min(from+min(in.Limit, wholeLimit), len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}
