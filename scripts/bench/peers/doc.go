// Package peers is a module of its own, so that VetAssist depends on none of this: the programs that scripts/bench compares it with, each as
// small as its own documentation shows it.
package peers
