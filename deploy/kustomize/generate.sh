#!/usr/bin/env bash
# Makes the base and the components from the chart: generate.sh [OUTPUT-FOLDER], this folder if not given.
# helm has to be on the path. deploy/test holds the result against what is committed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
render() { # OUTPUT-FILE TEMPLATE...
	local file=$out/$1 shown=()
	shift
	for template in "$@"; do shown+=(--show-only "templates/$template.yaml"); done
	mkdir -p "$(dirname "$file")"
	# What is Helm's own goes, and so do the namespace, which a kustomization sets, and the checksum of the
	# configuration: a generated ConfigMap has one in its name.
	helm template kafka-prober "$here/../helm/kafka-prober" --kube-version=1.34.2 --namespace=default \
		--values="$here/chart-values.yaml" "${shown[@]}" |
		sed -E '/^ *(helm\.sh\/chart|app\.kubernetes\.io\/managed-by|checksum\/config):/d; /^  namespace: default$/d; /^# Source: /d' |
		sed '1{/^---$/d}' >"$file"
}
render base/workloads.yaml serviceaccount daemonset deployment service
render components/monitoring/podmonitor.yaml podmonitor
render components/monitoring/prometheusrule.yaml prometheusrule
render components/network-policy/networkpolicy.yaml networkpolicy
render base/configmaps.tmp configmap
for role in agents central; do
	awk -v role="$role" '/^[^ ]/ { on = 0 } on { sub(/^    /, ""); print } $0 == "  " role ".yml: |" { on = 1 }' \
		"$out/base/configmaps.tmp" >"$out/base/$role.yml"
done
rm "$out/base/configmaps.tmp"
