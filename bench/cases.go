package main

import (
	"fmt"
	"slices"
)

// testCase is one load and the contenders that take it.
type testCase struct {
	name       string
	about      string
	load       load
	contenders []contender
	figures    []metric
	ratios     []ratio
}

// ratio compares two contenders of a case.
type ratio struct {
	name         string
	ours, theirs string
	metric       metric
	bar          bar
}

// bar is what a ratio has to reach; the zero bar is none and is never asked whether it was met.
type bar struct {
	limit   float64
	atLeast bool
}

func atMost(limit float64) bar  { return bar{limit: limit} }
func atLeast(limit float64) bar { return bar{limit: limit, atLeast: true} }

func (b bar) met(value float64) bool {
	if b.atLeast {
		return value >= b.limit
	}
	return value <= b.limit
}

func (b bar) String() string {
	switch {
	case b == bar{}:
		return "–"
	case b.atLeast:
		return fmt.Sprintf("≥ %g", b.limit)
	default:
		return fmt.Sprintf("≤ %g", b.limit)
	}
}

func (c testCase) contender(name string) (contender, bool) {
	for _, candidate := range c.contenders {
		if candidate.name == name {
			return candidate, true
		}
	}
	return contender{}, false
}

const (
	small  = 100
	medium = 1 << 10
	large  = 64 << 10
	huge   = 1 << 20
)

// cases are all benchmarks, in the order in which they run. The bars are those of the design of the link.
func cases() []testCase {
	return slices.Concat(unaryCases(), streamCases(), dispatchCases(), routedCases(), trustCases())
}

func unaryCases() []testCase {
	return []testCase{{
		name: "unary_c64", about: "64 callers, 100 B",
		load:       load{callers: 64, size: small},
		contenders: []contender{meshTransport, grpcDirect, natsRequest, wireLink, connectGRPC},
		figures:    []metric{cpuPerCall, allocs, garbage, callRate, medianTime, tailTime},
		ratios: []ratio{
			{"link_unary_c64_cpu_vs_grpc", ours, "grpc", cpuPerCall, atMost(0.25)},
			{"link_unary_c64_rps_vs_grpc", ours, "grpc", callRate, atLeast(4)},
			{"link_unary_c64_cpu_vs_nats", ours, "nats", cpuPerCall, atMost(0.80)},
		},
	}, {
		name: "unary_c512", about: "512 callers, 100 B",
		load:       load{callers: 512, size: small},
		contenders: []contender{meshTransport, grpcDirect, natsRequest, wireLink, inProcess, bareFrames},
		figures:    []metric{cpuPerCall, allocs, garbage, callRate, medianTime, tailTime},
		ratios:     []ratio{{"link_unary_c512_cpu_vs_grpc", ours, "grpc", cpuPerCall, atMost(0.22)}},
	}, {
		name: "unary_c1", about: "1 caller, 100 B",
		load:       load{callers: 1, size: small},
		contenders: []contender{meshTransport, grpcDirect, natsRequest, wireLink, inProcess, bareFrames},
		figures:    []metric{cpuPerCall, allocs, garbage, callRate, medianTime, tailTime},
		ratios:     []ratio{{"link_unary_c1_p50_vs_grpc", ours, "grpc", medianTime, atMost(0.45)}},
	}, {
		name: "unary_1k", about: "64 callers, 1 KiB",
		load:       load{callers: 64, size: medium},
		contenders: []contender{meshTransport, grpcDirect, wireLink},
		figures:    []metric{cpuPerCall, allocs, callRate},
		ratios:     []ratio{{"link_unary_1k_cpu_vs_grpc", ours, "grpc", cpuPerCall, atMost(0.30)}},
	}, {
		name: "unary_64k", about: "64 callers, 64 KiB",
		load:       load{callers: 64, size: large},
		contenders: []contender{meshTransport, grpcDirect, wireLink},
		figures:    []metric{cpuPerCall, byteRate},
		ratios:     []ratio{{"link_unary_64k_cpu_vs_grpc", ours, "grpc", cpuPerCall, atMost(0.50)}},
	}, {
		name: "unary_1m", about: "8 callers, 1 MiB",
		load:       load{callers: 8, size: huge},
		contenders: []contender{meshTransport, grpcDirect, wireLink},
		figures:    []metric{cpuPerCall, byteRate},
		ratios:     []ratio{{"link_unary_1m_cpu_vs_grpc", ours, "grpc", cpuPerCall, bar{}}},
	}, {
		name: "tls_unary_c64", about: "64 callers, 100 B, TLS 1.3",
		load:       load{callers: 64, size: small, tls: true},
		contenders: []contender{meshTransport, grpcDirect, wireLink},
		figures:    []metric{cpuPerCall, allocs, callRate},
		ratios:     []ratio{{"link_tls_unary_c64_cpu_vs_grpc_tls", ours, "grpc", cpuPerCall, atMost(0.35)}},
	}}
}

