#!/usr/bin/env bash
# Builds a deb and an rpm: deploy/packages/build.sh VERSION OUTPUT-FOLDER [ARCH], ARCH amd64 if not given.
# nfpm has to be on the path; BINARY may name a kafka_prober that is built already.
set -euo pipefail
version=${1:?version}
version=${version#v}
case $version in [0-9]*) ;; *) version=0~$version ;; esac # of a commit without a tag: below every release
out=${2:?output folder} arch=${3:-amd64}
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
cd "$here"
root=$work/root/usr
install -d "$root/bin" "$root/lib/systemd/system" "$root/share/man/man1" "$root/share/doc/kafka-prober" "$root/share/kafka_prober"
if [ -n "${BINARY:-}" ]; then
	install -m 755 "$BINARY" "$root/bin/kafka_prober"
else
	GOARCH=$arch make --no-print-directory build VERSION="$version"
	install -m 755 kafka_prober "$root/bin/kafka_prober"
fi
install -m 644 deploy/systemd/kafka_prober.service deploy/systemd/kafka_prober@.service deploy/systemd/kafka_prober.socket "$root/lib/systemd/system/"
go run . --help-man | deploy/packages/man.sh "$version" | gzip -9n >"$root/share/man/man1/kafka_prober.1.gz"
install -m 644 LICENSE "$root/share/doc/kafka-prober/copyright"
gzip -9nc CHANGELOG.md >"$root/share/doc/kafka-prober/changelog.gz"
for folder in alerts dashboards; do # what Prometheus and Grafana load, without sources and tests
	for file in "$folder"/*.yml "$folder"/*.json "$folder"/runbooks/*.md; do
		if [ -e "$file" ]; then install -D -m 644 "$file" "$root/share/kafka_prober/$file"; fi
	done
done
export ROOT=$work/root ARCH=$arch VERSION=$version
for format in deb rpm; do
	nfpm package --config deploy/packages/nfpm.yaml --packager "$format" --target "$out/"
done
ls "$out"
