// Package course is the guide as a course: its lessons, and the checks that tell whether somebody has really done what a lesson says.
//
// A check is code over what happened: the exchanges that the flight recorder kept of this person, what the audit log says of this person,
// and the policy as it is now. Nothing here can be ticked off. The package is pure: whoever uses it gathers a Seen and keeps the Passes.
//
//	course.go   lessons, checks and how they are judged
//	facts.go    what is read out of a record
//	checks.go   the checks, lesson by lesson
//	lessons/    the words of each lesson
package course
