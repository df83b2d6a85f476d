module github.com/collectiverpc/collective/internal/attack

go 1.26.7

replace github.com/collectiverpc/collective => ../../

require (
	github.com/collectiverpc/collective v0.0.0-00010101000000-000000000000
	golang.org/x/net v0.60.0
)

require (
	connectrpc.com/connect/v2 v2.0.2 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
