//! Static programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::catalog::{Image, Target};
use crate::artifacts;
use crate::shell::{self, capture, cargo};

/// What cargo knows of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub license: Option<String>,
    /// Address of its sources.
    pub repository: Option<String>,
}

/// The packages of the workspace, as `cargo metadata` has them.
pub struct Workspace(Value);

impl Workspace {
    /// Asks cargo.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
        let metadata = capture(cargo(root).args(arguments))?;
        Ok(Self(serde_json::from_str(&metadata).context("cargo metadata gave no JSON")?))
    }

    /// The package that an image is made of; an error if there is none, or none with its program.
    pub fn package(&self, image: &Image) -> anyhow::Result<Package> {
        let Image { name, package, program, .. } = image;
        let Some(found) = list(&self.0["packages"]).iter().find(|p| p["name"] == *package) else {
            bail!(
                "image `{name}` is made of program `{program}` of package `{package}`, and this \
                 workspace has no package `{package}`"
            );
        };
        let is_program = |target: &Value| {
            target["name"] == *program && list(&target["kind"]).contains(&"bin".into())
        };
        if !list(&found["targets"]).iter().any(is_program) {
            bail!(
                "image `{name}` is made of program `{program}` of package `{package}`, and that \
                 package has no such program"
            );
        }
        let text = |key: &str| found[key].as_str().map(ToOwned::to_owned);
        Ok(Package {
            version: text("version").context("a package has a version")?,
            license: text("license"),
            repository: text("repository"),
        })
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Builds an image's program, statically linked, and gives its file.
///
/// Each is built on its own, not with the workspace, so that what is in it does not depend on what
/// else is built; and in a target folder of its own, which other flags do not disturb.
pub fn program(
    root: &Path,
    image: &Image,
    profile: &str,
    target: Target,
) -> anyhow::Result<PathBuf> {
    let mut command = cargo(root);
    command
        .args(["build", "--locked", "--target", target.triple(), "--profile", profile])
        .args(["--package", image.package, "--bin", image.program])
        .env("CARGO_TARGET_DIR", shell::target(root).join("static"))
        .env("CARGO_ENCODED_RUSTFLAGS", flags(root).join("\x1f"))
        // Names of functions stay, for backtraces; lines would be most of the image.
        .env("CARGO_PROFILE_DEV_DEBUG", "none")
        .env("CARGO_PROFILE_DEV_STRIP", "debuginfo");
    if target != Target::HOST {
        cross(&mut command, target);
    }
    artifacts::executable(&mut command, image.program)
}

/// Static, and without the folders of this machine in its messages.
fn flags(root: &Path) -> Vec<String> {
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let shown = [(Some(root.to_owned()), "/plumbline"), (home, "/cargo")];
    for (folder, name) in shown {
        if let Some(folder) = folder {
            flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
        }
    }
    flags
}

/// Names the linker of the other processor, where the environment does not.
fn cross(command: &mut Command, target: Target) {
    let variable =
        format!("CARGO_TARGET_{}_LINKER", target.triple().replace('-', "_").to_uppercase());
    if std::env::var_os(&variable).is_none() {
        // Debian's name: packages gcc-aarch64-linux-gnu, gcc-x86-64-linux-gnu.
        command.env(variable, format!("{}-gcc", target.triple().replace("-unknown", "")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::catalog;

    fn workspace() -> Workspace {
        Workspace(serde_json::json!({"packages": [
            {"name": "cli", "version": "0.1.0", "license": "Apache-2.0", "repository": null,
             "targets": [{"name": "plumb", "kind": ["bin"]}]},
            {"name": "testkit", "version": "0.1.0", "license": null, "repository": null,
             "targets": [{"name": "reference-gateway", "kind": ["test"]}]},
        ]}))
    }

    fn missing(name: &str) -> String {
        let image = catalog::find(name).unwrap();
        workspace().package(&image).unwrap_err().to_string()
    }

    #[test]
    fn a_package_that_has_the_program_is_found() {
        let package = workspace().package(&catalog::find("plumb").unwrap()).unwrap();
        assert_eq!(package.version, "0.1.0");
        assert_eq!(package.license.as_deref(), Some("Apache-2.0"));
    }

    #[test]
    fn a_package_that_is_not_there_is_an_error_that_names_image_program_and_package() {
        assert_eq!(
            missing("plumbline-operator"),
            "image `plumbline-operator` is made of program `plumbline-operator` of package \
             `operator`, and this workspace has no package `operator`"
        );
    }

    #[test]
    fn a_package_without_the_program_is_an_error() {
        let error = missing("plumbline-reference-gateway");
        assert!(error.ends_with("that package has no such program"), "{error}");
    }
}
