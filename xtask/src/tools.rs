//! The programs that tests need, and how they come here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell::{capture, cargo, run, target};

mod servers;

pub use servers::{brokers, tls_servers};

/// A program and the Debian package that brings it.
pub struct Tool {
    name: &'static str,
    package: &'static str,
    places: &'static [&'static str],
}

/// Go, for programs that are brought as sources.
const GO: Tool = Tool { name: "go", package: "golang-go", places: &["/usr/local/go/bin"] };
/// The Go that [`actionlint`], [`act`] and the broker in [`brokers`] ask for in their `go.mod`: 1.25.
const GO_MINOR: u32 = 25;

/// A Postgres server.
const INITDB: Tool = Tool {
    name: "initdb",
    package: "postgresql",
    places: &[
        "/usr/lib/postgresql/18/bin",
        "/usr/lib/postgresql/17/bin",
        "/usr/lib/postgresql/16/bin",
        "/usr/lib/postgresql/15/bin",
    ],
};

/// A compiler of Java, and what runs it.
const JAVAC: Tool = Tool { name: "javac", package: "default-jdk-headless", places: &[] };

/// What the services tier needs. RabbitMQ's package may start a node for the whole machine: tests
/// start their own, with everything in a folder of theirs, and need no other.
pub const SERVICES: &[Tool] = &[
    INITDB,
    Tool { name: "mosquitto", package: "mosquitto", places: &["/usr/sbin"] },
    Tool { name: "nginx", package: "nginx-light", places: &["/usr/sbin"] },
    Tool { name: "haproxy", package: "haproxy", places: &["/usr/sbin"] },
    Tool { name: "openssl", package: "openssl", places: &[] },
    Tool { name: "node", package: "nodejs", places: &[] },
    Tool { name: "npm", package: "npm", places: &[] },
    Tool { name: "python3", package: "python3-venv", places: &[] },
    GO,
    Tool {
        name: "rabbitmq-server",
        package: "rabbitmq-server",
        places: &["/usr/lib/rabbitmq/bin"],
    },
    JAVAC,
    Tool { name: "mvn", package: "maven", places: &[] },
];

/// What the browser tier needs.
pub const BROWSER: &[Tool] = &[
    Tool { name: "chromium", package: "chromium", places: &["/usr/bin"] },
    Tool { name: "npm", package: "npm", places: &[] },
];

/// What the Action's tier needs; Postgres is the store that it shares with the operator.
pub const ACTION: &[Tool] = &[
    INITDB,
    Tool { name: "git", package: "git", places: &[] },
    Tool { name: "node", package: "nodejs", places: &[] },
    Tool { name: "npm", package: "npm", places: &[] },
    Tool { name: "python3", package: "python3-venv", places: &[] },
    GO,
];

/// What the cluster tier needs beside the cluster itself: a clock that steps.
pub const CLUSTER: &[Tool] = &[Tool { name: "faketime", package: "faketime", places: &[] }];

/// What the policy tier needs.
pub const POLICY: &[Tool] = &[Tool { name: "shellcheck", package: "shellcheck", places: &[] }];

/// What libFuzzer is built by.
pub const FUZZING: &[Tool] = &[Tool { name: "c++", package: "g++", places: &[] }];

/// What is measured beside ours, and the servers that it is measured on.
pub const PEERS: &[Tool] = &[
    Tool { name: "sslscan", package: "sslscan", places: &[] },
    Tool { name: "nmap", package: "nmap", places: &[] },
    Tool { name: "testssl", package: "testssl.sh", places: &[] },
    Tool { name: "openssl", package: "openssl", places: &[] },
    Tool { name: "nginx", package: "nginx-light", places: &["/usr/sbin"] },
    Tool { name: "haproxy", package: "haproxy", places: &["/usr/sbin"] },
    Tool { name: "mosquitto", package: "mosquitto", places: &["/usr/sbin"] },
    Tool { name: "gnutls-serv", package: "gnutls-bin", places: &[] },
    Tool { name: "node", package: "nodejs", places: &[] },
    JAVAC,
    Tool { name: "java", package: "default-jre-headless", places: &[] },
    GO,
    Tool { name: "python3", package: "python3-venv", places: &[] },
];

