// Package properties reads the file that a Java client of Kafka is configured
// with (client.properties, the argument of --command-config) and says how it
// gets into the cluster, in this program's own words.
//
// The form is java.util.Properties': ISO-8859-1, a key and a value on a line,
// '\' at a line's end continues it, \uXXXX is a UTF-16 unit, the last of several
// equal keys counts. Values lose the blanks around them, as Kafka's clients do
// it. sasl.jaas.config is read as Kafka reads it.
//
// What leads into the cluster is taken over or refused, never ignored: a store
// in Java's own form, a class that would have to be run, a login that this
// program does not know are faults, each with the file, the line, the key and
// what to do. Keys of other matters (acks, linger.ms) are handed back.
//
// No error quotes a value that may be a secret.
package properties
