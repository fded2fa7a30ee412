// Package security holds the settings of the way into a cluster: TLS and SASL,
// as the configuration writes them. It is pure: it checks what can be checked
// without touching a file, and leaves reading files, watching them and shaking
// hands to package kafka.
//
// A secret is given inline, by file or by environment variable, one of the
// three. Inline ones are kind.Secret, which nothing prints. A file may change
// while the program runs; an environment variable can't. The content of a file
// or variable is the secret, without line breaks at its end.
//
// Relative file names are relative to the program's working directory.
//
// A further mechanism (GSSAPI, that is Kerberos) is a word in the enum of
// SASL.Mechanism, a row in mechanisms, and a constructor in package kafka.
package security
