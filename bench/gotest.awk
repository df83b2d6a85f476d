# Makes FIGURE and RATIO lines of what `go test -bench` prints.
function value(unit,   i) { for (i = 4; i <= NF; i++) if ($i == unit) return $(i - 1) }
/^BenchmarkValidateServiceMethod/ {
	printf "FIGURE registry_validate %s ns\n", value("ns/op")
	printf "FIGURE registry_validate_allocs %s allocs\n", value("allocs/op")
	printf "FIGURE registry_memory %s MiB\n", value("MiB/registry")
}
/^BenchmarkValidateBesideMap/ {
	printf "RATIO registry_validate_vs_map %.3f\n", value("validate_vs_map")
}
/^BenchmarkRestart/ { printf "FIGURE registry_restart %.2f s\n", value("ns/op") / 1e9 }
/^BenchmarkWatched/ { printf "FIGURE watched_cost %.1f %%\n", 100 * (1 - value("watched_vs_unwatched_rps")) }
/^BenchmarkDecideBesideMap/ {
	printf "RATIO policy_cached %.3f\n", value("policy_cached")
	printf "FIGURE policy_decision %s ns\n", value("ns/decision")
	printf "FIGURE policy_cached_allocs %s allocs\n", value("decide_allocs")
	printf "FIGURE policy_authorize_allocs %s allocs\n", value("authorize_allocs")
}
/^(FAIL|---)/ { print > "/dev/stderr" }
