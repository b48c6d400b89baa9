{{/* What every container of the chart runs under: the restricted Pod Security Standard, and a root
     file system that cannot be written. */}}
{{- define "plumbline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Takes the user, which is also the group. */}}
{{- define "plumbline.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Where the store is, for `PLUMBLINE_STORE`. */}}
{{- define "plumbline.storeSecret" -}}
secretKeyRef:
  {{- if .Values.postgres.enabled }}
  name: {{ include "plumbline.fullname" . }}-postgres
  key: url
  {{- else }}
  name: {{ .Values.database.existingSecret }}
  key: {{ .Values.database.key }}
  {{- end }}
{{- end }}

{{/* A file `ca.crt` of a ConfigMap or a Secret. Takes `configMap`, `secret` and `key`. */}}
{{- define "plumbline.caSource" -}}
{{- if .configMap }}
configMap:
  name: {{ .configMap }}
{{- else }}
secret:
  secretName: {{ .secret }}
{{- end }}
  items:
    - key: {{ .key }}
      path: ca.crt
{{- end }}

{{/* The environment and the mount of `database.ca`: what the address leaves out, as with psql. */}}
{{- define "plumbline.databaseCaEnv" -}}
- name: PGSSLMODE
  value: verify-full
- name: PGSSLROOTCERT
  value: /run/plumbline/database/ca.crt
{{- end }}

{{- define "plumbline.databaseCaMount" -}}
- name: database-ca
  mountPath: /run/plumbline/database
  readOnly: true
{{- end }}
