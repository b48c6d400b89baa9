{{/* Names and labels. */}}

{{- define "plumbline.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* At most 40 characters: the longest suffix of ours must still fit into 63. */}}
{{- define "plumbline.fullname" -}}
{{- $name := include "plumbline.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "plumbline.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: plumbline
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What the operator's pods are selected by. It never changes: a Deployment's selector cannot. */}}
{{- define "plumbline.selector" -}}
app.kubernetes.io/name: {{ include "plumbline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "plumbline.labels" -}}
{{ include "plumbline.selector" . }}
{{ include "plumbline.commonLabels" . }}
{{- end }}

{{- define "plumbline.postgres.selector" -}}
app.kubernetes.io/name: {{ include "plumbline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: postgres
{{- end }}

{{- define "plumbline.postgres.labels" -}}
{{ include "plumbline.postgres.selector" . }}
{{ include "plumbline.commonLabels" . }}
{{- end }}

{{- define "plumbline.issues.selector" -}}
app.kubernetes.io/name: {{ include "plumbline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: issues
{{- end }}

{{- define "plumbline.issues.labels" -}}
{{ include "plumbline.issues.selector" . }}
{{ include "plumbline.commonLabels" . }}
{{- end }}

{{- define "plumbline.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "plumbline.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name must name the account to use, because serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* The name that the API server knows the operator by. */}}
{{- define "plumbline.user" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "plumbline.serviceAccount" .) -}}
{{- end }}

{{- define "plumbline.ingestSecret" -}}
{{- .Values.ingest.tls.existingSecret | default (printf "%s-ingest" (include "plumbline.fullname" .)) -}}
{{- end }}

{{- define "plumbline.lease" -}}
{{- printf "%s-operator" (include "plumbline.fullname" .) -}}
{{- end }}

{{/* An image by digest, else by tag. Takes a list: the image, the tag where it names none. */}}
{{- define "plumbline.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default (index . 1)) -}}
{{- end -}}
{{- end }}
