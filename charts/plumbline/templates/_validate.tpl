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
{{- if .Values.issues.enabled }}
{{- include "plumbline.issues.validate" .Values.issues }}
{{- end }}
{{- end }}

{{/* Takes `issues`. */}}
{{- define "plumbline.issues.validate" -}}
{{- $token := .token.existingSecret }}
{{- $app := or .app.existingSecret (gt (int64 .app.id) 0) }}
{{- if not .repository }}
{{- fail "issues.repository must name the repository whose issues are kept, as owner/name" }}
{{- end }}
{{- if and $token $app }}
{{- fail "issues.token and issues.app exclude each other: issues are written as one login" }}
{{- end }}
{{- if not (or $token $app) }}
{{- fail "issues.enabled needs a token (issues.token.existingSecret) or a GitHub App (issues.app.id and issues.app.existingSecret) to write as" }}
{{- end }}
{{- if and $app (not (and .app.existingSecret (gt (int64 .app.id) 0))) }}
{{- fail "issues.app.id and issues.app.existingSecret go together: an App is known by its id, and signs with its private key" }}
{{- end }}
{{- if and $token (not .author) }}
{{- fail "issues.author must name the login that the token belongs to: issues of others are not touched, so it must be known" }}
{{- end }}
{{- if and .ca.configMap .ca.secret }}
{{- fail "issues.ca.configMap and issues.ca.secret exclude each other: the certificates come from one place" }}
{{- end }}
{{- end }}
