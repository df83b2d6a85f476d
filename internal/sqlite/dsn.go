package sqlite

import "net/url"

func writerDSN(path string) string {
	return dsn(path, url.Values{"mode": {"rw"}, "_journal_mode": {"WAL"}, "_txlock": {"immediate"}})
}

func readerDSN(path string) string {
	return dsn(path, url.Values{"mode": {"ro"}, "_query_only": {"on"}})
}

func dsn(path string, params url.Values) string {
	params.Set("_synchronous", "FULL")
	params.Set("_busy_timeout", "5000") // milliseconds
	params.Set("_foreign_keys", "on")
	params.Set("_stmt_cache_size", "64")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + params.Encode()
}
