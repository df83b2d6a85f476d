// Package health is grpc.health.v1.Health of a collector: a service is serving when any of its methods can be answered, here
// or on a peer that is reached now. The service is declared here without generated code, so that programs with grpc-go's
// have it once.
package health
