{{- define "kafka-prober.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kafka-prober.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "kafka-prober.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "kafka-prober.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of selectors: a workload's can't be changed, so nothing that changes is in them. */}}
{{- define "kafka-prober.selector" -}}
app.kubernetes.io/name: {{ include "kafka-prober.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Call with a dict of root and role; role "" for what belongs to all. */}}
{{- define "kafka-prober.labels" -}}
{{ include "kafka-prober.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: kafka-prober
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "kafka-prober.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kafka-prober.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "kafka-prober.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The configuration file of a workload: its settings, the cluster's keys over them, and over those the
     cluster's own for this workload. */}}
{{- define "kafka-prober.config" -}}
{{- $role := .role -}}
{{- $settings := (index .root.Values $role).settings -}}
{{- $clusters := list -}}
{{- range .root.Values.clusters -}}
{{- $cluster := mergeOverwrite (deepCopy $settings) (deepCopy (omit . "agents" "central")) (deepCopy (default dict (index . $role))) -}}
{{- $clusters = append $clusters $cluster -}}
{{- end -}}
{{- toYaml (dict "classic_histograms" .root.Values.classicHistograms "clusters" $clusters) -}}
{{- end -}}

{{- define "kafka-prober.pod" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- $workload := index $root.Values $role -}}
metadata:
  labels: # without the chart's version: a new chart alone need not restart every pod
    {{- include "kafka-prober.selector" . | nindent 4 }}
    {{- with merge (deepCopy $workload.podLabels) $root.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: kafka-prober
    {{- if not $root.Values.existingConfigSecret }}
    checksum/config: {{ include "kafka-prober.config" . | sha256sum }}
    {{- end }}
    {{- with $workload.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "kafka-prober.serviceAccount" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $workload.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if and (eq $role "agents") $workload.hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  # Probes drain within 5 s; what is in flight then is counted as skipped, never as lost.
  terminationGracePeriodSeconds: 30
  containers:
    - name: kafka-prober
      image: {{ include "kafka-prober.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - --config.file=/etc/kafka_prober/config/{{ $role }}.yml
        - --web.listen-address=:{{ $root.Values.port }}
        - --log.level={{ $root.Values.logLevel }}
        - --log.format={{ $root.Values.logFormat }}
        {{- with $workload.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $workload.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: {{ $root.Values.port }}
          protocol: TCP
      # Of the process alone: an outage of Kafka must restart nobody.
      startupProbe:
        httpGet: {path: /-/ready, port: http}
        periodSeconds: 1
        failureThreshold: 30
      livenessProbe:
        httpGet: {path: /-/healthy, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /-/ready, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
      resources:
        {{- toYaml $workload.resources | nindent 8 }}
      securityContext:
        {{- toYaml $root.Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/kafka_prober/config
          readOnly: true
        {{- range $root.Values.secretMounts }}
        - name: secret-{{ .name }}
          mountPath: /etc/kafka_prober/secrets/{{ .name }}
          readOnly: true
        {{- end }}
  volumes:
    - name: config
      {{- if $root.Values.existingConfigSecret }}
      secret:
        secretName: {{ $root.Values.existingConfigSecret }}
        items:
          - {key: {{ $role }}.yml, path: {{ $role }}.yml}
      {{- else }}
      configMap:
        name: {{ include "kafka-prober.fullname" $root }}-{{ $role }}
      {{- end }}
    {{- range $root.Values.secretMounts }}
    - name: secret-{{ .name }}
      secret:
        secretName: {{ .secretName }}
        defaultMode: 0440
        {{- with .items }}
        items:
          {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
  {{- with $workload.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $workload.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $workload.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Relabelling that a monitor of pods may want: where a pod runs. */}}
{{- define "kafka-prober.nodeRelabelings" -}}
- sourceLabels: [__meta_kubernetes_pod_node_name]
  targetLabel: node
- sourceLabels: [__meta_kubernetes_node_label_topology_kubernetes_io_zone]
  targetLabel: zone
{{- end -}}

{{/* Relabelling that keeps the job one that the alerts know, whatever nameOverride says. */}}
{{- define "kafka-prober.jobRelabeling" -}}
{{- $name := include "kafka-prober.name" . -}}
{{- if not (regexMatch "kafka[-_]prober" $name) -}}
- targetLabel: job
  replacement: kafka-prober/{{ $name }}
{{- end -}}
{{- end -}}
