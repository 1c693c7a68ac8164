{{- /* Names, as most charts have them. */ -}}
{{ define "app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- define "app.labels" }}
app.kubernetes.io/name: {{ include "app.name" . | quote }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- else with $.Values.common.labels }}
{{ tpl (toYaml .) $ }}
{{- else }}
none: `true`
{{- end }}
{{- end }}
{{- $root := . }}
{{- $port := 0x1F90 -}}
{{- if and .Values.enabled (not (eq (.Values.kind | default "Deployment") 'D')) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ printf "%s-%d\t\"é\"\xff" (include "app.name" $) $port }}
  labels: {{- include "app.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas | int }}
  {{- range $index, $name := .Values.names }}
  {{- if eq $name "last" }}{{ break }}{{ else if eq $index 1_0 }}{{ continue }}{{ end }}
  - name: {{ $name }}-{{ add $index 1 }}
    value: {{ (index $root.Values.map $name).value | toJson }}
  {{- else }}
  []
  {{- end }}
  {{ $port = 1.5e3 }}
  {{- block "app.extra" (dict "root" $ "list" (list 1 -2 true nil "a")) }}
{{- `raw {{ }}
text` | indent 2 }}
  {{- end }}
{{- end }}
{{- template "app.labels" . }}
{{ (.Files.Get "x").y.z }} {{ $.Release.Name | print | }}
