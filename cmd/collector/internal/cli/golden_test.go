package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/golden; read the difference before you commit it")

// timing is what varies from run to run.
var timing = regexp.MustCompile(`· \d+(\.\d+)? (µs|ms|s)\n`)

func TestGolden(t *testing.T) {
	t.Parallel()
	pipe := shell{}
	terminal := shell{terminal: true, width: 100}
	configured := shell{env: map[string]string{"COLLECTOR_HISTORY": "50", "COLLECTOR_ID": "b"}}
	const schemas, teams = "testdata/schema/", "testdata/policy/teams.cedar"
	certified := []string{
		"--tls-cert", "a.pem", "--tls-key", "a.key", "--tls-client-ca", "ca.pem", "--cert", "a.pem", "--key", "a.key", "--cacert", "ca.pem",
	}
	roots := []string{"-I", schemas + "grown", "-I", schemas + "broken", "-I", schemas + "registered"}
	for name, tt := range map[string]struct {
		shell shell
		args  []string
	}{
		"status_terminal":          {terminal, []string{"status"}},
		"status_narrow":            {shell{terminal: true, width: 40, env: map[string]string{"NO_COLOR": "1"}}, []string{"status"}},
		"status_pipe":              {pipe, []string{"status"}},
		"status_json":              {pipe, []string{"status", "--json"}},
		"status_jsonl":             {pipe, []string{"status", "-o", "jsonl"}},
		"status_name":              {pipe, []string{"status", "-o", "name"}},
		"status_wide_quiet":        {pipe, []string{"status", "-o", "wide", "-q"}},
		"tap_name":                 {pipe, []string{"tap", "--once", "-o", "name"}},
		"tap":                      {terminal, []string{"tap", "--once"}},
		"top":                      {terminal, []string{"top", "-n", "1"}},
		"connections":              {pipe, []string{"connections", "-o", "table"}},
		"connections_stale":        {pipe, []string{"connections", "ls", "--state", "stale"}},
		"connections_bad_state":    {pipe, []string{"connections", "--state", "sleepy"}},
		"connections_history":      {shell{terminal: true, width: 120}, []string{"connections", "history"}},
		"connections_history_name": {pipe, []string{"connections", "history", "-o", "name"}},
		"connections_watch_name":   {pipe, []string{"connections", "watch", "-o", "name"}},
		"connections_history_none": {pipe, []string{"connections", "history", "--peer", "z"}},
		"connections_watch":        {terminal, []string{"connections", "watch"}},
		"connections_watch_json":   {pipe, []string{"connections", "watch", "--json"}},
		"connections_prune":        {terminal, []string{"connections", "prune"}},
		"connections_prune_keep":   {pipe, []string{"connections", "prune", "--keep", "1"}},
		"connections_prune_json":   {pipe, []string{"connections", "prune", "--json"}},
		"connections_prune_none":   {pipe, []string{"connections", "prune", "--older-than", "720h"}},
		"connections_prune_age":    {pipe, []string{"connections", "prune", "--older-than", "-1s"}},
		"connections_prune_number": {pipe, []string{"connections", "prune", "--keep", "-1"}},
		"check":                    {terminal, []string{"check"}},
		"check_pipe":               {pipe, []string{"check"}},
		"console":                  {pipe, []string{"console"}},
		"console_observe":          {pipe, []string{"console", "--as", "observe"}},
		"console_json":             {pipe, []string{"console", "--json"}},
		"whoami":                   {terminal, []string{"whoami"}},
		"whoami_pipe":              {pipe, []string{"whoami"}},
		"audit":                    {terminal, []string{"audit"}},
		"audit_pipe":               {pipe, []string{"audit", "--since", "1h"}},
		"audit_json":               {pipe, []string{"audit", "--json"}},
		"audit_none":               {pipe, []string{"audit", "--denied"}},
		"audit_last":               {pipe, []string{"audit", "--last", "0"}},
		"token_file":               {pipe, []string{"whoami", "--token-file", "testdata/nothing"}},
		"console_print":            {terminal, []string{"console", "--print"}},
		"tap_bad_status":           {pipe, []string{"tap", "--status", "lost"}},
		"keys":                     {pipe, []string{"keys", "--file", "testdata/keys/api-keys"}},
		"keys_table":               {terminal, []string{"keys", "ls", "--file", "testdata/keys/api-keys", "-o", "wide"}},
		"keys_json":                {pipe, []string{"keys", "--file", "testdata/keys/api-keys", "--json"}},
		"keys_missing":             {pipe, []string{"keys", "--file", "testdata/keys/none"}},
		"keys_broken":              {pipe, []string{"keys", "--file", "testdata/keys/broken"}},
		"keys_add_json":            {pipe, []string{"keys", "add", "ci", "--json"}},
		"policy_check":             {pipe, []string{"policy", "check", teams}},
		"policy_check_table":       {terminal, []string{"policy", "check", teams}},
		"policy_check_json":        {pipe, []string{"policy", "check", teams, "--json"}},
		"policy_check_broken":      {pipe, []string{"policy", "check", "testdata/policy/broken.cedar"}},
		"policy_check_broken_json": {pipe, []string{"policy", "check", "testdata/policy/broken.cedar", "--json"}},
		"policy_check_missing":     {pipe, []string{"policy", "check", "testdata/policy/none.cedar"}},
		"policy_show":              {pipe, []string{"policy", "show"}},
		"policy_show_floor":        {pipe, []string{"policy", "show", "--floor"}},
		"policy_show_schema":       {pipe, []string{"policy", "show", "--schema"}},
		"policy_why":               {pipe, []string{"policy", "why", "--as", `User::"alice"`, "shop.v1.OrderService/ListOrders"}},
		"policy_why_file":          {pipe, []string{"policy", "why", "--policy", teams, "--as", "User::alice", "--group", "developers", "shop.v1.OrderService/ListOrders"}},
		"policy_why_denied":        {pipe, []string{"policy", "why", "--policy", teams, "--as", `Service::"web"`, "--ns", "shop", "shop.v1.OrderService/CreateOrder"}},
		"policy_why_forbidden":     {pipe, []string{"policy", "why", "--policy", teams, "--as", `Service::"web"`, "--tls", "--via", "staging-1", "--ns", "shop", "shop.v1.OrderService/CreateOrder"}},
		"policy_why_running":       {pipe, []string{"policy", "why", "--running", "--as", `User::"alice"`, "shop.v1.OrderService/ListOrders"}},
		"policy_why_running_no":    {pipe, []string{"policy", "why", "--running", "--as", `User::"bob"`, "--json"}},
		"policy_why_json":          {pipe, []string{"policy", "why", "--as", `Collector::"orders-1"`, "--action", "serve", "--ns", "shop", "--json"}},
		"policy_why_mesh":          {pipe, []string{"policy", "why", "--network", "loopback", "--action", "operate"}},
		"policy_why_broken":        {pipe, []string{"policy", "why", "--policy", "testdata/policy/broken.cedar"}},
		"policy_why_bad_principal": {pipe, []string{"policy", "why", "--as", "alice"}},
		"policy_why_bad_kind":      {pipe, []string{"policy", "why", "--as", "Root::alice"}},
		"policy_why_bad_action":    {pipe, []string{"policy", "why", "--action", "cal"}},
		"policy_why_bad_network":   {pipe, []string{"policy", "why", "--network", "moon"}},
		"config_check":             {pipe, []string{"config", "check", "testdata/config/whole.yaml"}},
		"config_check_table":       {terminal, []string{"config", "check", "testdata/config/whole.yaml"}},
		"config_check_json":        {pipe, []string{"config", "check", "testdata/config/whole.yaml", "--json"}},
		"config_check_broken":      {pipe, []string{"config", "check", "testdata/config/broken.yaml"}},
		"config_check_broken_json": {pipe, []string{"config", "check", "testdata/config/broken.yaml", "--json"}},
		"config_check_types":       {pipe, []string{"config", "check", "testdata/config/types.yaml"}},
		"config_check_values":      {pipe, []string{"config", "check", "testdata/config/values.yaml"}},
		"config_check_missing":     {pipe, []string{"config", "check", "testdata/config/none.yaml"}},
		"config_check_policy":      {pipe, []string{"config", "check", teams}},
		"config_show":              {configured, []string{"config", "show", "--config", "testdata/config/whole.yaml", "--ns", "x,y"}},
		"config_show_yaml":         {configured, []string{"config", "show", "--config", "testdata/config/whole.yaml", "-o", "yaml"}},
		"config_show_json":         {configured, []string{"config", "show", "--config", "testdata/config/whole.json", "--json"}},
		"config_show_contradicts":  {configured, []string{"config", "show", "--config", "testdata/config/whole.yaml", "--pki", "pki", "--insecure", "--grace", "0s"}},
		"serve_config_missing":     {pipe, []string{"serve", "--config", "testdata/config/none.yaml"}},
		"serve_config_values":      {pipe, []string{"serve", "--config", "testdata/config/values.yaml"}},
		"serve_config_beyond":      {shell{env: map[string]string{"COLLECTOR_LISTEN": "192.0.2.1:0"}}, []string{"serve", "--config", "testdata/config/beyond.yaml"}},
		"serve_bad_variables":      {shell{env: map[string]string{"COLLECTOR_GRACE": "soon", "COLLECTOR_UNTIL_EOF": "maybe"}}, []string{"serve"}},
		"status_yaml":              {pipe, []string{"status", "-o", "yaml"}},
		"services":                 {pipe, []string{"services", "-o", "table"}},
		"services_pipe":            {pipe, []string{"services", "ls"}},
		"services_jsonl":           {pipe, []string{"services", "ls", "-o", "jsonl"}},
		"services_terminal":        {terminal, []string{"services", "ls"}},
		"services_wide":            {pipe, []string{"services", "ls", "-o", "wide"}},
		"describe_service":         {pipe, []string{"services", "describe", "OrderService"}},
		"describe_message":         {pipe, []string{"services", "describe", "collector.testing.v1.EchoRequest"}},
		"describe_unknown":         {pipe, []string{"services", "describe", "Nothing"}},
		"route":                    {terminal, []string{"route", "orders", "shop.v1.OrderService/CreateOrder"}},
		"route_name":               {pipe, []string{"route", "orders", "shop.v1.OrderService/CreateOrder", "-o", "name"}},
		"route_refused":            {pipe, []string{"route", "Gone/Method", "-o", "table"}},
		"connect":                  {pipe, []string{"connect", "127.0.0.1:50056", "--ns", "orders,users", "-o", "table"}},
		"connect_nothing":          {pipe, []string{"connect", "127.0.0.1:50056"}},
		"disconnect_peer":          {pipe, []string{"disconnect", "b", "--reason", "moving house"}},
		"disconnect_unknown":       {pipe, []string{"disconnect", "c-nope"}},
		"call":                     {pipe, []string{"call", "OrderService/CreateOrder", "-d", `{"sku":"tea","qty":2}`}},
		"call_jsonl":               {pipe, []string{"call", "OrderService/CreateOrder", "-d", `{"sku":"tea"}`, "-o", "jsonl"}},
		"call_defaults":            {pipe, []string{"call", "/shop.v1.OrderService/CreateOrder", "-d", `{"sku":"tea"}`, "--emit-defaults"}},
		"call_text":                {pipe, []string{"call", "OrderService/CreateOrder", "-d", `{"sku":"tea: \"a\"\n  b:  c","qty":2}`, "--format", "text"}},
		"call_text_stream":         {pipe, []string{"call", "EchoService/Count", "-d", `{"limit":2}`, "--format", "text"}},
		"call_text_untyped":        {pipe, []string{"call", "Greeter/Greet", "-d", `{"a":[1,{"b":null}]}`, "--format=text"}},
		"call_text_json":           {pipe, []string{"call", "OrderService/CreateOrder", "--format", "text", "--json"}},
		"call_text_defaults":       {pipe, []string{"call", "OrderService/CreateOrder", "--format", "text", "--emit-defaults"}},
		"call_bad_answer_format":   {pipe, []string{"call", "OrderService/CreateOrder", "--format", "xml"}},
		"call_failed":              {pipe, []string{"call", "OrderService/CreateOrder"}},
		"call_failed_json":         {pipe, []string{"call", "OrderService/CreateOrder", "--json"}},
		"call_allow_status":        {pipe, []string{"call", "OrderService/CreateOrder", "--allow-status"}},
		"call_unknown_method":      {pipe, []string{"call", "OrderService/CreateOrdr"}},
		"call_ambiguous":           {pipe, []string{"call", "Twice/Method"}},
		"call_unreachable":         {pipe, []string{"call", "Gone/Method"}},
		"call_no_method":           {pipe, []string{"call", "OrderService"}},
		"call_bad_json":            {pipe, []string{"call", "OrderService/CreateOrder", "-d", `{"sku":`}},
		"call_bad_field":           {pipe, []string{"call", "OrderService/CreateOrder", "-d", `{"qty":"many"}`}},
		"call_two_values":          {pipe, []string{"call", "OrderService/CreateOrder", "-d", `{} {}`}},
		"call_example":             {pipe, []string{"call", "OrderService/CreateOrder", "--example"}},
		"call_stdin":               {shell{input: `{"sku":"milk"}`}, []string{"call", "OrderService/CreateOrder", "-d", "@-"}},
		"call_stdin_terminal":      {terminal, []string{"call", "OrderService/CreateOrder", "-d", "@-"}},
		"call_not_here":            {pipe, []string{"call", "OrderService/CreateOrder", "--local"}},
		"call_untyped":             {pipe, []string{"call", "Greeter/Greet", "-d", `"u-1"`}},
		"call_untyped_local":       {pipe, []string{"call", "Greeter/Greet", "-d", `9007199254740993`, "--local"}},
		"call_untyped_example":     {pipe, []string{"call", "Greeter/Greet", "--example"}},
		"call_server_stream":       {pipe, []string{"call", "EchoService/Count", "-d", `{"limit":"2"}`}},
		"call_stream_fails":        {pipe, []string{"call", "EchoService/Count", "-d", `{"limit":3}`}},
		"call_client_stream":       {pipe, []string{"call", "EchoService/Collect", "-d", `{"number":9007199254740993} {"number":"-1"}`}},
		"call_bidi":                {pipe, []string{"call", "EchoService/Converse", "-d", `{"text":"a"} {"text":"b"}`}},
		"call_stream_local":        {pipe, []string{"call", "EchoService/Count", "-d", `{"limit":1}`, "--local"}},
		"call_service":             {pipe, []string{"call", "shop.v1.OrderService"}},
		"call_stream_allowed":      {pipe, []string{"call", "EchoService/Count", "-d", `{"limit":3}`, "--allow-status"}},
		"call_dotted":              {pipe, []string{"call", "shop.v1.OrderService.CreateOrder", "-d", `{"sku":"tea"}`}},
		"call_stdin_dash":          {shell{input: `{"sku":"milk"}`}, []string{"call", "OrderService/CreateOrder", "-d", "-"}},
		"call_dash_terminal":       {terminal, []string{"call", "OrderService/CreateOrder", "-d", "-"}},
		"dispatch_stdin":           {shell{input: "true"}, []string{"dispatch", "users", "Greeter.Greet", "-d", "-"}},
		"bench_dotted_stdin":       {shell{input: "{}"}, []string{"bench", "OrderService.CreateOrder", "-d", "-", "-n", "1", "-q", "-o", "name"}},
		"route_dotted":             {pipe, []string{"route", "orders", "/shop.v1.OrderService/CreateOrder", "-o", "name"}},
		"route_dotted_short":       {pipe, []string{"route", "OrderService.CreateOrder", "-o", "name"}},
		"describe_procedure":       {pipe, []string{"services", "describe", "/shop.v1.OrderService/CreateOrder"}},
		"describe_dotted":          {pipe, []string{"services", "describe", "OrderService.CreateOrder"}},
		"timeout_negative":         {pipe, []string{"status", "--timeout", "-1s"}},
		"timeout_no_unit":          {pipe, []string{"status", "--timeout", "5"}},
		"timeout_none":             {pipe, []string{"status", "--timeout", "0", "-o", "name"}},
		"tap_negative_since":       {pipe, []string{"tap", "--since", "-1s"}},
		"tap_negative_slower":      {pipe, []string{"tap", "--slower", "-1s"}},
		"bench_for_nothing":        {pipe, []string{"bench", "OrderService/CreateOrder", "--for", "0"}},
		"serve_no_age":             {pipe, []string{"serve", "--history", "5", "--history-age", "0"}},
		"demo_no_speed":            {pipe, []string{"demo", "--speed", "NaN"}},
		"bad_header_name":          {pipe, []string{"status", "-H", "A b: c"}},
		"header_of_protocol":       {pipe, []string{"status", "-H", "Host: x"}},
		"header_of_mesh":           {pipe, []string{"call", "OrderService/CreateOrder", "-H", "collective-namespace: x"}},
		"bad_header_value":         {pipe, []string{"status", "-H", "A: b\nC: d"}},
		"schema_stdin_terminal":    {terminal, []string{"services", "check", "-", "--ns", "tea"}},
		"bench_stream":             {pipe, []string{"bench", "EchoService/Count"}},
		"bench_no_calls":           {pipe, []string{"bench", "OrderService/CreateOrder", "-n", "0"}},
		"bench_both":               {pipe, []string{"bench", "OrderService/CreateOrder", "-n", "5", "--for", "5s"}},
		"bench_failed":             {pipe, []string{"bench", "OrderService/CreateOrder", "-n", "1", "-q", "-o", "name"}},
		"dispatch":                 {pipe, []string{"dispatch", "orders", "OrderService/CreateOrder", "-d", `{"@type":"type.googleapis.com/shop.v1.CreateOrderRequest","sku":"tea"}`}},
		"dispatch_failed":          {pipe, []string{"dispatch", "orders", "OrderService/CreateOrder"}},
		"dispatch_local":           {pipe, []string{"dispatch", "users", "Greeter/Greet", "-d", `true`, "--local", "-o", "jsonl"}},
		"version_flag":             {pipe, []string{"--version"}},
		"unknown_command":          {pipe, []string{"stats"}},
		"unknown_command_json":     {pipe, []string{"stats", "--json"}},
		"unknown_flag":             {pipe, []string{"status", "--colour"}},
		"bad_format":               {pipe, []string{"status", "-o", "yaml"}},
		"bad_protocol":             {pipe, []string{"status", "--protocol", "soap"}},
		"bad_header":               {pipe, []string{"status", "-H", "Authorization"}},
		"missing_one_of_two":       {pipe, []string{"dispatch", "orders"}},
		"argument_too_many":        {pipe, []string{"call", "OrderService/CreateOrder", `{"sku":"tea"}`}},
		"argument_for_none":        {pipe, []string{"status", "b"}},
		"unknown_subcommand":       {pipe, []string{"connections", "histroy"}},
		"help_unknown":             {pipe, []string{"help", "exit-code"}},
		"tap_bad_last":             {pipe, []string{"tap", "--last", "-1"}},
		"history_bad_last":         {pipe, []string{"connections", "history", "--last", "-1"}},
		"bench_csv_json":           {pipe, []string{"bench", "OrderService/CreateOrder", "--csv", "--json"}},
		"serve_no_grace":           {pipe, []string{"serve", "--grace", "0s", "--db", "memory"}},
		"missing_argument":         {pipe, []string{"connect"}},
		"help_exit_codes":          {pipe, []string{"help", "exit-codes"}},
		"help_formatting":          {pipe, []string{"help", "formatting"}},
		"help_environment":         {pipe, []string{"help", "environment"}},
		"serve_plaintext":          {pipe, []string{"serve", "--listen", "0.0.0.0:0", "--db", "memory"}},
		"serve_bad_example":        {pipe, []string{"serve", "--example", "garden", "--db", "memory"}},
		"serve_bad_id":             {pipe, []string{"serve", "--id", "A B", "--db", "memory"}},
		"serve_half_identity":      {pipe, []string{"serve", "--trust-domain", "mesh.example", "--tls-cert", "a.pem", "--tls-key", "a.key", "--db", "memory"}},
		"serve_bad_trust_domain":   {pipe, slices.Concat([]string{"serve", "--trust-domain", "Mesh Example", "--db", "memory"}, certified)},
		"serve_blind_identity":     {pipe, slices.Concat([]string{"serve", "--trust-domain", "mesh.example", "--insecure", "--db", "memory"}, certified)},
		"serve_bad_base_path":      {pipe, []string{"serve", "--base-path", "mesh", "--db", "memory"}},
		"demo_too_short":           {pipe, []string{"demo", "--for", "1s"}},
		"schema_help":              {pipe, []string{"services", "check", "--help"}},
		"schema_same":              {pipe, []string{"services", "check", schemas + "registered/tea/v1/tea.proto", "--ns", "tea"}},
		"schema_first":             {pipe, []string{"services", "register", schemas + "registered/tea/v1/tea.proto", "--ns", "other"}},
		"schema_grown":             {terminal, slices.Concat([]string{"services", "check", schemas + "grown/tea/v1/tea.proto", "--ns", "tea"}, roots)},
		"schema_grown_register":    {pipe, slices.Concat([]string{"services", "register", schemas + "grown/tea/v1/tea.proto", "--ns", "tea"}, roots)},
		"schema_broken":            {terminal, slices.Concat([]string{"services", "check", schemas + "broken/tea/v1/tea.proto", "--ns", "tea"}, roots)},
		"schema_broken_json":       {pipe, slices.Concat([]string{"services", "check", schemas + "broken/tea/v1/tea.proto", "--ns", "tea", "--json"}, roots)},
		"schema_refused":           {pipe, slices.Concat([]string{"services", "register", schemas + "broken/tea/v1/tea.proto", "--ns", "tea"}, roots)},
		"schema_refused_json":      {pipe, slices.Concat([]string{"services", "register", schemas + "broken/tea/v1/tea.proto", "--ns", "tea", "--json"}, roots)},
		"schema_forced":            {pipe, slices.Concat([]string{"services", "register", schemas + "broken/tea/v1/tea.proto", "--ns", "tea", "--force"}, roots)},
		"schema_forced_jsonl":      {pipe, slices.Concat([]string{"services", "register", schemas + "broken/tea/v1/tea.proto", "--ns", "tea", "--force", "-o", "jsonl"}, roots)},
		"schema_system":            {pipe, []string{"services", "register", schemas + "registered/tea/v1/tea.proto", "--ns", "system"}},
		"schema_no_namespace":      {pipe, []string{"services", "check", schemas + "registered/tea/v1/tea.proto"}},
		"schema_no_file":           {pipe, []string{"services", "check", schemas + "gone.proto", "--ns", "tea"}},
		"schema_no_image":          {pipe, []string{"services", "check", schemas + "none.binpb", "--ns", "tea"}},
		"schema_no_import":         {pipe, []string{"services", "check", schemas + "grown/tea/v1/tea.proto", "--ns", "tea"}},
		"schema_not_below":         {pipe, []string{"services", "check", schemas + "grown/tea/v1/tea.proto", "--ns", "tea", "-I", schemas + "registered"}},
		"schema_image_path":        {pipe, []string{"services", "check", schemas + "none.binpb", "--ns", "tea", "-I", schemas}},
		"schema_wrong":             {pipe, []string{"services", "register", schemas + "wrong.proto", "--ns", "tea"}},
		"schema_wrong_json":        {pipe, []string{"services", "check", schemas + "wrong.proto", "--ns", "tea", "--json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newFake(t, fakeMesh{})
			if strings.HasPrefix(name, "schema_") {
				shell{}.on(t, server, "services", "register", schemas+"registered/tea/v1/tea.proto", "--ns", "tea")
			}
			got := tt.shell.on(t, server, tt.args...)
			golden(t, name, strings.ReplaceAll(transcript(tt.args, got), server, "http://SERVER"))
		})
	}
}

// transcript is a command line with all that it left behind.
func transcript(args []string, r ran) string {
	text := fmt.Sprintf("$ collector %s\n--- stdout\n%s--- stderr\n%s--- exit %d\n", strings.Join(args, " "), r.out, r.err, r.exit)
	return timing.ReplaceAllString(strings.ReplaceAll(text, "\x1b", "␛"), "· N ms\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); -update rewrites it:\n%s", path, diff)
	}
}
