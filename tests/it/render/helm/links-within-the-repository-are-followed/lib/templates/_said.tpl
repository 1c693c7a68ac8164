{{ define "lib.said" }}{{ .Values.lib.said }}{{ end }}
