#!/bin/sh
# Before files go. Debian says "remove" or "upgrade <new version>", Red Hat 0 or 1.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac
[ -d /run/systemd/system ] || exit 0
systemctl disable --now 'kafka_prober.service' 'kafka_prober.socket'
systemctl stop 'kafka_prober@*.service'
