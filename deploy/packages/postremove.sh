#!/bin/sh
# After files went. Debian says "remove", "purge" and more, Red Hat 0 or 1.
set -e
if [ "$1" = purge ]; then # the credentials are the owner's, whom dpkg does not know to ask for
	rm -rf /etc/kafka_prober
fi
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || : # no reason to fail the removal; it says itself why not
