//! Kubernetes manifests: exposed, mixed, hardened and hostile.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail, SecretKind};

use super::{keeps, places, seen, word};

pub(super) const HARDENED: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: broker}
spec:
  template:
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: broker
          image: eclipse-mosquitto:2.0.22
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          env:
            - name: MQ_PASSWORD
              valueFrom: {secretKeyRef: {name: mq, key: password}}
          ports: [{containerPort: 8883}]
---
apiVersion: v1
kind: Service
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: [192.0.2.0/24]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
spec: {tls: [{secretName: web}]}
";

fn manifest(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("broker.yaml", text)], ConfigFormat::Auto, None)
}

#[test]
fn a_hardened_manifest_leaves_nothing_off() {
    let seen = manifest(HARDENED);
    assert_eq!(seen.format.value().unwrap(), "kubernetes");
    keeps(&seen, &[Guardrail::Privileges, Guardrail::Bind, Guardrail::Tls], &["on"]);
}

#[test]
fn one_change_leaves_one_guardrail_off_at_its_place() {
    let cases = [
        ("runAsNonRoot: true", "runAsUser: 0", Guardrail::Privileges, "broker.yaml:7:25"),
        (
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesystem: false",
            Guardrail::Privileges,
            "broker.yaml:13:13",
        ),
        (
            "allowPrivilegeEscalation: false",
            "privileged: false",
            Guardrail::Privileges,
            "broker.yaml:11:11",
        ),
        ("{drop: [ALL]}", "{add: [CAP_NET_ADMIN]}", Guardrail::Privileges, "broker.yaml:14:34"),
        ("RuntimeDefault", "Unconfined", Guardrail::Privileges, "broker.yaml:7:45"),
        (
            "      containers:",
            "      hostPID: true\n      containers:",
            Guardrail::Privileges,
            "broker.yaml:8:7",
        ),
        (
            "      containers:",
            "      volumes: [{hostPath: {path: /srv}}]\n      containers:",
            Guardrail::Privileges,
            "broker.yaml:8:18",
        ),
        ("{containerPort: 8883}", "{hostPort: 8883}", Guardrail::Bind, "broker.yaml:18:20"),
        ("type: LoadBalancer", "type: NodePort", Guardrail::Bind, "broker.yaml:23:3"),
        ("192.0.2.0/24", "0.0.0.0/0", Guardrail::Bind, "broker.yaml:23:3"),
        (
            "spec: {tls: [{secretName: web}]}",
            "spec: {rules: []}",
            Guardrail::Tls,
            "broker.yaml:28:1",
        ),
    ];
    for (from, to, guardrail, place) in cases {
        assert!(HARDENED.contains(from), "{from}");
        let seen = manifest(&HARDENED.replace(from, to));
        assert_eq!(word(&seen, guardrail), "off", "{to}");
        assert_eq!(places(super::list(&seen, guardrail)), [place], "{to}");
    }
}

#[test]
fn what_the_image_the_node_or_a_template_decides_is_open() {
    let image = HARDENED.replace("runAsNonRoot: true, ", "");
    assert_eq!(word(&manifest(&image), Guardrail::Privileges), "open");
    let network =
        HARDENED.replace("      containers:", "      hostNetwork: true\n      containers:");
    assert_eq!(word(&manifest(&network), Guardrail::Privileges), "off");
    assert_eq!(word(&manifest(&network), Guardrail::Bind), "open");
    let template =
        HARDENED.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: \"{{ ro }}\"");
    assert_eq!(word(&manifest(&template), Guardrail::Privileges), "open");
    let unrendered = manifest("apiVersion: v1\nkind: Pod\n{{ if x }}\nspec: {}\n");
    assert!(unrendered.undetermined.reason().unwrap().contains("render it first"));
}

#[test]
fn secrets_in_a_manifest_are_told_by_place_and_kind() {
    let text = "apiVersion: v1
kind: List
items:
  - kind: Secret
    type: kubernetes.io/tls
    data: {tls.crt: AAAA, tls.key: c2VjcmV0a2V5}
  - kind: Secret
    data: {password: Y2hhbmdlbWU=, username: Z3c=}
  - kind: ConfigMap
    data:
      MQTT_URL: mqtt://gw:tr0ub4dor@broker
      LEVEL: info
  - kind: Pod
    spec:
      containers:
        - env: [{name: API_TOKEN, value: t0ken-t0ken-t0ken}]
          args: [--password=hunter2hunter2]
";
    let seen = manifest(text);
    let inline: Vec<_> =
        seen.secrets_inline.value().unwrap().iter().map(|one| (one.line, one.kind)).collect();
    assert_eq!(
        inline,
        [
            (6, SecretKind::Key),
            (8, SecretKind::Password),
            (11, SecretKind::UrlCredentials),
            (16, SecretKind::Token),
            (17, SecretKind::Password),
        ]
    );
    assert_eq!(seen.secrets_known.value().unwrap()[0].line, 8);
    let json = serde_json::to_string(&seen).unwrap();
    for part in ["changeme", "Y2hh", "tr0ub", "t0ken", "hunter2"] {
        assert!(!json.contains(part), "{part}");
    }
}

#[test]
fn kinds_that_we_do_not_know_decide_nothing() {
    let seen = manifest("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
    assert_eq!(word(&seen, Guardrail::Privileges), "open");
    assert!(!seen.guardrails.value().unwrap().contains(&Guardrail::Privileges));
}
