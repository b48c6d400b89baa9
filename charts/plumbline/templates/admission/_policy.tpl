{{/*
The policies of this folder make sure that nobody gains a right by writing a document: the operator
and its Jobs act on names in it, so its author must have the right to what is named.

A document is looked at when it is created and when its spec changes at all. The second is broader
than "when a new name appears" on purpose: an existing credential must not be pointed at another host,
port or trust anchor by somebody who could not read it. Labels, annotations and the status do not
count. What is refused is refused for the document's author only; the operator is named where it
writes documents itself.

The Jobs and pods of runs are the other half: nobody may make one that the operator would take for its
own (probes.yaml).

On cost: the API server allows 1,000,000 units for an expression and 10,000,000 for all of a policy;
one question to the authorizer costs 350,000. So each name is an expression of its own, Secrets and
ConfigMaps are policies of their own, and who may read all of a kind is asked once, first. That leaves
24 names per policy for authors who may read single objects only.
*/}}

{{- define "plumbline.admission.limit" -}}24{{- end }}

{{- define "plumbline.admission.specChanged" -}}
- name: spec-is-new-or-changed
  expression: request.operation == 'CREATE' || object.spec != oldObject.spec
{{- end }}

{{/* Runs that the operator makes come from schedules whose authors were asked already. */}}
{{- define "plumbline.admission.notOperator" -}}
- name: not-by-the-operator
  expression: request.userInfo.username != '{{ include "plumbline.user" . }}'
{{- end }}

{{/* The label that makes a Job and its pods a run's own (`RUN_LABEL` in crds/src/lib.rs). */}}
{{- define "plumbline.admission.runLabel" -}}plumbline.dev/run{{- end }}

{{- define "plumbline.admission.ofRuns" -}}
objectSelector:
  matchExpressions:
    - key: {{ include "plumbline.admission.runLabel" . }}
      operator: Exists
{{- end }}

{{/*
The label, and who owns the object, stay as they were made. An owner may go, because the garbage
collector takes it off what is to outlive it. Takes the kind, for people.
*/}}
{{- define "plumbline.admission.keepsRun" -}}
{{- $label := include "plumbline.admission.runLabel" . -}}
- expression: >-
    request.operation == 'CREATE' ||
    object.metadata.?labels[?'{{ $label }}'].orValue('') == oldObject.metadata.?labels[?'{{ $label }}'].orValue('')
  reason: Forbidden
  message: The label {{ $label }} of a {{ . }} never changes.
  messageExpression: >-
    'the label {{ $label }} of a {{ . }} never changes; ' + request.userInfo.username + ' may not change it in namespace "' + request.namespace + '"'
- expression: >-
    request.operation == 'CREATE' ||
    object.metadata.?ownerReferences.orValue([]).all(new, oldObject.metadata.?ownerReferences.orValue([]).exists(old,
    old.uid == new.uid && old.kind == new.kind && old.name == new.name && old.?controller.orValue(false) == new.?controller.orValue(false)))
  reason: Forbidden
  message: A {{ . }} with the label {{ $label }} gets no other owner.
  messageExpression: >-
    'a {{ . }} with the label {{ $label }} gets no other owner; ' + request.userInfo.username + ' may not name one in namespace "' + request.namespace + '"'
{{- end }}

{{/* Takes a list: the root, the kinds in lower-case plural. */}}
{{- define "plumbline.admission.constraints" -}}
resourceRules:
  - apiGroups: [plumbline.dev]
    apiVersions: [v1alpha1]
    operations: [CREATE, UPDATE]
    resources: {{ index . 1 | toJson }}
{{- end }}

{{/* Metadata and the binding. Takes a list: the root, the policy's name. */}}
{{- define "plumbline.admission.binding" -}}
{{- $ := index . 0 -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "plumbline.labels" $ | nindent 4 }}
spec:
  policyName: {{ index . 1 }}
  validationActions: [Deny]
  {{- with $.Values.watchNamespaces }}
  matchResources:
    namespaceSelector:
      matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: In
          values:
            {{- toYaml . | nindent 12 }}
  {{- end }}
{{- end }}

{{/*
The validations of a list `variables.names`: the author may `get` each object of that name. Takes a
dict: group, resource, kind (for people). Goes with the variable of "plumbline.admission.readsAll".
*/}}
{{- define "plumbline.admission.each" -}}
{{- $limit := include "plumbline.admission.limit" . | int -}}
{{- $object := . -}}
{{- range $i := until $limit }}
- expression: >-
    size(variables.names) <= {{ $i }} || variables.readsAll ||
    authorizer.group('{{ $object.group }}').resource('{{ $object.resource }}').namespace(request.namespace).name(variables.names[{{ $i }}]).check('get').allowed()
  reason: Forbidden
  message: The document names a {{ $object.kind }} that its author may not get.
  messageExpression: >-
    'the document names the {{ $object.kind }} "' + variables.names[{{ $i }}] + '", which ' + request.userInfo.username +
    ' may not get in namespace "' + request.namespace + '"; somebody who may can apply it'
{{- end }}
- expression: size(variables.names) <= {{ $limit }} || variables.readsAll
  reason: Forbidden
  message: >-
    The document names more than {{ $limit }} {{ $object.kind }}s, which only somebody may do who may get all of them in
    the namespace.
{{- end }}

{{- define "plumbline.admission.readsAll" -}}
- name: readsAll
  expression: authorizer.group('{{ .group }}').resource('{{ .resource }}').namespace(request.namespace).check('get').allowed()
{{- end }}

{{/*
The names in every SOURCE of an AuditTarget, by the field that names the object (secretRef or
configMapRef). A SOURCE stands in an entry of three lists, beside it in five fields, and in two places
of `trust`.
*/}}
{{- define "plumbline.admission.sources" -}}
{{- $ref := . -}}
object.spec.?credentials.orValue([]).map(it, has(it.{{ $ref }}), it.{{ $ref }}.name)
+ object.spec.?gatewayConfig.orValue([]).map(it, has(it.{{ $ref }}), it.{{ $ref }}.name)
+ object.spec.?gatewayConfig.orValue([]).map(it, has(it.mapping) && has(it.mapping.{{ $ref }}), it.mapping.{{ $ref }}.name)
+ object.spec.?gatewayConfig.orValue([]).map(it, has(it.environment) && has(it.environment.{{ $ref }}), it.environment.{{ $ref }}.name)
+ object.spec.?deviceCertificates.orValue([]).map(it, has(it.{{ $ref }}), it.{{ $ref }}.name)
+ object.spec.?deviceCertificates.orValue([]).map(it, has(it.password) && has(it.password.{{ $ref }}), it.password.{{ $ref }}.name)
+ object.spec.?deviceCertificates.orValue([]).map(it, has(it.inventory) && has(it.inventory.{{ $ref }}), it.inventory.{{ $ref }}.name)
+ (has(object.spec.trust) && has(object.spec.trust.caBundle) && has(object.spec.trust.caBundle.{{ $ref }}) ? [object.spec.trust.caBundle.{{ $ref }}.name] : [])
+ object.spec.?trust.?crls.orValue([]).map(it, has(it.{{ $ref }}), it.{{ $ref }}.name)
{{- end }}
