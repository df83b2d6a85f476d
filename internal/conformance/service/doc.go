// Package service is the suite's ConformanceService, written against its contract in service.proto: it does what a
// request tells it to do and echoes what it saw of the request.
//
// Words:
//
//	definition  the part of a request that says what to answer: metadata, data, a delay, an error
//	payload     one answer: the data of the definition and, in the first one, what was observed
//	observed    what arrived: the request's headers, its time limit, its messages, the query of a GET
package service
