// Package learn is the teaching layer: the flight recorder's pages at /flow/, which draw what really happened, and the course at /learn/.
// It reads what package trace wrote, and who is looking; it changes nothing of anybody.
//
//	open.go    what it opens, and its paths
//	learn.go   its routes
//	viewer.go  who is looking, and so what they may see
//	flows.go   the flows as JSON
//
// In the cloud it is a function of its own, which is only there when the recorder is on.
package learn
