// Command load asks one server the same thing again and again, and tells how often it was answered. It is a closed loop: each connection
// sends its next request when it has the answer to the last one. A job comes as JSON on standard input, a Result leaves on standard output.
//
//	echo '{"mode":"request","addr":"127.0.0.1:8080","connections":16,"seconds":5,"requests":[{"method":"GET","path":"/"}]}' | go run ./scripts/bench/load
//
// It speaks just enough HTTP/1.1 to read an answer, on one processor, so that it takes little from the server beside it; what it takes
// is part of the result. Every answer is checked. It talks to this machine only, for at most two minutes.
package main
