package policy_test

// mayImport says which rooms of this module a room may import, itself aside. Imports run one way:
// cmd → dispatcher → conn → conn/link → gen; registry → gen; web → gen. Tests may import more. A new arrow is a decision: it
// is written here by hand.
var mayImport = map[string][]string{
	"cmd/collector": {"cmd/collector/internal/cli", "cmd/collector/internal/cli/terminal"},
	"dispatcher": {
		"conn", "conn/carrier", "conn/link", "dispatcher/internal/call", "dispatcher/internal/codec",
		"dispatcher/internal/describe", "dispatcher/internal/descriptorset", "dispatcher/internal/entrance",
		"dispatcher/internal/handler", "dispatcher/internal/health", "dispatcher/internal/hosted", "dispatcher/internal/ingress",
		"dispatcher/internal/meshservice", "dispatcher/internal/payload", "dispatcher/internal/peerschema",
		"dispatcher/internal/recovery", "dispatcher/internal/refusal", "gen", "internal/descriptor", "internal/name",
		"internal/observe", "internal/origin", "internal/status", "mesh", "store",
	},
	"access":   {"access/internal/pace", "access/internal/recall", "access/internal/ruleset", "internal/name"},
	"certs":    {"internal/watch"},
	"mesh":     {"gen"},
	"registry": {"gen", "internal/descriptor", "internal/name", "internal/origin", "internal/schema", "store"},
	"conn": {
		"conn/carrier", "conn/internal/dial", "conn/internal/identity", "conn/internal/introduction", "conn/internal/lifetime",
		"conn/internal/namesake", "conn/internal/seed", "conn/internal/store", "conn/link", "gen", "internal/cow",
		"internal/name", "internal/status", "store",
	},
	"store":        {"internal/sqlite"},
	"conn/carrier": {"gen"},
	"conn/link": {
		"conn/link/internal/account", "conn/link/internal/buffer", "conn/link/internal/frame", "conn/link/internal/handshake",
		"conn/link/internal/outbox", "conn/link/internal/slots", "conn/link/internal/socket", "conn/link/internal/workers", "internal/gate", "internal/reuse",
	},
	"web":      {"internal/origin"},
	"gen":      {},
	"examples": {"conn", "dispatcher", "gen", "mesh", "registry", "store", "web"}, // nothing internal: they show what users can write

	"access/authn":                 {"gen", "mesh"},
	"access/authn/apikey":          {"access", "access/authn", "access/authn/internal/digest", "mesh"},
	"access/authn/certificate":     {"access", "access/authn", "mesh"},
	"access/authn/socket":          {"access", "access/authn", "mesh"},
	"access/authn/token":           {"access", "access/authn", "access/authn/internal/digest", "mesh"},
	"access/authn/internal/digest": {},

	"cmd/collector/internal/cli": {
		"access",
		"cmd/collector/internal/cli/bench", "cmd/collector/internal/cli/call", "cmd/collector/internal/cli/completion",
		"cmd/collector/internal/cli/contexts", "cmd/collector/internal/cli/envflag", "cmd/collector/internal/cli/failure",
		"cmd/collector/internal/cli/image", "cmd/collector/internal/cli/policy", "cmd/collector/internal/cli/remote",
		"cmd/collector/internal/cli/render", "cmd/collector/internal/cli/schema", "cmd/collector/internal/cli/serve",
		"cmd/collector/internal/cli/signals",
		"cmd/collector/internal/cli/terminal", "cmd/collector/internal/cli/top", "cmd/collector/internal/cli/views",
		"cmd/collector/internal/cli/words", "cmd/collector/internal/demo", "cmd/collector/internal/host", "conn", "gen",
		"internal/pki", "internal/status",
		"access", "access/authn/apikey",
	},
	"cmd/collector/internal/cli/serve/callers": {
		"access", "access/authn/apikey", "access/authn/certificate", "access/authn/socket", "access/authn/token",
		"cmd/collector/internal/cli/envflag", "cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/remote",
	},
	"cmd/collector/internal/cli/bench": {"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/render"},
	"cmd/collector/internal/cli/call": {
		"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/remote", "cmd/collector/internal/cli/schema", "gen",
		"internal/name", "mesh",
	},
	"cmd/collector/internal/cli/completion": {"cmd/collector/internal/cli/remote", "gen"},
	"cmd/collector/internal/cli/contexts":   {"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/remote"},
	"cmd/collector/internal/cli/envflag":    {"cmd/collector/internal/cli/failure"},
	"cmd/collector/internal/cli/failure":    {"cmd/collector/internal/cli/words", "gen", "internal/status", "mesh"},
	"cmd/collector/internal/cli/image": {
		"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/terminal", "gen", "internal/descriptor",
	},
	"cmd/collector/internal/cli/policy": {
		"access", "cmd/collector/internal/cli/call", "cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/render",
	},
	"cmd/collector/internal/cli/remote": {
		"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/schema", "cmd/collector/internal/cli/words", "gen",
		"internal/status", "mesh",
	},
	"cmd/collector/internal/cli/render": {"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/words"},
	"cmd/collector/internal/cli/schema": {"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/words"},
	"cmd/collector/internal/cli/serve": {
		"certs", "cmd/collector/internal/cli/envflag", "cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/remote",
		"cmd/collector/internal/cli/render", "cmd/collector/internal/cli/signals", "cmd/collector/internal/cli/terminal",
		"cmd/collector/internal/host", "conn", "dispatcher", "internal/name", "internal/pki", "internal/watch",
	},
	"cmd/collector/internal/cli/signals":  {},
	"cmd/collector/internal/cli/terminal": {"cmd/collector/internal/cli/failure"},
	"cmd/collector/internal/cli/top": {
		"cmd/collector/internal/cli/failure", "cmd/collector/internal/cli/remote", "cmd/collector/internal/cli/render",
		"cmd/collector/internal/cli/terminal", "cmd/collector/internal/cli/views", "cmd/collector/internal/cli/words", "gen",
	},
	"cmd/collector/internal/cli/views": {"access/authn/apikey", "cmd/collector/internal/cli/render", "cmd/collector/internal/cli/words", "conn", "gen", "internal/pki"},
	"cmd/collector/internal/cli/words": {},
	"cmd/collector/internal/demo":      {"cmd/collector/internal/host", "conn", "gen"},
	"cmd/collector/internal/host":      {"conn", "conn/carrier", "dispatcher", "examples", "gen", "internal/watch", "registry", "store", "web"},

	"dispatcher/internal/call": {
		"conn", "conn/link", "dispatcher/internal/codec", "dispatcher/internal/header", "dispatcher/internal/hosted",
		"dispatcher/internal/inprocess", "dispatcher/internal/recovery", "dispatcher/internal/refusal",
		"dispatcher/internal/routing", "gen", "internal/descriptor", "internal/observe", "internal/reuse", "internal/status",
		"mesh",
	},
	"dispatcher/internal/codec": {"conn/link", "internal/descriptor"},
	"dispatcher/internal/describe": {
		"dispatcher/internal/hosted", "dispatcher/internal/peerschema", "dispatcher/internal/routing", "internal/descriptor",
		"mesh",
	},
	"dispatcher/internal/descriptorset": {"gen", "internal/descriptor"},
	"dispatcher/internal/entrance": {
		"conn/link", "dispatcher/internal/call", "dispatcher/internal/header", "dispatcher/internal/hosted",
		"dispatcher/internal/ingress", "dispatcher/internal/payload", "dispatcher/internal/peerschema",
		"dispatcher/internal/recovery", "dispatcher/internal/refusal", "dispatcher/internal/routing", "gen", "internal/cow",
		"internal/gate", "internal/name", "internal/observe", "internal/status", "mesh",
	},
	"dispatcher/internal/handler": {
		"dispatcher/internal/hosted", "dispatcher/internal/payload", "dispatcher/internal/refusal", "internal/descriptor",
	},
	"dispatcher/internal/header": {"mesh"},
	"dispatcher/internal/health": {
		"dispatcher/internal/handler", "dispatcher/internal/hosted", "dispatcher/internal/refusal", "dispatcher/internal/routing",
	},
	"dispatcher/internal/hosted": {"gen", "internal/cow", "internal/descriptor", "internal/name", "internal/schema"},
	"dispatcher/internal/ingress": {
		"conn/link", "dispatcher/internal/codec", "dispatcher/internal/refusal", "internal/origin", "mesh",
	},
	"dispatcher/internal/inprocess": {
		"dispatcher/internal/codec", "dispatcher/internal/header", "dispatcher/internal/hosted", "dispatcher/internal/refusal",
	},
	"dispatcher/internal/meshservice": {
		"conn", "dispatcher/internal/describe", "dispatcher/internal/descriptorset", "dispatcher/internal/peerschema",
		"dispatcher/internal/refusal", "dispatcher/internal/routing", "gen", "internal/descriptor", "internal/observe",
		"internal/origin", "internal/status",
	},
	"dispatcher/internal/payload": {
		"dispatcher/internal/codec", "dispatcher/internal/hosted", "dispatcher/internal/refusal", "internal/descriptor", "mesh",
	},
	"dispatcher/internal/peerschema": {
		"conn", "conn/link", "dispatcher/internal/hosted", "dispatcher/internal/refusal", "dispatcher/internal/routing", "gen",
		"internal/cow", "internal/descriptor", "internal/name", "internal/schema", "mesh",
	},
	"dispatcher/internal/recovery": {"dispatcher/internal/refusal", "mesh"},
	"dispatcher/internal/refusal":  {"gen", "internal/status", "mesh"},
	"dispatcher/internal/routing":  {"dispatcher/internal/hosted", "dispatcher/internal/refusal", "gen", "internal/name", "mesh"},

	"access/internal/pace":    {},
	"access/internal/recall":  {},
	"access/internal/ruleset": {},

	"conn/internal/dial":         {"conn/carrier", "conn/internal/identity", "internal/status"},
	"conn/internal/identity":     {"internal/name"},
	"conn/internal/introduction": {"gen", "internal/name", "internal/status"},
	"conn/internal/lifetime":     {},
	"conn/internal/namesake":     {},
	"conn/internal/seed": {
		"conn/internal/dial", "conn/internal/identity", "conn/link", "gen", "internal/name", "internal/status",
	},
	"conn/internal/store":          {"gen", "store"},
	"conn/link/internal/account":   {},
	"conn/link/internal/buffer":    {},
	"conn/link/internal/frame":     {"internal/cow"},
	"conn/link/internal/outbox":    {"conn/link/internal/buffer", "conn/link/internal/frame"},
	"conn/link/internal/slots":     {},
	"conn/link/internal/socket":    {},
	"conn/link/internal/workers":   {},
	"conn/link/internal/handshake": {"conn/link/internal/frame"},

	"internal/cow":        {},
	"internal/descriptor": {"internal/name"},
	"internal/doctest":    {},
	"internal/gate":       {},
	"internal/limitdoc":   {},
	"internal/memnet":     {},
	"internal/meshtest":   {"dispatcher", "gen"},
	"internal/name":       {},
	"internal/observe":    {"gen", "internal/cow", "store"},
	"internal/origin":     {},
	"internal/pki":        {"internal/name"},
	"internal/policy":     {},
	"internal/reuse":      {},
	"internal/schema":     {},
	"internal/schematest": {},
	"internal/sqlite":     {},
	"internal/status":     {"gen"},
	"internal/typescript": {"mesh"},
	"internal/watch":      {},
}
