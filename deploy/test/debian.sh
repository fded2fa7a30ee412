#!/usr/bin/env bash
# Makes the archive of a small Debian for the test of packages: debian.sh OUTPUT. From the mirror that this
# machine installs from.
set -euo pipefail
out=$1
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
	sed -nE 's/^(deb +(\[[^]]*\] +)?|URIs: *)([a-z]+:[^ ]*).*/\3/p' | sed 1q) || true # a machine has some of these files, and may have none
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
debootstrap --variant=minbase bookworm "$work" ${mirror:+"$mirror"} >&2
tar -C "$work" -cf "$out.part" .
mv "$out.part" "$out"