func streamCases() []testCase {
	return []testCase{{
		name: "stream", about: "one server stream of 100 B messages",
		load:       load{callers: 1, size: small, stream: 50_000},
		contenders: []contender{meshTransport, grpcDirect, wireLink},
		figures:    []metric{cpuPerCall, allocs, callRate},
		ratios:     []ratio{{"link_stream_rps_vs_grpc", ours, "grpc", callRate, atLeast(2)}},
	}, {
		name: "bulk", about: "one server stream of 64 KiB messages",
		load:       load{callers: 1, size: large, stream: 2_000},
		contenders: []contender{meshTransport, grpcDirect, wireLink, typedStream},
		figures:    []metric{cpuPerCall, byteRate},
		ratios:     []ratio{{"link_bulk_bytes_vs_grpc", ours, "grpc", byteRate, atLeast(1.5)}},
	}}
}

func dispatchCases() []testCase {
	return []testCase{{
		name: "dispatch_local", about: "64 grpc-go clients call Dispatch, 100 B, the asked collector has the method",
		load:       load{callers: 64, size: small},
		contenders: []contender{meshDispatchLocal, grpcDispatchLocal},
		figures:    []metric{cpuPerCall, allocs, callRate},
		ratios:     []ratio{{"dispatch_local_vs_grpc_two_hop", ours, "grpc", cpuPerCall, bar{}}},
	}, {
		name: "dispatch_remote", about: "64 grpc-go clients call Dispatch, 100 B, the asked collector forwards it",
		load:       load{callers: 64, size: small},
		contenders: []contender{meshDispatchRemote, grpcDispatchRemote},
		figures:    []metric{cpuPerCall, allocs, callRate},
		ratios:     []ratio{{"dispatch_remote_vs_grpc_two_hop", ours, "grpc", cpuPerCall, bar{}}},
	}}
}

func routedCases() []testCase {
	return []testCase{{
		name: "routed_connect", about: "64 Connect clients over HTTP, 100 B: through A to B, and straight to a connect-go server",
		load:       load{callers: 64, size: small},
		contenders: []contender{meshConnectIngress, connectPlain},
		figures:    []metric{cpuPerCall, allocs, callRate},
		ratios:     []ratio{{"routed_connect_vs_direct", ours, "connect", cpuPerCall, atMost(1.15)}},
	}, {
		name: "routed_grpc", about: "64 grpc-go clients, 100 B: through A to B, and through two-hop and proxy servers on grpc-go",
		load:       load{callers: 64, size: small},
		contenders: []contender{meshGRPCIngress, grpcDispatchRemote, grpcProxy},
		figures:    []metric{cpuPerCall, allocs, callRate},
		ratios: []ratio{
			{"routed_grpc_vs_two_hop_grpc", ours, "grpc", cpuPerCall, atMost(1.1)},
			{"routed_grpc_vs_grpc_proxy", ours, "grpc_proxy", cpuPerCall, atMost(1.1)},
		},
	}}
}

func trustCases() []testCase {
	return []testCase{{
		name: "trust", about: "64 callers, 100 B: with proofs, principals and a policy, and without",
		load:       load{callers: 64, size: small},
		contenders: []contender{trustedTransport, meshTransport},
		figures:    []metric{cpuPerCall, allocs, garbage, callRate},
		ratios:     []ratio{{"trust_mesh_call_cost", "trusted", ours, cpuPerCall, atMost(1.05)}},
	}, {
		name: "trust_routed", about: "64 Connect clients over HTTP, 100 B: with an API key, proofs and a policy, and without",
		load:       load{callers: 64, size: small},
		contenders: []contender{trustedConnectIngress, meshConnectIngress},
		figures:    []metric{cpuPerCall, allocs, garbage, callRate},
		ratios:     []ratio{{"trust_call_cost", "trusted", ours, cpuPerCall, atMost(1.05)}},
	}}
}

// ours is the contender that the bars are about.
const ours = "mesh"