/// The accessibility checker of the browser tier (MPL-2.0, so it is brought and never committed).
const AXE: &str = "axe-core@4.14.1";

/// The linters of the Action and of workflows; action-validator is a package of `tests/github`.
const ZIZMOR: &str = "1.32.0";
const ACTIONLINT: &str = "1.7.12";
/// The scanner that is measured beside ours and that Debian does not have (AGPL-3.0: it is run, and
/// nothing of it is part of anything here).
const SSLYZE: &str = "6.3.1";
/// What runs workflows without GitHub.
const ACT: &str = "0.2.89";

/// Makes sure that every tool is here: installs what is missing on Debian as root, else stops with
/// the list of what is missing and how to get it.
pub fn require(tools: &[Tool]) -> anyhow::Result<()> {
    let missing: Vec<_> = tools.iter().filter(|tool| find(tool).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    install(&packages)?;
    let missing: Vec<_> = tools.iter().filter(|tool| find(tool).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|tool| tool.name).collect();
    bail!(
        "missing: {}. On Debian: sudo apt-get install {}. Elsewhere: install them by your package \
         manager so that they are on the PATH.",
        names.join(", "),
        packages.join(" ")
    )
}

/// A search path on which programs are found that [`require`] found: with the folders that are not on
/// that of this process.
pub fn search_path(tools: &[Tool]) -> anyhow::Result<OsString> {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let places = tools.iter().flat_map(|tool| tool.places).map(PathBuf::from);
    Ok(std::env::join_paths(std::env::split_paths(&own).chain(places))?)
}

/// The folder of a Postgres server's programs, which is installed where it is missing.
pub fn postgres() -> anyhow::Result<PathBuf> {
    require(&[INITDB])?;
    let initdb = find(&INITDB).context("initdb was found a moment ago")?;
    // It may be known by a link on the PATH.
    let initdb = initdb.canonicalize().context("initdb leads nowhere")?;
    Ok(initdb.parent().context("a program is in a folder")?.to_owned())
}

/// Makes sure that cargo-deny is here.
pub fn cargo_deny(root: &Path) -> anyhow::Result<()> {
    let here = cargo(root).args(["deny", "--version"]).output().is_ok_and(|o| o.status.success());
    if here {
        return Ok(());
    }
    // Not into the workspace's own target folder: its lock is not needed for this.
    run(cargo(root).args(["install", "--locked", "cargo-deny", "--version", "0.20.2"]))
}

/// Makes sure that axe-core is in the target folder, and gives its file.
pub fn axe(root: &Path) -> anyhow::Result<PathBuf> {
    let folder = target(root).join(AXE);
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        std::fs::create_dir_all(&folder)?;
        let flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix"];
        run(Command::new("npm").arg("install").args(flags).arg(&folder).arg(AXE))?;
    }
    Ok(file)
}

/// Makes sure that the emulated GitHub has its packages, and gives its folder.
pub fn github(root: &Path) -> anyhow::Result<PathBuf> {
    npm_packages(root.join("tests/github"))
}

/// Makes sure that a folder has the packages of its `package-lock.json`, and gives it back.
fn npm_packages(folder: PathBuf) -> anyhow::Result<PathBuf> {
    // What npm writes when it is done, and older than the list of what should be there if that has
    // changed since.
    let done = folder.join("node_modules/.package-lock.json").metadata();
    let wanted = folder.join("package-lock.json").metadata()?.modified()?;
    if !done.and_then(|done| done.modified()).is_ok_and(|done| done >= wanted) {
        let flags = ["--ignore-scripts", "--no-audit", "--no-fund"];
        run(Command::new("npm").current_dir(&folder).arg("ci").args(flags))?;
    }
    Ok(folder)
}

/// Makes sure that zizmor is here, which finds what workflows give away, and gives its program.
pub fn zizmor(root: &Path) -> anyhow::Result<PathBuf> {
    brought(root, "zizmor", ZIZMOR, "bin/zizmor", "--version", |folder| {
        pip_install("zizmor", ZIZMOR, folder)
    })
}

/// Makes sure that sslyze is here, and gives its program.
pub fn sslyze(root: &Path) -> anyhow::Result<PathBuf> {
    brought(root, "sslyze", SSLYZE, "bin/sslyze", "--help", |folder| {
        pip_install("sslyze", SSLYZE, folder)
    })
}

