{{/* What the schema cannot say: values that need, or exclude, each other. */}}
{{- define "plumbline.validate" -}}
{{- $database := .Values.database }}
{{- if and $database.existingSecret .Values.postgres.enabled }}
{{- fail "database.existingSecret and postgres.enabled exclude each other: keep the Secret, or try the chart with its own Postgres" }}
{{- end }}
{{- if not (or $database.existingSecret .Values.postgres.enabled) }}
{{- fail "database.existingSecret must name a Secret with the address of a Postgres; to try the chart without one, set postgres.enabled=true" }}
{{- end }}
{{- if and $database.ca.configMap $database.ca.secret }}
{{- fail "database.ca.configMap and database.ca.secret exclude each other: the certificates come from one place" }}
{{- end }}
{{- if and .Values.postgres.enabled (or $database.ca.configMap $database.ca.secret) }}
{{- fail "database.ca needs a database that speaks TLS; the Postgres of postgres.enabled does not" }}
{{- end }}
{{- if gt (int .Values.jobs.maxPerNamespace) (int .Values.jobs.max) }}
{{- fail (printf "jobs.maxPerNamespace (%d) must not be more than jobs.max (%d)" (int .Values.jobs.maxPerNamespace) (int .Values.jobs.max)) }}
{{- end }}
{{- $probes := .Values.networkPolicy.probes }}
{{- if and $probes.namespaces .Values.watchNamespaces }}
{{- fail "networkPolicy.probes.namespaces is for an operator that watches all namespaces; with watchNamespaces the policy stands in those" }}
{{- end }}
{{- if and .Values.networkPolicy.enabled $probes.enabled (not (or $probes.namespaces .Values.watchNamespaces)) }}
{{- fail "networkPolicy.probes.enabled needs networkPolicy.probes.namespaces (or watchNamespaces): a NetworkPolicy stands in one namespace" }}
{{- end }}
{{- end }}
