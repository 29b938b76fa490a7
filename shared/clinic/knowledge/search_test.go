package knowledge_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
)

func library(t testing.TB) *knowledge.Library {
	t.Helper()
	l, err := knowledge.Load(seed.Files)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func slugs(hits []knowledge.Hit) []string {
	var all []string
	for _, h := range hits {
		all = append(all, h.Article.Slug)
	}
	return all
}

func excerpts(hits []knowledge.Hit) []string {
	var all []string
	for _, h := range hits {
		all = append(all, h.Excerpt)
	}
	return all
}

// What pet owners type, and the article that should come first.
var first = []struct{ query, slug string }{
	// vaccinations
	{"how do vaccines work", "vaccination-basics"},
	{"what is a booster", "vaccination-basics"},
	{"why does my pet need shots every year", "vaccination-basics"},
	{"puppy shots schedule", "puppy-vaccination-schedule"},
	{"When does my puppy get its first jabs?", "puppy-vaccination-schedule"},
	{"what is DHPP", "puppy-vaccination-schedule"},
	{"parvo", "puppy-vaccination-schedule"},
	{"lepto vaccine", "puppy-vaccination-schedule"},
	{"kitten vaccinations", "kitten-vaccination-schedule"},
	{"does my indoor kitten need FVRCP", "kitten-vaccination-schedule"},
	{"feline leukemia", "kitten-vaccination-schedule"},
	{"rabies", "rabies"},
	{"there was a bat in the bedroom", "rabies"},
	{"my dog was bitten by a raccoon", "rabies"},
	{"vaccine side effects", "after-vaccination"},
	{"my dog is sleepy after his shots", "after-vaccination"},
	{"swollen face after vaccination", "after-vaccination"},
	// parasites
	{"fleas", "fleas-and-ticks"},
	{"how do I remove a tick", "fleas-and-ticks"},
	{"can dogs get lyme disease", "fleas-and-ticks"},
	{"how often should I deworm my cat", "worming"},
	{"tapeworms in poop", "worming"},
	{"heartworm prevention", "worming"},
	// food and weight
	{"my dog's breath stinks", "dental-care"},
	{"brushing my cat's teeth", "dental-care"},
	{"is my cat too fat", "weight-and-obesity"},
	{"put my dog on a diet, he is overweight", "weight-and-obesity"},
	{"how much should I feed my dog", "feeding-dogs"},
	{"best kibble for a labrador dog", "feeding-dogs"},
	{"is a raw diet ok", "feeding-dogs"},
	{"what should I feed my cat", "feeding-cats"},
	{"can cats drink milk", "feeding-cats"},
	{"my cat won't eat", "feeding-cats"},
	{"my dog ate chocolate", "toxic-foods"},
	{"dog ate a grape", "toxic-foods"},
	{"are raisins bad for dogs", "toxic-foods"},
	{"xylitol gum", "toxic-foods"},
	{"are lilies poisonous to cats", "toxic-foods"},
	{"can I give my dog onion", "toxic-foods"},
	// emergencies
	{"heatstroke", "heat-stroke"},
	{"dog overheated in the car", "heat-stroke"},
	{"my cat can't pee", "urinary-blockage-cats"},
	{"tomcat straining in the litter box", "urinary-blockage-cats"},
	{"my dog's belly is swollen and he retches", "bloat"},
	{"GDV", "bloat"},
	{"dog having a seizure", "seizures"},
	{"my dog is having fits", "seizures"},
	{"first aid kit", "first-aid"},
	{"my cat was hit by a car", "first-aid"},
	{"dog is choking", "first-aid"},
	{"bee sting", "first-aid"},
	// illness
	{"throwing up", "vomiting-and-diarrhoea"},
	{"my dog threw up this morning", "vomiting-and-diarrhoea"},
	{"puppy has the runs", "vomiting-and-diarrhoea"},
	{"cat diarrhea", "vomiting-and-diarrhoea"},
	{"my dog is limping on his front leg", "limping"},
	{"dog is lame", "limping"},
	{"ACL tear", "limping"},
	{"my dog keeps scratching", "itching-and-allergies"},
	{"itchy skin", "itching-and-allergies"},
	{"dog licking paws all the time", "itching-and-allergies"},
	{"dog shaking head and ear smells", "ear-infections"},
	{"ear mites", "ear-infections"},
	{"my cat's eye is red", "eye-problems"},
	{"goopy eyes", "eye-problems"},
	{"is my cat diabetic", "diabetes"},
	{"how to give insulin", "diabetes"},
	{"kidney failure in old cat", "kidney-disease-cats"},
	{"kennel cough", "coughing"},
	{"my cat is sneezing", "coughing"},
	// life with a pet
	{"dog scared of fireworks", "anxiety-and-fireworks"},
	{"separation anxiety", "anxiety-and-fireworks"},
	{"my dog barks when home alone", "anxiety-and-fireworks"},
	{"how do I potty train my puppy", "house-training"},
	{"puppy peeing in the house", "house-training"},
	{"cat peeing outside the litter box", "litter-box-problems"},
	{"we are moving to a new apartment with our cat", "moving-home-cat"},
	{"flying with a dog", "travel"},
	{"do I need papers to travel with my ferret", "travel"},
	{"is my dog chipped", "microchip"},
	{"my cat ran away", "microchip"},
	{"when should I spay my cat", "neutering"},
	{"getting my dog fixed", "neutering"},
	{"my old dog is stiff", "senior-dogs"},
	{"caring for an elderly cat", "senior-cats"},
	{"rabbit stopped eating", "rabbits"},
	{"what do bunnies eat", "rabbits"},
	{"myxomatosis", "rabbits"},
	{"what do ferrets eat", "ferrets"},
	{"ferret distemper shot", "ferrets"},
	{"how long are cats pregnant", "pregnancy"},
	{"my dog is in labor", "pregnancy"},
	{"what should I bring to my appointment", "preparing-for-a-visit"},
	{"my cat hates the carrier", "preparing-for-a-visit"},
	{"when can the cone come off after surgery", "after-surgery"},
	{"stitches are bleeding", "after-surgery"},
	// what the articles' author did not think of first
	{"my dog swallowed a sock", "swallowed-objects"},
	{"my cat ate a piece of string", "swallowed-objects"},
	{"can I give my dog ibuprofen", "human-medicines"},
	{"tylenol for cats", "human-medicines"},
	{"dog drinking antifreeze", "toxic-foods"},
	{"can my dog eat avocado", "toxic-foods"},
	{"dog got into the trash", "toxic-foods"},
	{"worms look like rice", "worming"},
	{"tick bite on my dog", "fleas-and-ticks"},
	{"how hot is too hot to walk my dog", "heat-stroke"},
	{"broken nail", "limping"},
	{"scooting on the floor", "worming"},
	{"cat head tilt", "ear-infections"},
	{"low blood sugar in diabetic cat", "diabetes"},
	{"introducing a new cat", "moving-home-cat"},
	{"crate training", "house-training"},
	{"can dog eat before anesthesia", "after-surgery"},
	{"female dog in season", "neutering"},
	{"how many weeks are dogs pregnant", "pregnancy"},
	{"cat meowing at night", "senior-cats"},
	{"dog gums are pale", "first-aid"},
	{"cat breathing with mouth open", "coughing"},
	{"great dane stomach twisted", "bloat"},
	{"cat spraying walls", "litter-box-problems"},
	{"my cat peed on the bed", "litter-box-problems"},
	{"found a stray dog", "microchip"},
	{"is grain free food good", "feeding-dogs"},
	{"when can my puppy go to the dog park", "puppy-vaccination-schedule"},
	{"hot spots", "itching-and-allergies"},
	{"storms scare my dog", "anxiety-and-fireworks"},
	{"my senior cat is confused", "senior-cats"},
	{"constipated cat", "urinary-blockage-cats"},
	// one typo
	{"vacination", "vaccination-basics"},
	{"choclate", "toxic-foods"},
	{"my dog has diabetis", "diabetes"},
	{"siezure", "seizures"},
	{"vommiting cat", "vomiting-and-diarrhoea"},
}

// Questions that several articles answer: the article is among the first three.
var topThree = []struct{ query, slug string }{
	{"my cat is drinking a lot of water", "kidney-disease-cats"},
	{"my cat is drinking a lot of water", "diabetes"},
	{"why is my dog so thirsty", "diabetes"},
	{"old cat losing weight", "senior-cats"},
	{"old cat losing weight", "kidney-disease-cats"},
	{"how can my dog lose weight", "weight-and-obesity"},
	{"old dog arthritis", "senior-dogs"},
	{"boarding my dog while on vacation", "travel"},
	{"does my ferret need a rabies vaccination", "ferrets"},
	{"does my ferret need a rabies vaccination", "rabies"},
	{"vaccination for rabbits", "rabbits"},
	{"blood in urine cat", "urinary-blockage-cats"},
	{"my cat has not eaten for two days", "feeding-cats"},
	{"dog allergic to fleas", "itching-and-allergies"},
	{"cat hiding under the bed since we moved", "moving-home-cat"},
	{"rat poison", "toxic-foods"},
	{"puppy vaccination before meeting other dogs", "puppy-vaccination-schedule"},
	{"dog coughing after boarding kennel", "coughing"},
}

// Questions that no article answers.
var nothing = []string{
	"", "   ", "?!", "a", "the of and", "12345", "\x00", "\xff\xfe", "🐕", "犬の予防接種",
	"asdfghjkl", "qwerty zxcvb", "lorem ipsum dolor sit amet",
	"bitcoin price", "what is the capital of France", "what's the weather tomorrow", "who won the world cup",
	"how old is the universe", "write me a poem about the sea", "best pizza in town", "how do I renew my driving licence",
	"stock market news", "translate this into Spanish", "quantum chromodynamics", "tell me a joke", "hello", "thank you",
	"book a table for two", "my dog asdfgh", "what is the time", "2 + 2", "ignore previous instructions", "SELECT * FROM pets",
	"<script>alert(1)</script>", "how are you today", "what are your opening hours", "new house prices",
	"heart murmur", "parrot feathers", "hamster",
}

func TestSearch(t *testing.T) {
	l := library(t)
	if len(first)+len(topThree) < 60 {
		t.Error("the table is to hold at least 60 questions")
	}
	for _, tt := range first {
		if got := slugs(l.Search(tt.query, 3)); len(got) == 0 || got[0] != tt.slug {
			t.Errorf("%q: got %v, want %s first", tt.query, got, tt.slug)
		}
	}
	for _, tt := range topThree {
		if got := slugs(l.Search(tt.query, 3)); !slices.Contains(got, tt.slug) {
			t.Errorf("%q: got %v, want %s among them", tt.query, got, tt.slug)
		}
	}
	for _, query := range nothing {
		if hits := l.Search(query, 3); len(hits) != 0 {
			t.Errorf("%q: got %v, want nothing", query, slugs(hits))
		}
	}
}

func TestEveryArticleIsFoundByItsTitle(t *testing.T) {
	l := library(t)
	for _, a := range l.All() {
		for _, query := range []string{a.Title, strings.ToUpper(a.Title)} {
			if got := slugs(l.Search(query, 3)); len(got) == 0 || got[0] != a.Slug {
				t.Errorf("%q: got %v, want %s first", query, got, a.Slug)
			}
		}
	}
}

func TestEveryTopicFindsItsArticle(t *testing.T) {
	l := library(t)
	for _, a := range l.All() {
		for _, topic := range a.Topics {
			if got := slugs(l.Search(topic, 10)); !slices.Contains(got, a.Slug) {
				t.Errorf("%q: got %v, want %s among them", topic, got, a.Slug)
			}
		}
	}
}

// checkHits holds what is true of any answer.
func checkHits(t *testing.T, l *knowledge.Library, query string, limit int, hits []knowledge.Hit) {
	t.Helper()
	if len(hits) > max(limit, 0) {
		t.Errorf("%q: %d hits, the limit is %d", query, len(hits), limit)
	}
	for i, h := range hits {
		if a, ok := l.Get(h.Article.Slug); !ok || !reflect.DeepEqual(a, h.Article) {
			t.Errorf("%q: hit %s is not the article", query, h.Article.Slug)
		}
		if h.Score <= 0 || math.IsNaN(h.Score) || math.IsInf(h.Score, 0) {
			t.Errorf("%q: score %v", query, h.Score)
		}
		if i > 0 {
			before := hits[i-1]
			if before.Score < h.Score || before.Score == h.Score && before.Article.Slug >= h.Article.Slug {
				t.Errorf("%q: %s is out of order", query, h.Article.Slug)
			}
		}
		e := h.Excerpt
		if e == "" || len(e) > knowledge.MaxExcerpt || !utf8.ValidString(e) || strings.ContainsAny(e, "\n#*[]") ||
			strings.HasPrefix(e, "- ") || strings.TrimSpace(e) != e {
			t.Errorf("%q: excerpt %q", query, e)
		}
	}
}

func TestAnswersAreWellFormedAndRepeatable(t *testing.T) {
	l, other := library(t), library(t)
	for _, tt := range slices.Concat(first, topThree) {
		for _, limit := range []int{-1, 0, 1, 3, 1000} {
			hits := l.Search(tt.query, limit)
			checkHits(t, l, tt.query, limit, hits)
			if again := other.Search(tt.query, limit); !reflect.DeepEqual(hits, again) {
				t.Errorf("%q: %v, then %v", tt.query, slugs(hits), slugs(again))
			}
		}
	}
}

func TestExcerptsAnswer(t *testing.T) {
	l := library(t)
	for _, tt := range []struct{ query, want string }{
		{"my dog ate xylitol gum", "sugar-free gum"},
		{"are lilies poisonous to cats", "Lilies are deadly for cats."},
		{"how long does a dog pregnancy last", "about nine weeks"},
		{"how do I take out a tick with tweezers", "pull slowly and steadily"},
		{"seizure longer than five minutes", "lasts longer than five minutes"},
		{"dog vomits and cannot keep water down", "Call at once if your pet vomits several times in a few hours"},
		{"rabbit not eating gut stasis", "gut stasis"},
	} {
		hits := l.Search(tt.query, 1)
		if len(hits) == 0 || !strings.Contains(hits[0].Excerpt, tt.want) {
			t.Errorf("%q: got %v, %q, want an excerpt with %q", tt.query, slugs(hits), excerpts(hits), tt.want)
		}
	}
}

func TestLongQuestions(t *testing.T) {
	l := library(t)
	long := "fleas " + strings.Repeat("blah ", 1_000_000)
	if got := slugs(l.Search(long, 1)); !slices.Equal(got, []string{"fleas-and-ticks"}) {
		t.Errorf("the beginning of a long question counts, got %v", got)
	}
	if got := l.Search(strings.Repeat("blah ", 100)+"fleas", 1); got != nil {
		t.Errorf("beyond the bound nothing counts, got %v", slugs(got))
	}
	once, often := l.Search("fleas", 5), l.Search(strings.Repeat("fleas ", 40), 5)
	if !reflect.DeepEqual(once, often) {
		t.Error("repeating a word changes the answer")
	}
}

func TestResultsAreCopies(t *testing.T) {
	l := library(t)
	want, _ := l.Get("rabies")
	got, _ := l.Get("rabies")
	got.Topics[0], got.Species[0] = "x", "x"
	l.All()[0].Topics[0] = "x"
	l.Search("rabies", 1)[0].Article.Topics[0] = "x"
	if again, _ := l.Get("rabies"); !reflect.DeepEqual(again, want) {
		t.Errorf("a caller changed the library: %v", again.Topics)
	}
	if _, ok := l.Get("no-such-article"); ok {
		t.Error("an article that does not exist")
	}
}

func TestConcurrentUse(t *testing.T) {
	l := library(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, tt := range first {
				if got := slugs(l.Search(tt.query, 1)); !slices.Equal(got, []string{tt.slug}) {
					t.Errorf("%q: got %v", tt.query, got)
				}
				if _, ok := l.Get(tt.slug); !ok {
					t.Errorf("%s is gone", tt.slug)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzSearch(f *testing.F) {
	for _, tt := range first {
		f.Add(tt.query, 3)
	}
	for _, query := range nothing {
		f.Add(query, 1)
	}
	l := library(f)
	f.Fuzz(func(t *testing.T, query string, limit int) {
		checkHits(t, l, query, limit, l.Search(query, limit))
	})
}

func BenchmarkSearch(b *testing.B) {
	l := library(b)
	for i := 0; b.Loop(); i++ {
		l.Search(first[i%len(first)].query, 3)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		library(b)
	}
}
