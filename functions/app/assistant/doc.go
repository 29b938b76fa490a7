// Package assistant decides what the chat app does with a message: which tools of the MCP server to call, with which
// arguments, and what to say about the results. It knows no tool by name and reaches no network: the caller carries out the
// calls and asks again until there is a reply. [Offline] is a deterministic planner; a language model fits the same interface.
//
// How the offline planner thinks:
//
//  1. The message becomes words (tokens.go), spelling mended, and clauses (clauses.go): one wish each.
//  2. In each clause it marks days, times, numbers, pets and pronouns (dates.go, times.go, numbers.go, entities.go).
//  3. It scores every offered tool against the clause by the tool's own words and schema (schema.go, choose.go); synonyms and
//     the classes of verbs are data (data/lexicon.txt). Asking never picks a tool that changes something.
//  4. It fills the tool's arguments by type, format, enum and name of each property (fill.go, text.go).
//  5. A short clause ("and Milo?", "the second one", "yes") is read against what was said before (followup.go, pick.go,
//     things.go). Memory (memory.go) is not stored: it is the history, planned again.
//  6. A goal that lacks something looks it up with a read-only tool, offers a choice, or asks (advance.go, people.go, which.go).
//     Before any of that, patterns (patterns.go, data/patterns.txt) tell of danger and grief (urgent.go), and of what the
//     page does or nobody can read (elsewhere.go).
//  7. A day, time or number that cannot be is asked for again, and what cannot be taken back is put to the person before it
//     is done, unless it was asked for plainly (limits.go).
//  8. Replies say only what tools returned or the person said (compose.go, shapes.go, agenda.go, generic.go). Results are
//     data: nothing in them is ever read as a wish.
//
// Two libraries were weighed. kljensen/snowball stems English words: used. olebedev/when finds dates, but reads "2026-12-01"
// as one minute past noon, "the day after tomorrow" as tomorrow and "sat on the mat" as Saturday, so dates are read here.
package assistant
