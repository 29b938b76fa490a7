package admin

import "strconv"

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
	to := min(from+in.Limit, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}
