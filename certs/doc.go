// Package certs follows the files of a certificate: what is served and dialled with is what the files say now, without a
// restart.
//
//	source, err := certs.Follow(certs.Files{Cert: "a.crt", Key: "a.key", Authorities: "ca.crt"}, nil)
//	if err != nil {
//		return err
//	}
//	defer source.Close()
//	d, err := dispatcher.New("a", ":50051", namespaces, dispatcher.WithCertificates(source))
//	…
//	return d.ListenAndServe(ctx, ":50051", source.Listen(), 0)
//
// # Words
//
//	source     the files of one certificate, its key and the authorities it is used with, followed
//	in force   the contents that handshakes use: the last ones that could be used
//
// Each handshake begins with what is in force then; connections that there are stay. New contents that cannot be used (a
// certificate without its key, half a file, one that Files.Check refuses) leave the old ones in force: the log says so, and
// [Source.State] and the status of the collector until it is mended. Files may be written in place, renamed over or reached by symlinks that are moved, as
// Kubernetes does; several that change together are read together.
package certs
