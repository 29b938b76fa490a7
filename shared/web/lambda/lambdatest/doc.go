// Package lambdatest runs compiled Lambda functions without AWS and without Docker: a Runtime API for each process
// (Function), and an HTTP API in front that turns requests into events as API Gateway does, and answers back (Gateway).
//
//	client -> Gateway -> Function.Invoke -> Runtime API <- bootstrap (a process of ours)
//
// It does what the documentation and captured events say of the services, faults included: a process serves one invocation at a
// time, is killed when that takes too long, may be frozen between two, and a path arrives decoded.
package lambdatest
