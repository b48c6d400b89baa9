{{/* What the operator may do where targets are: in every namespace, or in the watched ones. There is
     no verb on Secrets here: probe pods mount what a target names, the operator never reads it. */}}
{{- define "plumbline.auditRules" -}}
- apiGroups: [plumbline.dev]
  resources: [audittargets, auditschedules, auditexceptions]
  verbs: [get, list, watch]
# To take the run-now label off.
- apiGroups: [plumbline.dev]
  resources: [audittargets]
  verbs: [patch]
- apiGroups: [plumbline.dev]
  resources: [auditruns]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [plumbline.dev]
  resources: [audittargets/status, auditschedules/status, auditruns/status, auditexceptions/status]
  verbs: [patch, update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# To bind a token to its Job and to read termination messages; no logs, no exec.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# To tell, and to read why a Job had no pod: only its events say that.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch, list]
{{- end }}

{{- define "plumbline.subject" -}}
- kind: ServiceAccount
  name: {{ include "plumbline.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
