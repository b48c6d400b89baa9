//! A machine that runs the documentation's workflow by act: no network, a home of its own, and the
//! Action as a user names it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tempfile::TempDir;
use tests::github::{Checkout, GitHub, REPOSITORY};
use tests::plumb::built;

/// Longer than any of these runs takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A machine.
pub struct Runner {
    folder: TempDir,
    act: OsString,
    /// The workflow, as the documentation has it until a test changes it.
    pub workflow: String,
    /// Variables of the machine.
    pub variables: Vec<(&'static str, String)>,
    action: Value,
}

/// The workflow of a page of the documentation that has this in it.
fn shown(root: &Path, page: &str, part: &str) -> String {
    let page = std::fs::read_to_string(root.join("docs/action").join(page)).unwrap();
    let shown = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut workflows = shown.filter(|text| text.contains("\njobs:\n"));
    let workflow = workflows.find(|text| text.contains(part));
    workflow.expect("the page shows a workflow").to_owned()
}

impl Runner {
    pub fn new() -> Self {
        let act = std::env::var_os("PLUMBLINE_ACT").expect(
            "PLUMBLINE_ACT names no act, which runs workflows: run `cargo xtask test --tier action`",
        );
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let workflow = shown(root, "README.md", "");
        let action = std::fs::read_to_string(root.join("action.yml")).unwrap();
        let action = serde_saphyr::from_str(&action).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let runner = Self { folder, act, workflow, variables: Vec::new(), action };
        for folder in ["home", "bin", "upload"] {
            std::fs::create_dir(runner.at(folder)).unwrap();
        }
        symlink(built("plumbline-action"), runner.at("bin/plumbline-action")).unwrap();
        runner.bring_the_action(root);
        runner.bring_upload();
        runner
    }

