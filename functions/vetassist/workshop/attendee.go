package workshop

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxAttendees is how many a workshop can have: so many names there are for dogs.
const MaxAttendees = 100

// DefaultPrefix is how attendees are called.
const DefaultPrefix = "attendee"

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

// CheckPrefix says what is wrong with a prefix, if anything.
func CheckPrefix(prefix string) error {
	if !validPrefix.MatchString(prefix) {
		return fmt.Errorf("%.40q cannot begin a name: it takes up to 20 of a-z and 0-9, a letter first", prefix)
	}
	return nil
}

// attendee is one of a workshop. All but what the server gives follows from the prefix and the number.
type attendee struct {
	prefix string
	n      int // from 1
}

func (a attendee) username() string { return fmt.Sprintf("%s-%02d", a.prefix, a.n) }

// mark is the name of an attendee as a user. With the username it is by what a workshop knows whom it made: who is called otherwise
// is left alone.
func (a attendee) mark() string {
	return fmt.Sprintf("%s%s %02d (workshop)", strings.ToUpper(a.prefix[:1]), a.prefix[1:], a.n)
}

// appName is the name of an attendee's application, and its mark.
func (a attendee) appName() string { return a.username() + "'s app (workshop)" }

// numbered is the attendee of a username; false when it is none of this workshop's.
func numbered(prefix, username string) (attendee, bool) {
	digits, ok := strings.CutPrefix(username, prefix+"-")
	n, err := strconv.Atoi(digits)
	a := attendee{prefix, n}
	return a, ok && err == nil && n >= 1 && n <= MaxAttendees && a.username() == username
}

// pet is the dog of an attendee.
type pet struct {
	name, breed, sex string
	weight           float64
	dueIn            int // days from the day it is entered until its rabies vaccination is due
	age              int // days
}

// dose is a vaccination that was given so many days after the birth.
type dose struct {
	vaccine string
	age     int
}

func (a attendee) pet() pet {
	i := a.n - 1
	breed := breeds[i%len(breeds)]
	return pet{name: dogs[i], breed: breed.name, weight: breed.weight + float64(i%5)/2, sex: []string{"female", "male"}[i%2], dueIn: 7 + i*5%21, age: 1100 + 7*i}
}

// doses are such that rabies is due first, within a month, as with Fido, and on another day than with the neighbour's dog: the
// first booster of both vaccines comes after twelve months (seed/clinic.json). They count from the birth, so that who comes again finds the same.
func (p pet) doses() []dose {
	return []dose{{"rabies", p.age - 365 + p.dueIn}, {"dhpp", p.age - 181}, {"dhpp", p.age - 160}}
}

// born is the birth date of a pet that is entered today.
func (p pet) born(today time.Time) time.Time { return today.AddDate(0, 0, -p.age) }

// neighbour is whose dog an attendee asks about in vain.
func (a attendee) neighbour(of int) attendee {
	if of < 2 {
		return a
	}
	return attendee{a.prefix, a.n%of + 1}
}

var breeds = []struct {
	name   string
	weight float64
}{
	{"Labrador", 27}, {"Beagle", 11}, {"Border Collie", 17}, {"Poodle", 22}, {"Dachshund", 8}, {"Boxer", 28}, {"Cocker Spaniel", 12}, {"Whippet", 13},
	{"Corgi", 11}, {"Dalmatian", 25}, {"Airedale Terrier", 21}, {"Mixed breed", 15},
}

// dogs are names that are easy to type and to tell apart, and none of the demo's pets'.
var dogs = []string{
	"Biscuit", "Pepper", "Ziggy", "Hazel", "Otto", "Maple", "Rocket", "Juno", "Waffle", "Scout",
	"Olive", "Bruno", "Clementine", "Dexter", "Echo", "Fern", "Gizmo", "Honey", "Indigo", "Jasper",
	"Koda", "Lucky", "Mango", "Nugget", "Oscar", "Pickle", "Quincy", "Rusty", "Sunny", "Toffee",
	"Ursa", "Violet", "Winston", "Xena", "Yogi", "Zorro", "Acorn", "Basil", "Cookie", "Domino",
	"Ember", "Felix", "Ginger", "Hugo", "Iris", "Jupiter", "Kiwi", "Lotus", "Mocha", "Noodle",
	"Onyx", "Panda", "Queenie", "Rosie", "Sherlock", "Tango", "Umber", "Vega", "Willow", "Yuki",
	"Alfie", "Bandana", "Cosmo", "Daisy", "Elmo", "Flash", "Gatsby", "Harley", "Inky", "Jazz",
	"Kipper", "Lemon", "Monty", "Nacho", "Opal", "Peanut", "Quartz", "Raven", "Sprout", "Taco",
	"Ulysses", "Velvet", "Wookie", "Yoyo", "Zelda", "Atlas", "Bingo", "Cinder", "Dolly", "Everest",
	"Frankie", "Goose", "Hopper", "Igloo", "Joker", "Kernel", "Lassie", "Marble", "Nimbus", "Orbit",
}

// named are the attendees that an argument of -reset names.
func named(prefix, what string, there []attendee) ([]attendee, error) {
	if what == "all" {
		return there, nil
	}
	a, ok := numbered(prefix, what)
	if !ok {
		return nil, fmt.Errorf("%.40q is no attendee: it takes a name such as %s, or all", what, attendee{prefix, 7}.username())
	}
	if !slices.Contains(there, a) {
		return nil, fmt.Errorf("there is no %s here that a workshop made", a.username())
	}
	return []attendee{a}, nil
}