/// Makes sure that actionlint is here, which reads the expressions of workflows, and gives its
/// program.
pub fn actionlint(root: &Path) -> anyhow::Result<PathBuf> {
    let module = format!("github.com/rhysd/actionlint/cmd/actionlint@v{ACTIONLINT}");
    brought(root, "actionlint", ACTIONLINT, "actionlint", "--version", |folder| {
        go_install(&module, folder)
    })
}

/// Makes sure that act is here, which runs workflows, and gives its program.
pub fn act(root: &Path) -> anyhow::Result<PathBuf> {
    let module = format!("github.com/nektos/act@v{ACT}");
    brought(root, "act", ACT, "act", "--version", |folder| go_install(&module, folder))
}

/// A program in `target/tools`, in a folder of its own, which is filled unless the program runs.
fn brought(
    root: &Path,
    name: &str,
    version: &str,
    program: &str,
    harmless: &str,
    bring: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let folder = target(root).join(format!("tools/{name}-{version}"));
    let program = folder.join(program);
    let runs = || {
        let output = Command::new(&program).arg(harmless).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !runs() {
        println!("\n$ bring {name} {version} into {}", folder.display());
        // An interrupted start may have left half of it.
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        bring(&folder).with_context(|| format!("{name} {version} did not come here"))?;
        if !runs() {
            bail!("{} does not run", program.display());
        }
    }
    Ok(program)
}

/// Installs a program of PyPI with an environment of its own.
fn pip_install(name: &str, version: &str, folder: &Path) -> anyhow::Result<()> {
    virtual_environment(folder)?;
    let flags = ["install", "--quiet", "--disable-pip-version-check"];
    capture(Command::new(folder.join("bin/pip")).args(flags).arg(format!("{name}=={version}")))?;
    Ok(())
}

/// An empty environment of Python.
fn virtual_environment(folder: &Path) -> anyhow::Result<()> {
    // Debian keeps this part of Python in a package of its own.
    let python = || Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    let complete = || python().is_ok_and(|output| output.status.success());
    if !complete() {
        install(&["python3-venv"])?;
    }
    if !complete() {
        bail!("missing: the module venv of python3. On Debian: sudo apt-get install python3-venv.");
    }
    capture(Command::new("python3").args(["-m", "venv"]).arg(folder)).map(drop)
}

fn go_install(module: &str, folder: &Path) -> anyhow::Result<()> {
    go(|command| {
        command.args(["install", module]).env("GOBIN", folder);
    })
}

/// Runs a Go that is new enough.
fn go(what: impl FnOnce(&mut Command)) -> anyhow::Result<()> {
    let go = find(&GO).context("go was found a moment ago")?;
    let says = |name: &str| capture(Command::new(&go).args(["env", name]));
    let found = says("GOVERSION")?;
    let minor = found.trim().strip_prefix("go1.").and_then(|rest| rest.split('.').next());
    let minor: u32 = minor.and_then(|minor| minor.parse().ok()).unwrap_or_default();
    // Go 1.21 and later fetches the Go that a module asks for, unless it was told not to.
    let fetches = minor >= 21 && says("GOTOOLCHAIN")?.trim() != "local";
    let too_old = || {
        format!(
            "it needs Go 1.{GO_MINOR} or newer, and {} is {}: put a newer one first on the PATH",
            go.display(),
            found.trim()
        )
    };
    if minor < GO_MINOR && !fetches {
        bail!(too_old());
    }
    let mut command = Command::new(&go);
    what(command.env("GOFLAGS", "-trimpath"));
    let installed = capture(&mut command).map(drop);
    if minor < GO_MINOR { installed.with_context(too_old) } else { installed }
}

/// Installs Debian packages where that is possible.
fn install(packages: &[&str]) -> anyhow::Result<()> {
    if !can_install() {
        return Ok(());
    }
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages))
}

fn find(tool: &Tool) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(tool.places.iter().map(PathBuf::from))
        .map(|folder| folder.join(tool.name))
        .find(|file| file.is_file())
}

fn can_install() -> bool {
    let root = Command::new("id").arg("-u").output();
    root.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
        && Path::new("/usr/bin/apt-get").is_file()
}
