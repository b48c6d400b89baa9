//! Finding `helm`, and reading what it renders.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The release that every rendering is of.
pub const RELEASE: &str = "plumbline";
/// The namespace that every rendering is for.
pub const NAMESPACE: &str = "plumbline-system";
/// The oldest Kubernetes that the chart is for.
const KUBERNETES: &str = "1.30.0";

/// The values files of `charts/plumbline/ci`, by name.
pub const CASES: [&str; 5] =
    ["default", "namespaced", "external-database", "in-chart-postgres", "everything"];

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The chart's folder.
pub fn chart() -> PathBuf {
    root().join("charts/plumbline")
}

/// A values file of the chart.
pub fn case(name: &str) -> PathBuf {
    chart().join(format!("ci/{name}.yaml"))
}

/// A `helm` command that reads nothing of the user's: no repositories, plugins or clusters.
fn command() -> Command {
    let mut command = Command::new(program());
    let nothing = root().join("charts/none");
    for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "KUBECONFIG"] {
        command.env(variable, &nothing);
    }
    command
}

/// `PLUMBLINE_HELM`, else `helm` on the PATH. Without one the tests fail: they are what this tier
/// is for.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("PLUMBLINE_HELM") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "PLUMBLINE_HELM names {}, which is not there", named.display());
        return named;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join("helm")).find(|file| file.is_file()).expect(
        "no helm: the chart's tests render it with Helm 4. Put `helm` on the PATH or name it in \
         PLUMBLINE_HELM; the cluster tier builds one",
    )
}

/// Runs `helm` to its end.
pub fn helm<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    command().args(arguments).output().expect("helm can be started")
}

/// What Helm made of the chart.
pub struct Rendering {
    /// The objects, in Helm's order.
    pub objects: Vec<Value>,
}

impl Rendering {
    /// The objects of a kind.
    pub fn of(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// The pods that are made, with the objects that make them.
    pub fn pods(&self) -> Vec<(&Value, &Value)> {
        let pods: Vec<_> = self
            .objects
            .iter()
            .filter_map(|object| {
                let template = match object["kind"].as_str()? {
                    "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => "/spec/template",
                    "CronJob" => "/spec/jobTemplate/spec/template",
                    "Pod" | "ReplicaSet" => panic!("not looked at here: {object}"),
                    _ => return None,
                };
                Some((object, object.pointer(template).unwrap()))
            })
            .collect();
        assert!(!pods.is_empty());
        pods
    }

    /// The object of a kind and name.
    pub fn object(&self, kind: &'static str, name: &str) -> &Value {
        self.of(kind)
            .find(|object| object["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("no {kind} {name} is rendered"))
    }
}

/// Renders the chart with one of its values files.
pub fn render(name: &str) -> Rendering {
    render_chart(&chart(), name, &[])
}

/// Renders a chart with one of the values files, and with single values over it.
pub fn render_chart(chart: &Path, name: &str, set: &[&str]) -> Rendering {
    let output = template(chart, name, set);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} does not render:\n{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text)
        .unwrap_or_else(|error| panic!("{name} renders to what is no YAML: {error}"));
    let objects: Vec<_> = objects.into_iter().filter(|object| !object.is_null()).collect();
    assert!(objects.len() > 10, "{name} renders {} objects only", objects.len());
    Rendering { objects }
}

/// What Helm says when it refuses values.
pub fn refusal(name: &str, set: &[&str]) -> String {
    let output = template(&chart(), name, set);
    assert!(!output.status.success(), "{name} with {set:?} is rendered and should be refused");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn template(chart: &Path, name: &str, set: &[&str]) -> Output {
    let mut command = command();
    command.args(["template", RELEASE]).arg(chart);
    command.args(["--namespace", NAMESPACE, "--kube-version", KUBERNETES, "--values"]);
    command.arg(case(name));
    command.args(set.iter().flat_map(|value| ["--set", value]));
    command.output().expect("helm can be started")
}
