#!/usr/bin/env bash
# Measures what N agents of the DaemonSet cost: agents.sh N [SETTLE-SECONDS] [MEASURE-SECONDS]. A fake cluster of three
# brokers on loopback, N processes with the chart's configuration of agents; prints rates of all of them together.
# docs/capacity.md has the figures.
set -euo pipefail
n=${1:?number of agents} settle=${2:-75} measure=${3:-60}
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
pids=()
end() {
	exec 9>&- 8>&-
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap end EXIT
CGO_ENABLED=0 go build -o "$work/kafka_prober" .
go build -o "$work/brokers" ./internal/fidelity/brokers
mkfifo "$work/in"
"$work/brokers" -brokers 3 -topic kafka-prober-steady-internal <"$work/in" >"$work/servers" &
brokers=$!
exec 9>"$work/in"
until [ -s "$work/servers" ]; do read -r -t 0.1 <> <(:) || true; done
sed -E 's/bootstrap_servers: *$/&/; /^  - kafka-bootstrap/d' deploy/kustomize/base/agents.yml |
	sed -E "s/^- bootstrap_servers:.*/- bootstrap_servers: [\"$(sed 's/,/", "/g' "$work/servers")\"]/" >"$work/agents.yml"
for i in $(seq "$n"); do
	"$work/kafka_prober" --config.file="$work/agents.yml" --web.listen-address="127.0.0.1:$((21000 + i))" --log.level=error &
	pids+=($!)
done
totals() { # sums over all agents of what is of interest
	for i in $(seq "$n"); do curl -s "http://127.0.0.1:$((21000 + i))/metrics"; done | awk '
		/^kafka_prober_records_due_total/ { due += $2 }
		/^kafka_prober_records_foreign_total/ { foreign += $2 }
		/^kafka_prober_records_total.*outcome="delivered"/ { delivered += $2 }
		/^kafka_prober_client_written_bytes_total/ { written += $2 }
		/^kafka_prober_client_read_bytes_total/ { got += $2 }
		/^kafka_prober_connect_attempts_total/ { connects += $2 }
		/^process_cpu_seconds_total/ { cpu += $2 }
		/^process_resident_memory_bytes/ { memory += $2 }
		END { printf "%.0f %.0f %.0f %.0f %.0f %.0f %.2f %.0f", due, foreign, delivered, written, got, connects, cpu, memory }'
	printf ' %s\n' "$(awk '{ print ($14 + $15) / 100 }' "/proc/$brokers/stat")"
}
wait_for() { timeout "$1" tail -f /dev/null || true; }
wait_for "$settle"
before=$(totals) began=$(date +%s.%N)
wait_for "$measure"
after=$(totals) ended=$(date +%s.%N)
printf '%s %s %s %s %s\n' "$n" "$began" "$ended" "$before" "$after" | awk '{
	t = $3 - $2
	printf "agents %d: records due/s and partition %.1f, delivered %.3f of due, other agents\x27 records read/s %.0f, written %.1f KB/s, read %.1f KB/s,\n", $1, ($13 - $4) / t / 3, ($15 - $6) / ($13 - $4), ($14 - $5) / t, ($16 - $7) / t / 1000, ($17 - $8) / t / 1000
	printf "  new connections/s and broker %.2f, CPU of an agent %.2f %% of a core, memory of an agent %.0f MiB, CPU of the fake cluster %.1f %%\n", ($18 - $9) / t / 3, ($19 - $10) / t / $1 * 100, $20 / $1 / 1048576, ($21 - $12) / t * 100
}'
