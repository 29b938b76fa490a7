package clinic

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vetassist/vetassist/shared/store"
)

// Limits of the clinic.
const (
	MaxPets         = 20  // of one owner
	MaxAppointments = 10  // to come, of one owner
	MaxReminders    = 50  // of one person
	MaxTickets      = 20  // of one person, in TicketDays
	MaxDoses        = 200 // on record for one pet
	HorizonDays     = 180 // how far ahead an appointment can be booked
	ReminderYears   = 5   // how far ahead a reminder can be set
	TicketDays      = 90  // how long a ticket is kept
	PageSize        = 20  // things on one page of a list

	maxAhead     = 4 * MaxAppointments // appointments to come with the cancelled ones, so that they fit on one page
	keepDays     = 90                  // how long a taken slot and a cancelled appointment are kept after their day
	reminderDays = 30                  // how long a reminder is kept after its time
)

// Partition prefixes. RecordPartitions is all that daily work needs; Seed, Reset and snapshots need Partitions.
var (
	RecordPartitions = []string{"clinic/person/", "clinic/day/", "clinic/index/", "clinic/ref/", "clinic/setup/", "clinic/people/"}
	Partitions       = append([]string{"clinic/snapshot/"}, RecordPartitions...)
)

// Actor is the person who asks, or a program for which there is none: then it has no ID, and so no records of its own.
type Actor struct {
	ID    string
	Staff bool   // sees and changes the records of every owner
	Agent string // who does it for them, by its name in the records; empty: they themselves
}

// Config is what a Clinic needs.
type Config struct {
	Store store.Store
	Files fs.FS // holds clinic.json
	Now   func() time.Time
	Rand  io.Reader // for ids
}

// Clinic is the domain. Its methods may be called at the same time.
type Clinic struct {
	store store.Store
	facts *Facts
	now   func() time.Time
	rand  io.Reader
	watch Watch // nil: nobody
}

// Watch hears of every pet that was looked up, with the answer: the pet, or a refusal.
type Watch func(ctx context.Context, who Actor, ref string, p Pet, err error)

// Watched is the same clinic, with somebody who watches. It changes no answer.
func (c *Clinic) Watched(w Watch) *Clinic {
	watched := *c
	watched.watch = w
	return &watched
}

// New reads the facts of the clinic and returns it, open.
func New(c Config) (*Clinic, error) {
	facts, err := LoadFacts(c.Files)
	if err != nil {
		return nil, err
	}
	if c.Store == nil || c.Now == nil || c.Rand == nil {
		return nil, errors.New("clinic: Config needs Store, Now and Rand")
	}
	return &Clinic{store: c.Store, facts: facts, now: c.Now, rand: c.Rand}, nil
}

// Facts returns what does not change while the program runs.
func (c *Clinic) Facts() *Facts { return c.facts }

// Now is the clinic's clock.
func (c *Clinic) Now() time.Time { return c.now() }

// Today is the date at the clinic now.
func (c *Clinic) Today() Date { return DateOf(c.now().In(c.facts.zone)) }

const personPrefix = "clinic/person/"

func person(id string) string { return personPrefix + id }

func personOf(partition string) string { return strings.TrimPrefix(partition, personPrefix) }

const stamp = "20060102T1504Z" // of an instant in UTC, at the head of ids, so that ids sort by time

var idEncoding = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz023456789").WithPadding(base32.NoPadding)

// newID makes an id with 50 random bits, which no other id has in practice; the write still asks for its absence.
func (c *Clinic) newID(prefix string) (string, error) {
	b := make([]byte, 8)
	if _, err := io.ReadFull(c.rand, b); err != nil {
		return "", fmt.Errorf("clinic: random id: %w", err)
	}
	return prefix + "-" + idEncoding.EncodeToString(b)[:10], nil
}

// validID keeps ids out of the structure of keys. Whoever sends another is told that nothing was found.
func validID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool {
		return r == '/' || unicode.IsControl(r) || r == utf8.RuneError
	})
}

const guardSort = "guard"

// attempts bounds how often a change is tried again after another change came first.
const attempts = 16

// change carries out what plan decides, as the only change to this person's records at that moment: the guard
// item's version goes up with every change, so counts and uniqueness that plan has checked still hold when it is
// written. When any condition fails, plan looks again.
func (c *Clinic) change(ctx context.Context, id string, plan func() ([]store.Op, error)) error {
	for range attempts {
		if err := gateOpen(ctx, c.store); err != nil {
			return err
		}
		cond := store.IfAbsent()
		guard, err := store.Read[guardRecord](ctx, c.store, person(id), guardSort)
		if err == nil {
			cond = store.IfVersion(guard.Version)
		} else if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("clinic: guard: %w", err)
		}
		ops, err := plan()
		if err != nil || len(ops) == 0 {
			return err
		}
		if !guard.Value.Listed {
			ops = append(ops, listPerson(id))
		}
		ops = append(ops, store.Put(store.Encode(person(id), guardSort, guardRecord{Listed: true}, time.Time{}), cond))
		err = c.store.Write(ctx, ops...)
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("clinic: write: %w", err)
		}
	}
	return refuse(Conflict, "Somebody else is changing the same records right now. Please try again.")
}

// listAll reads a prefix of a person's partition to its end, at most limit records.
func listAll[T any](ctx context.Context, c *Clinic, partition, prefix string, limit int) ([]store.Record[T], error) {
	all, err := store.ReadAll[T](ctx, c.store, store.Query{Partition: partition, Prefix: prefix}, limit)
	if err != nil {
		return nil, fmt.Errorf("clinic: %w", err)
	}
	return all, nil
}

// text checks words that a person wrote: valid, printable, and at most limit characters after trimming.
func text(what, s string, limit int, required, lines bool) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	switch {
	case s == "" && required:
		return "", refuse(Invalid, "The %s is missing.", what)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\t'))
	}):
		return "", refuse(Invalid, "The %s contains characters that cannot be printed.", what)
	case utf8.RuneCountInString(s) > limit:
		return "", refuse(Invalid, "The %s is longer than %d characters.", what, limit)
	}
	return s, nil
}

// oneOf checks a word of a fixed list; empty means the fallback.
func oneOf(what, s, fallback string, list []string) (string, error) {
	if s == "" {
		s = fallback
	}
	if !slices.Contains(list, s) {
		return "", refuse(Invalid, "%s is not a %s here. Choose one of: %s.", quote(s), what, strings.Join(list, ", "))
	}
	return s, nil
}
