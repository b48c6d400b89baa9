//! The programs that tests need, and how they come here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell::{cargo, run, target};

/// A program and the Debian package that brings it.
pub struct Tool {
    name: &'static str,
    package: &'static str,
    places: &'static [&'static str],
}

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

/// What the services tier needs.
pub const SERVICES: &[Tool] = &[
    INITDB,
    Tool { name: "mosquitto", package: "mosquitto", places: &["/usr/sbin"] },
    Tool { name: "openssl", package: "openssl", places: &[] },
];

/// What the browser tier needs.
pub const BROWSER: &[Tool] = &[
    Tool { name: "chromium", package: "chromium", places: &["/usr/bin"] },
    Tool { name: "npm", package: "npm", places: &[] },
];

/// What the Action's tier needs.
pub const ACTION: &[Tool] = &[
    Tool { name: "git", package: "git", places: &[] },
    Tool { name: "node", package: "nodejs", places: &[] },
    Tool { name: "npm", package: "npm", places: &[] },
];

/// What the cluster tier needs beside the cluster itself: a clock that steps.
pub const CLUSTER: &[Tool] = &[Tool { name: "faketime", package: "faketime", places: &[] }];

/// What the policy tier needs.
pub const POLICY: &[Tool] = &[Tool { name: "shellcheck", package: "shellcheck", places: &[] }];

/// The accessibility checker of the browser tier (MPL-2.0, so it is brought and never committed).
const AXE: &str = "axe-core@4.14.1";

/// Makes sure that every tool is here: installs what is missing on Debian as root, else stops with
/// the list of what is missing and how to get it.
pub fn require(tools: &[Tool]) -> anyhow::Result<()> {
    let missing: Vec<_> = tools.iter().filter(|tool| find(tool).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    if can_install() {
        run(Command::new("apt-get").arg("update"))?;
        run(Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "--no-install-recommends"])
            .args(&packages))?;
    }
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
    let folder = root.join("tests/github");
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
