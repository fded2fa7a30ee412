#!/bin/sh
# After unpacking. Debian says "configure <old version>", Red Hat the number of versions there are now.
# A service that does not start is no fault of the package: failing for it would leave the package half
# configured, and every later run of apt would fail too.
set -ef
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || : # it says itself why not
# What runs goes on with the new program; nothing is started that was not running, and nothing stopped that could
# not start: its configuration may have been broken since, which a running service does not mind.
for unit in $(systemctl list-units --plain --no-legend --no-pager --state=active,activating,reloading 'kafka_prober.service' 'kafka_prober@*.service' | cut -d ' ' -f 1); do
	config=$(systemctl show --property=ExecStart --value "$unit" | sed -n 's/.*--config\.file=\([^ ;]*\).*/\1/p')
	if [ -n "$config" ] && ! /usr/bin/kafka_prober check --config-only --config.file="$config" >/dev/null; then
		printf '%s\n' "kafka-prober: $unit is not restarted, as $config can't be used: mend it, then systemctl restart $unit" >&2
	elif ! systemctl try-restart "$unit"; then
		printf '%s\n' "kafka-prober: $unit did not start again: see systemctl status $unit" >&2
	fi
done
