//! What a pod may do on its node, and the secrets in its environment.

use model::evidence::{Guardrail, Origin, Reach};

use super::ELSEWHERE;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::readers::containers;
use crate::gateway_config_guardrails::readers::tables::{at, entry, items, text};
use crate::gateway_config_guardrails::tree::{Entry, Node, Value, shown};
use crate::gateway_config_guardrails::values;

/// Guardrails that a pod has settings for.
pub const COVERED: [Guardrail; 4] =
    [Guardrail::Privileges, Guardrail::Bind, Guardrail::InlineSecret, Guardrail::DefaultSecret];

/// Reviews a pod's specification, at `prefix` of its object.
pub fn review(review: &mut Review, file: &str, prefix: &str, spec: &Node) {
    review.cover(&COVERED);
    let mut pod = Pod { review, file };
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        let Some(found) = entry(spec, key) else { continue };
        let setting = format!("{prefix}.{key}");
        if pod.truth(found, &setting) != Some(true) {
            continue;
        }
        pod.off(Guardrail::Privileges, pod.place(found), &setting, "true");
        if key == "hostNetwork" {
            let reason = "it shares the network of the node: what its program binds to decides";
            let place = pod.place(found);
            pod.review.undetermined(&place, setting, &[Guardrail::Bind], reason);
        }
    }
    for (index, volume) in
        entry(spec, "volumes").map_or(&[][..], |v| items(&v.node)).iter().enumerate()
    {
        let Some(host) = entry(volume, "hostPath") else { continue };
        let setting = format!("{prefix}.volumes[{index}].hostPath");
        let place = pod.place(host);
        let path = entry(&host.node, "path").and_then(|path| text(&path.node));
        match path {
            Some(path) if path.starts_with("/dev/") => {
                pod.review.setting(&place, setting, "a device of the node", Origin::Explicit);
            }
            Some(path) => {
                let seen = containers::host_path(path).unwrap_or("a folder of the node");
                pod.off(Guardrail::Privileges, place, &setting, seen);
            }
            None => pod.review.undetermined(&place, setting, &[Guardrail::Privileges], ELSEWHERE),
        }
    }
    let shared = entry(spec, "securityContext").map(|context| &context.node);
    for kind in ["containers", "initContainers", "ephemeralContainers"] {
        let Some(list) = entry(spec, kind) else { continue };
        for (index, container) in items(&list.node).iter().enumerate() {
            pod.container(&format!("{prefix}.{kind}[{index}]"), container, shared);
        }
    }
}

struct Pod<'a> {
    review: &'a mut Review,
    file: &'a str,
}

