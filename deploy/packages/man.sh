#!/bin/sh
# Makes a man page of what `kafka_prober --help-man` prints: its title would hold the whole of --version.
# man.sh VERSION
exec awk -v version="$1" '
	/^\.SH "NAME"/ { body = 1; print ".TH kafka_prober 1 \"\" \"kafka_prober " version "\" \"User Commands\""; print; next }
	!body { next }
	!named { named = 1; print $0 " \\- prober of Kafka clusters for Prometheus"; next }
	{ print }
'
