// Package knowledge is the clinic's library of written articles and the search over it. Load reads them once; after
// that a Library never changes, so any number of goroutines may use it.
//
// # How the search works
//
//  1. Words are lower-cased and stemmed (Snowball), so "vaccinated" and "vaccinations" meet; stop words go.
//  2. The index maps each stem to the articles that hold it, once for heading (title, topics), once for text.
//  3. A question becomes concepts: a word, or a phrase of the synonym table ("throwing up" is vomiting). A word that
//     no article knows may have one typo.
//  4. BM25 ranks: a rare word weighs more, the heading more than the text, a tenth mention hardly more than the third.
//  5. An article counts as found if one concept is in its heading, or if most of the question is in its text.
//     "dog" or "care" alone never find, they only help to rank: better no answer than a guess.
//  6. An article that is not for the species in question is ranked lower, not hidden. Ties go by slug.
//  7. The excerpt is the sentence with the most of the question in it, and what follows while there is room.
//
// # Left out
//
// Two typos in a word, other languages, "not". A few dozen articles need no database and no embeddings: a search
// takes some tens of microseconds, and is the same on every storage engine.
package knowledge
