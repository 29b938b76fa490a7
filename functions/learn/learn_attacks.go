package learn

import "github.com/vetassist/vetassist/shared/attacks"

// attackCatalogue is what the lesson of the attack lab lists.
func attackCatalogue() any { return attacks.All() }