impl Pod<'_> {
    fn place(&self, entry: &Entry) -> Place {
        Place { file: self.file.to_owned(), line: entry.line, column: entry.column }
    }

    fn off(&mut self, guardrail: Guardrail, place: Place, setting: &str, value: &str) {
        let reach = if guardrail == Guardrail::Bind { Reach::Network } else { Reach::Unstated };
        self.review.off(guardrail, place.observe(setting, value, reach));
    }

    fn open(&mut self, place: &Place, setting: &str, reason: &str) {
        self.review.undetermined(place, setting, &[Guardrail::Privileges], reason);
    }

    fn truth(&mut self, entry: &Entry, setting: &str) -> Option<bool> {
        let value = text(&entry.node).and_then(|text| values::truth(text, None));
        if value.is_none() && entry.node.value != Value::Null {
            let place = self.place(entry);
            self.open(&place, setting, ELSEWHERE);
        }
        value
    }

    fn container(&mut self, path: &str, container: &Node, shared: Option<&Node>) {
        let own = entry(container, "securityContext");
        let top = match own {
            Some(own) => self.place(own),
            None => {
                Place { file: self.file.to_owned(), line: container.line, column: container.column }
            }
        };
        let own = own.map(|own| &own.node);
        let path_of = |key: &str| format!("{path}.securityContext.{key}");
        let find = |key: &str| own.and_then(|own| entry(own, key));

        if let Some(found) = find("privileged")
            && self.truth(found, &path_of("privileged")) == Some(true)
        {
            self.off(Guardrail::Privileges, self.place(found), &path_of("privileged"), "true");
        }
        // Unset means allowed and writable: Pod Security Standards, profile Restricted, and the
        // API's own defaults.
        for (key, safe, absent, set) in [
            ("allowPrivilegeEscalation", false, "absent: allowed", "true"),
            (
                "readOnlyRootFilesystem",
                true,
                "absent: the root file system is writable",
                "false: the root file system is writable",
            ),
        ] {
            let setting = path_of(key);
            match find(key) {
                None => self.off(Guardrail::Privileges, top.clone(), &setting, absent),
                Some(found) => match self.truth(found, &setting) {
                    Some(value) if value == safe => {
                        let place = self.place(found);
                        self.review.setting(&place, setting, value.to_string(), Origin::Explicit);
                    }
                    Some(_) => self.off(Guardrail::Privileges, self.place(found), &setting, set),
                    None => {}
                },
            }
        }
        self.user(path, own, shared, &top);
        self.profile(path, own, shared);
        if let Some(added) = own.and_then(|own| at(own, &["capabilities", "add"])) {
            for (index, item) in items(added).iter().enumerate() {
                let seen = text(item).and_then(containers::dangerous);
                let place =
                    Place { file: self.file.to_owned(), line: item.line, column: item.column };
                if let Some(seen) = seen {
                    let setting = path_of(&format!("capabilities.add[{index}]"));
                    self.off(Guardrail::Privileges, place, &setting, seen);
                }
            }
        }
        self.ports(path, container);
        self.environment(path, container);
    }

    /// Settings of the container come before those of its pod.
    fn user(&mut self, path: &str, own: Option<&Node>, shared: Option<&Node>, top: &Place) {
        let find = |key: &str| [own, shared].into_iter().flatten().find_map(|c| entry(c, key));
        let setting = format!("{path}.securityContext.runAsUser");
        let user = find("runAsUser");
        if let Some(user) = user {
            match text(&user.node).and_then(values::integer) {
                Some(0) => return self.off(Guardrail::Privileges, self.place(user), &setting, "0"),
                Some(_) => {
                    let place = self.place(user);
                    return self.review.setting(&place, setting, "not root", Origin::Explicit);
                }
                None => {
                    let place = self.place(user);
                    return self.open(&place, &setting, ELSEWHERE);
                }
            }
        }
        if let Some(demanded) = find("runAsNonRoot") {
            let setting = format!("{path}.securityContext.runAsNonRoot");
            match self.truth(demanded, &setting) {
                Some(true) => {
                    let place = self.place(demanded);
                    return self.review.setting(&place, setting, "true", Origin::Explicit);
                }
                Some(false) => {}
                None => return,
            }
        }
        let reason =
            "it is absent, and the image decides as whom the program runs; set `runAsNonRoot`";
        self.open(top, &setting, reason);
    }

    fn profile(&mut self, path: &str, own: Option<&Node>, shared: Option<&Node>) {
        let contexts = [own, shared].into_iter().flatten();
        let profile = contexts.filter_map(|context| entry(context, "seccompProfile")).next();
        let Some(profile) = profile else { return };
        let kind = entry(&profile.node, "type").and_then(|kind| text(&kind.node));
        if kind == Some("Unconfined") {
            let setting = format!("{path}.securityContext.seccompProfile");
            self.off(Guardrail::Privileges, self.place(profile), &setting, "unconfined");
        }
    }

    fn ports(&mut self, path: &str, container: &Node) {
        let Some(ports) = entry(container, "ports") else { return };
        for (index, port) in items(&ports.node).iter().enumerate() {
            let Some(host) = entry(port, "hostPort") else { continue };
            let setting = format!("{path}.ports[{index}].hostPort");
            let address = entry(port, "hostIP").and_then(|address| text(&address.node));
            let everywhere =
                address.map(values::bound).is_none_or(|b| b == values::Bound::Wildcard);
            let shown = text(&host.node).and_then(values::integer);
            match shown {
                Some(port) if everywhere => {
                    let value = format!("port {port} on every interface of the node");
                    self.off(Guardrail::Bind, self.place(host), &setting, &value);
                }
                Some(_) => {}
                None => {
                    let place = self.place(host);
                    self.review.undetermined(&place, setting, &[Guardrail::Bind], ELSEWHERE);
                }
            }
        }
    }

    fn environment(&mut self, path: &str, container: &Node) {
        let variables = entry(container, "env").map_or(&[][..], |env| items(&env.node));
        for variable in variables {
            let name = entry(variable, "name").and_then(|name| text(&name.node)).unwrap_or("");
            let setting = format!("{path}.env.{}", shown(name));
            let Some(value) = entry(variable, "value") else {
                if let Some(from) = entry(variable, "valueFrom") {
                    let place = self.place(from);
                    let review = &mut *self.review;
                    containers::variable_from_elsewhere(review, &place, &setting, name, None);
                }
                continue;
            };
            let place = self.place(value);
            match text(&value.node) {
                Some(value) => {
                    containers::variable(self.review, &place, &setting, name, value);
                }
                None => {
                    let review = &mut *self.review;
                    containers::variable_from_elsewhere(review, &place, &setting, name, None);
                }
            }
        }
        for key in ["command", "args"] {
            let Some(list) = entry(container, key) else { continue };
            let words: Vec<&str> = items(&list.node).iter().filter_map(text).collect();
            let place = self.place(list);
            containers::command(self.review, &place, &format!("{path}.{key}"), &words);
        }
    }
}
