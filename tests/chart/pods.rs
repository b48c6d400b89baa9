//! Every pod of the chart passes the restricted Pod Security Standard, and is a good neighbour.

use serde_json::Value;

use crate::helm::{CASES, Rendering, render};

/// The pods that a rendering makes, with the name of what makes them.
fn pods(rendering: &Rendering) -> Vec<(String, &Value)> {
    let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
    rendering.pods().into_iter().map(|(object, pod)| (name(object), pod)).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_pod_passes_the_restricted_standard() {
    for case in CASES {
        for (name, pod) in pods(&render(case)) {
            let spec = &pod["spec"];
            let security = &spec["securityContext"];
            for host in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
                assert!(spec.get(host).is_none(), "{case} {name}: {host}");
            }
            assert_eq!(security["runAsNonRoot"], true, "{case} {name}");
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{case} {name}");
            assert!(security["runAsUser"].as_u64().unwrap() > 0, "{case} {name}");
            assert!(security.get("sysctls").is_none(), "{case} {name}");
            for volume in list(&spec["volumes"]) {
                let source: Vec<_> =
                    volume.as_object().unwrap().keys().filter(|key| *key != "name").collect();
                let allowed =
                    ["configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"];
                assert!(
                    source.iter().all(|kind| allowed.contains(&kind.as_str())),
                    "{name}: {source:?}"
                );
            }
            for container in list(&spec["containers"]).iter().chain(list(&spec["initContainers"])) {
                let security = &container["securityContext"];
                assert_eq!(security["allowPrivilegeEscalation"], false, "{case} {name}");
                assert_eq!(security["capabilities"]["drop"][0], "ALL", "{case} {name}");
                assert!(security["capabilities"].get("add").is_none(), "{case} {name}");
                for field in ["privileged", "procMount", "runAsUser", "seccompProfile"] {
                    assert!(security.get(field).is_none(), "{case} {name}: {field}");
                }
                assert!(
                    list(&container["ports"]).iter().all(|port| port.get("hostPort").is_none())
                );
                // Beyond the standard.
                assert_eq!(security["readOnlyRootFilesystem"], true, "{case} {name}");
            }
        }
    }
}

#[test]
fn every_container_has_requests_a_memory_limit_and_probes() {
    for case in CASES {
        for (name, pod) in pods(&render(case)) {
            for container in list(&pod["spec"]["containers"]) {
                let resources = &container["resources"];
                for field in ["/requests/cpu", "/requests/memory", "/limits/memory"] {
                    assert!(resources.pointer(field).is_some(), "{case} {name}: {field}");
                }
                // What ends by itself has a deadline in place of probes.
                let serves = pod["spec"].get("restartPolicy").is_none();
                for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                    assert_eq!(container.get(probe).is_some(), serves, "{case} {name}: {probe}");
                }
                let image = container["image"].as_str().unwrap();
                assert!(
                    image.contains('@') || !image.ends_with(":latest"),
                    "{case} {name}: {image}"
                );
                assert!(image.contains([':', '@']), "{case} {name}: {image}");
            }
        }
    }
}

#[test]
fn only_the_operator_has_a_token() {
    for case in CASES {
        let rendering = render(case);
        for (name, pod) in pods(&rendering) {
            let wants = name.contains("Deployment");
            assert_eq!(pod["spec"]["automountServiceAccountToken"], wants, "{case} {name}");
            assert_eq!(pod["spec"]["enableServiceLinks"], false, "{case} {name}");
        }
        for account in rendering.of("ServiceAccount") {
            assert_eq!(account["automountServiceAccountToken"], false, "{case}");
        }
    }
}

#[test]
fn liveness_does_not_depend_on_the_store_and_readiness_does() {
    let rendering = render("default");
    let container =
        &rendering.object("Deployment", "plumbline")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez");
    assert_eq!(container["startupProbe"]["httpGet"]["path"], "/livez");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
}

#[test]
fn two_replicas_are_spread_and_replaced_without_a_gap() {
    let rendering = render("default");
    let spec = &rendering.object("Deployment", "plumbline")["spec"];
    assert_eq!(spec["replicas"], 2);
    assert_eq!(spec["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let spread = list(&spec["template"]["spec"]["topologySpreadConstraints"]);
    let keys: Vec<_> = spread.iter().map(|entry| entry["topologyKey"].as_str().unwrap()).collect();
    assert_eq!(keys, ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]);
    for entry in spread {
        assert_eq!(entry["labelSelector"], spec["selector"]);
        assert_eq!(entry["whenUnsatisfiable"], "ScheduleAnyway", "one node must be enough");
    }
    // It drains for 30 s; what is killed before that loses what it holds.
    assert!(spec["template"]["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap() > 30);
}
