// Package apikey takes a caller for whom its API key stands, sent in the header X-Api-Key. The keys are in a file, as their
// hashes: one key a line, and what is after '#' at the start of a line is a comment.
//
//	NAME   KIND      GROUPS              HASH
//	ci     service   deployers,readers   sha256:9f86d081…
//	alice  user      -                   sha256:60303ae2…
//
// The principal is Service::"key:ci" or User::"key:alice". A name may have several keys, while one replaces another; its kind
// and groups are then the same on each line. The command `collector keys` writes the file.
//
// Words used here:
//
//   - A [Secret] is a key itself, 256 random bits. It is shown once, when it is made, and kept nowhere.
//   - A [Record] is a line of the file.
//
// The hash is SHA-256 and not one that is slow on purpose, such as bcrypt: that is for what people think up, which can be
// guessed. Of 2^256 keys none is guessed, by the port or with the file in hand, and a slow hash would be a way to keep this
// process busy. The key that is shown is hashed and looked up: how long that takes tells of the hash at most, which is of no
// use without its key.
package apikey