    /// Another one, with the recipe that has this in it.
    pub fn of_recipe(part: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        Self { workflow: shown(root, "recipes.md", part), ..Self::new() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The files of the Action, without what is built.
    fn bring_the_action(&self, root: &Path) {
        std::fs::create_dir_all(self.at("plumbline/action")).unwrap();
        std::fs::copy(root.join("action.yml"), self.at("plumbline/action.yml")).unwrap();
        for entry in root.join("action").read_dir().unwrap() {
            let file = entry.unwrap();
            if file.file_type().unwrap().is_file() {
                let to = self.at("plumbline/action").join(file.file_name());
                std::fs::copy(file.path(), to).unwrap();
            }
        }
    }

    /// In place of actions/upload-artifact: a folder of the artifact's name with the files, and one
    /// more that says how long they would be kept.
    fn bring_upload(&self) {
        let stub = format!(
            r#"name: Upload into a folder
description: Stands for actions/upload-artifact
inputs:
  name: {{description: of the artifact, required: true}}
  path: {{description: one on each line, required: true}}
  if-no-files-found: {{description: not looked at}}
  retention-days: {{description: kept in a file}}
runs:
  using: composite
  steps:
    - shell: bash
      env:
        INTO: {into}/${{{{ inputs.name }}}}
        FILES: ${{{{ inputs.path }}}}
        DAYS: ${{{{ inputs.retention-days }}}}
      run: |
        mkdir -p "$INTO"
        if [ -n "$DAYS" ]; then printf %s "$DAYS" > "$INTO/retention-days"; fi
        while read -r file; do
          if [ -n "$file" ]; then cp "$file" "$INTO/"; fi
        done <<< "$FILES"
"#,
            into = self.at("artifacts").display()
        );
        std::fs::write(self.at("upload/action.yml"), stub).unwrap();
    }

    /// Puts a program in the place of `plumbline-action` that keeps its environment; its path.
    pub fn keeps_its_environment(&self) -> PathBuf {
        let script = format!(
            "#!/bin/sh\nenv | grep ^PLUMBLINE_ > {kept}\necho report-html={kept} >> $GITHUB_OUTPUT\n",
            kept = self.at("environment").display()
        );
        let program = self.at("keeps-its-environment");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    /// Puts a program of that name on the machine which only says what it was asked.
    pub fn stands_in_for(&self, name: &str) {
        let script = format!("#!/bin/sh\necho {name} \"$@\" >> {}\n", self.at("asked").display());
        let program = self.at("bin").join(name);
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What those programs were asked, in any order.
    pub fn asked(&self) -> Vec<String> {
        let asked = std::fs::read_to_string(self.at("asked")).unwrap_or_default();
        let mut asked: Vec<_> = asked.lines().map(str::to_owned).collect();
        asked.sort();
        asked
    }

    /// The search path of the machine: its own programs first.
    fn path(&self) -> OsString {
        let bin = std::iter::once(self.at("bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(bin.chain(std::env::split_paths(&path))).unwrap()
    }

    /// What that program kept.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let kept = std::fs::read_to_string(self.at("environment")).unwrap();
        let pairs = kept.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The Action's inputs.
    pub fn inputs(&self) -> Vec<String> {
        names(&self.action["inputs"])
    }

    /// The Action's outputs.
    pub fn outputs(&self) -> Vec<String> {
        names(&self.action["outputs"])
    }

    /// The Action's step that uploads.
    pub fn upload(&self) -> &Value {
        let steps = self.action["runs"]["steps"].as_array().unwrap();
        steps.iter().find(|step| step["uses"].is_string()).expect("the Action uploads its report")
    }

    /// The files of an artifact.
    pub fn artifact(&self, name: &str) -> BTreeMap<String, String> {
        let folder = self.at("artifacts").join(name);
        let entries = folder.read_dir().unwrap_or_else(|_| panic!("no artifact `{name}`"));
        entries
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, std::fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }

    /// A token with the permissions that the workflow's job asks for.
    pub fn token(&self, github: &GitHub) -> String {
        let permissions = self.permissions();
        let permissions: Map<String, Value> = permissions
            .as_object()
            .expect("the job has permissions of its own")
            .iter()
            .map(|(name, access)| (name.replace('-', "_"), access.clone()))
            .collect();
        github.token(permissions.into())
    }

    /// What the workflow's job may do.
    pub fn permissions(&self) -> Value {
        self.document()["jobs"]["audit"]["permissions"].clone()
    }

    fn document(&self) -> Value {
        serde_saphyr::from_str(&self.workflow).unwrap()
    }

    /// The step of the workflow that uses this action.
    fn step(&self, action: &str) -> Value {
        let document = self.document();
        let steps = document["jobs"]["audit"]["steps"].as_array().unwrap();
        let uses =
            |step: &&Value| step["uses"].as_str().is_some_and(|uses| uses.starts_with(action));
        steps.iter().find(uses).unwrap_or_else(|| panic!("no step uses {action}")).clone()
    }

    /// What actions/checkout leaves: the commit that the event names, so deep as it is told.
    fn checked_out(&self, from: &Checkout) -> Checkout {
        let depth = self.step("actions/checkout@")["with"]["fetch-depth"].as_u64().unwrap_or(1);
        let checkout = Checkout::new();
        let address = format!("file://{}", from.root().display());
        let depth = format!("--depth={depth}");
        // By a name, also because act leaves empty folders out, and git wants one for names.
        checkout.git(&["fetch", "--quiet", &depth, &address, "HEAD:refs/remotes/origin/head"]);
        checkout.git(&["checkout", "--quiet", "--detach", "origin/head"]);
        checkout
    }

    /// Runs the workflow that the repository has at its HEAD.
    pub fn run(
        &self,
        github: &GitHub,
        token: &str,
        repository: &Checkout,
        event: &str,
        payload: &Value,
    ) -> Ran {
        self.assert_that_it_starts(event, payload);
        let checkout = self.checked_out(repository);
        std::fs::write(self.at("event.json"), payload.to_string()).unwrap();
        let uses = self.step("plumbline/plumbline@")["uses"].as_str().unwrap().to_owned();
        let upload = self.upload()["uses"].as_str().unwrap();
        let machine = self.document()["jobs"]["audit"]["runs-on"].as_str().unwrap().to_owned();
        let mut command = Command::new(&self.act);
        command
            .arg(event)
            .current_dir(checkout.root())
            .env_clear()
            .env("PATH", self.path())
            .env("HOME", self.at("home"))
            .env("XDG_CACHE_HOME", self.at("cache"))
            .args(["--no-cache-server", "--json", "--actor", "alice", "--eventpath"])
            .arg(self.at("event.json"))
            .args(["--platform", &format!("{machine}=-self-hosted")])
            .args(["--secret", &format!("GITHUB_TOKEN={token}")])
            .args(["--env", &format!("GITHUB_API_URL={}", github.api)])
            .args(["--env", &format!("GITHUB_REPOSITORY={REPOSITORY}")])
            .args(["--env", "PLUMBLINE_WRITE_INTERVAL_MS=0"])
            .args(
                self.variables
                    .iter()
                    .flat_map(|(name, is)| ["--env".into(), format!("{name}={is}")]),
            )
            .arg("--local-repository")
            .arg(format!("{uses}={}", self.at("plumbline").display()))
            .arg("--local-repository")
            .arg(format!("{upload}={}", self.at("upload").display()));
        self.to_its_end(command)
    }

    /// Runs one job of a workflow of the repository, as a push of a tag starts it.
    pub fn job(
        &self,
        repository: &Checkout,
        workflow: &str,
        job: &str,
        tag: &str,
        payload: &Value,
    ) -> Ran {
        std::fs::write(self.at("event.json"), payload.to_string()).unwrap();
        let mut command = Command::new(&self.act);
        command
            .args(["push", "--job", job, "--workflows"])
            .arg(format!(".github/workflows/{workflow}"))
            .current_dir(repository.root())
            .env_clear()
            .env("PATH", self.path())
            .env("HOME", self.at("home"))
            .env("XDG_CACHE_HOME", self.at("cache"))
            .args(["--no-cache-server", "--json", "--actor", "alice", "--eventpath"])
            .arg(self.at("event.json"))
            .args(["--platform", "ubuntu-24.04=-self-hosted"])
            .args(["--env", &format!("GITHUB_REPOSITORY={REPOSITORY}")])
            .args(["--env", &format!("GITHUB_REF_NAME={tag}")]);
        self.to_its_end(command)
    }

    fn to_its_end(&self, mut command: Command) -> Ran {
        command
            .stdin(Stdio::null())
            .stdout(File::create(self.at("stdout")).unwrap())
            .stderr(File::create(self.at("stderr")).unwrap());
        let status = to_its_end(&mut command);
        let read = |name: &str| std::fs::read_to_string(self.at(name)).unwrap();
        let said = format!("{}{}", read("stdout"), read("stderr"));
        let Some(status) = status else {
            panic!("act did not end in {} s:\n{said}", PATIENCE.as_secs());
        };
        Ran::new(status, said)
    }

    /// act starts what GitHub would not.
    fn assert_that_it_starts(&self, event: &str, payload: &Value) {
        let on = &self.document()["on"];
        let (wanted, is) = match event {
            "pull_request" => (&on[event]["types"], &payload["action"]),
            _ => (&on[event]["branches"], &payload["repository"]["default_branch"]),
        };
        let starts = wanted.as_array().is_some_and(|wanted| wanted.contains(is));
        assert!(starts, "{event} of {is} does not start the workflow: {on}");
    }
}

fn names(of: &Value) -> Vec<String> {
    of.as_object().unwrap().keys().cloned().collect()
}

/// Runs a program and what it starts; none if that had to be killed.
fn to_its_end(command: &mut Command) -> Option<ExitStatus> {
    let mut child = command.process_group(0).spawn().expect("PLUMBLINE_ACT can be run");
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let group = format!("-{}", child.id());
    Command::new("kill").args(["-KILL", "--", &group]).status().ok();
    child.wait().unwrap();
    None
}

/// A workflow run that has ended.
pub struct Ran {
    /// `success` or `failure`.
    result: String,
    /// Outputs of the Action's step.
    pub outputs: BTreeMap<String, String>,
    /// The job summary.
    pub summary: String,
    /// What the runner shows at a place: `file`, `line`, `title`.
    pub remarks: Vec<Value>,
    said: String,
}

impl Ran {
    fn new(status: ExitStatus, said: String) -> Self {
        let mut ran = Self {
            result: String::new(),
            outputs: BTreeMap::new(),
            summary: String::new(),
            remarks: Vec::new(),
            said,
        };
        let lines: Vec<Value> =
            ran.said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        for line in &lines {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            if let Some(result) = line["jobResult"].as_str() {
                ran.result = result.to_owned();
            }
            // A step of the Action has two parts; what has one is the Action as the workflow sees it.
            let outer = line["stepID"].as_array().is_some_and(|id| id.len() == 1);
            match line["command"].as_str() {
                Some("set-output") if outer => {
                    ran.outputs.insert(text("name"), text("arg"));
                }
                Some("summary") => ran.summary.push_str(&text("content")),
                Some("error" | "warning" | "notice") => ran.remarks.push(line["kvPairs"].clone()),
                _ => {}
            }
        }
        assert_eq!(status.success(), ran.result == "success", "{}", ran.said);
        ran
    }

    /// The same, if the job ended so: `success` or `failure`.
    #[track_caller]
    pub fn expect(self, result: &str) -> Self {
        assert_eq!(self.result, result, "{}", self.said);
        self
    }

    /// An output of the Action; empty is how a workflow sees one that was not written.
    #[track_caller]
    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}
