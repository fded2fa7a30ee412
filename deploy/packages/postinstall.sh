#!/bin/sh
# After unpacking. Debian says "configure <old version>", Red Hat the number of versions there are now.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
# What runs goes on with the new program; nothing is started that was not running.
systemctl try-restart 'kafka_prober.service' 'kafka_prober@*.service'
