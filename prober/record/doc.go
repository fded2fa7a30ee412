// Package record is the wire format of a probe record: pure bytes, no Kafka, no clock.
//
// A probe record's value is a header of HeaderSize bytes followed by padding. The header names the
// process that sent the record, the slot of the schedule that it fills and the instant at which it was
// due; the CRC covers header and padding, so that a changed byte is found without keeping the payload.
// All integers are big endian.
//
//	offset  size  field
//	     0     4  magic "KPRB"
//	     4     1  version (1)
//	     5     1  flags (bit 0: diagnostic, not part of any schedule)
//	     6     2  header size (72)
//	     8    16  run id, random per process
//	    24     4  partition that the record was meant for
//	    28     4  length of the whole value in bytes
//	    32     8  sequence: the slot's number in the schedule of its partition
//	    40     8  due, monotonic nanoseconds since the sender's epoch
//	    48     8  due, wall clock nanoseconds since 1970 (for other hosts; never used for a latency here)
//	    56     8  nominal interval of the sender in nanoseconds (how probers on one topic share it)
//	    64     4  where in the pool the padding starts
//	    68     4  CRC-32C over bytes 0-67 and the padding
//
// What a reader makes of a changed byte:
//
//	changed                     found as
//	magic                       foreign{not_a_probe_record}, and the record is lost
//	version, header size        foreign{other_version}, and the record is lost
//	run id                      foreign{damaged}, and the record is lost
//	anything else               corrupt, and the record is lost
//	cut or lengthened           corrupt, and the record is lost
//	cut to less than a header   foreign{not_a_probe_record}, and the record is lost
//	record dropped              lost
//	record doubled              duplicate
//	record swapped with a later reordered
package record
