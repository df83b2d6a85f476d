// Package certificate takes a caller for whom its client certificate names. The certificate has one URI, and it is
// of the trust domain:
//
//	spiffe://DOMAIN/user/NAME           User::"NAME"
//	spiffe://DOMAIN/service/NAME        Service::"NAME"
//	spiffe://DOMAIN/collector/ID        Collector::"ID"
//
// A NAME is 1 to 128 of the letters, digits and "._@+-". The form is that of SPIFFE, so that certificates of SPIRE will do;
// what SPIFFE allows beyond it, such as further path elements, names nobody here.
//
// Only a certificate that TLS has verified counts: the listener has ClientCAs and at least tls.VerifyClientCertIfGiven.
// Without that the caller is anonymous, whatever it shows. A verified certificate that names nobody of the domain is
// refused, since who shows one does not want to be anonymous; where the same authorities sign for other ends too,
// [PassOthers] takes such callers for anonymous.
package certificate
