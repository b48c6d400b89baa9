//! `cargo xtask image`: the project's images, made without a daemon and without a base image.
//!
//! An image holds one static program, the certificate authorities, and the names of two users. The
//! same program and commit give the same digest, on every machine.

mod archive;
mod catalog;
mod compile;
mod elf;
mod oci;
mod postgres;
mod provenance;
mod roots;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

use self::catalog::{IMAGES, Image, Purpose, REPOSITORY, Target};
use self::compile::{Package, Workspace};
use self::provenance::Provenance;
use crate::shell;

/// What to build.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Images; without any, every one that is released
    #[arg(value_parser = PossibleValuesParser::new(IMAGES.iter().map(|image| image.name)))]
    images: Vec<String>,
    /// Also those that are only for trying out and for tests
    #[arg(long, conflicts_with = "images")]
    trial: bool,
    /// Cargo profile: `dist` to give away, `dev` for tests
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Processor that the images are for
    #[arg(long, value_enum, default_value_t = Target::HOST)]
    target: Target,
    /// Folder that gets an archive NAME.tar for each image [default: target/images]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// First part of the images' names
    #[arg(long, default_value = REPOSITORY)]
    repository: String,
    /// Last part of the images' names [default: the version of the package]
    #[arg(long)]
    tag: Option<String>,
}

impl Arguments {
    /// The images that tests load into a cluster, built as they are for tests.
    pub fn for_tests() -> Self {
        Self::of(catalog::tested().map(|image| image.name.to_owned()).collect(), "dev")
    }

    /// One image, as it is given away.
    pub fn to_measure(image: &str) -> Self {
        Self::of(vec![image.to_owned()], "dist")
    }

    fn of(images: Vec<String>, profile: &str) -> Self {
        Self {
            images,
            trial: false,
            profile: profile.to_owned(),
            target: Target::HOST,
            out: None,
            repository: REPOSITORY.to_owned(),
            tag: None,
        }
    }
}

/// Builds the program of the first image that is named, as it would be packed, and gives its file.
pub fn program(root: &Path, arguments: &Arguments) -> anyhow::Result<PathBuf> {
    let workspace = Workspace::read(root)?;
    let chosen = choose(&arguments.images, arguments.trial, &workspace)?;
    let (image, _) = chosen.first().context("no image can be built")?;
    compile::program(root, image, &arguments.profile, arguments.target)
}

/// Builds images, and gives their archives.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<Vec<PathBuf>> {
    let workspace = Workspace::read(root)?;
    let chosen = choose(&arguments.images, arguments.trial, &workspace)?;
    let provenance = provenance::of(root)?;
    let out = arguments.out.clone().unwrap_or_else(|| shell::target(root).join("images"));
    // Before minutes of compiling, not after.
    fs::create_dir_all(&out).with_context(|| format!("cannot make folder {}", out.display()))?;
    let mut archives = Vec::new();
    let mut lines = Vec::new();
    for (image, package) in chosen {
        let surroundings = match image.purpose {
            Purpose::Release => oci::Surroundings::default(),
            Purpose::TrialPostgres => postgres::surroundings(arguments.target)?,
        };
        let file = compile::program(root, &image, &arguments.profile, arguments.target)?;
        let program = read(&file, arguments.target)?;
        let tag = arguments.tag.as_deref().unwrap_or(&package.version);
        let reference = format!("{}/{}:{tag}", arguments.repository, image.name);
        let packed = oci::pack(&oci::Image {
            reference: reference.clone(),
            target: arguments.target,
            name: image.program,
            program: &program,
            surroundings: &surroundings,
            labels: labels(&image, &package, &provenance),
            created: provenance.created,
        })?;
        let archive = out.join(format!("{}.tar", image.name));
        write(&archive, &packed.archive)?;
        let megabytes = packed.archive.len().div_ceil(1_000_000);
        lines.push(format!("{}  {megabytes} MB  {reference}@{}", archive.display(), packed.digest));
        archives.push(archive);
    }
    println!("\n{}", lines.join("\n"));
    Ok(archives)
}

/// The images that a command line names, or else those that are released; and with `trial` all.
fn choose(
    names: &[String],
    trial: bool,
    workspace: &Workspace,
) -> anyhow::Result<Vec<(Image, Package)>> {
    let chosen: Vec<Image> = if trial {
        IMAGES.to_vec()
    } else if names.is_empty() {
        catalog::released().copied().collect()
    } else {
        let find =
            |name: &String| catalog::find(name).with_context(|| format!("no image `{name}`"));
        names.iter().map(find).collect::<anyhow::Result<_>>()?
    };
    chosen.into_iter().map(|image| Ok((image, workspace.package(&image)?))).collect()
}

/// Reads a program that an image can run.
fn read(file: &Path, target: Target) -> anyhow::Result<Vec<u8>> {
    let shown = file.display();
    let program = fs::read(file).with_context(|| format!("cannot read program {shown}"))?;
    if let Err(reason) = elf::require_static(&program, target) {
        bail!("{shown} cannot go into an image: {reason:#}");
    }
    Ok(program)
}

/// Names of the OCI image specification, "Pre-Defined Annotation Keys".
fn labels(
    image: &Image,
    package: &Package,
    provenance: &Provenance,
) -> BTreeMap<&'static str, String> {
    let labels = [
        ("org.opencontainers.image.title", Some(image.title.to_owned())),
        ("org.opencontainers.image.version", Some(package.version.clone())),
        ("org.opencontainers.image.revision", provenance.revision.clone()),
        ("org.opencontainers.image.created", Some(provenance.created.to_string())),
        ("org.opencontainers.image.source", package.repository.clone()),
        // What a machine's own Postgres brings is under licences of its own.
        (
            "org.opencontainers.image.licenses",
            package.license.clone().filter(|_| image.purpose == Purpose::Release),
        ),
    ];
    labels.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Writes a file that is whole or not there.
fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let part = file.with_extension("tar.part");
    fs::write(&part, content)
        .and_then(|()| fs::rename(&part, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(&folder.path().join("plumb"), Target::X86).unwrap_err().to_string();
        assert!(error.contains("cannot read program") && error.ends_with("plumb"), "{error}");
    }

    #[test]
    fn a_dynamic_program_is_an_error_that_names_the_file_and_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plumb");
        fs::write(&file, elf::tests::program(Target::X86, 3, b"/lib64/ld.so\0")).unwrap();
        let error = read(&file, Target::X86).unwrap_err().to_string();
        assert!(error.contains("plumb cannot go into an image: it is dynamically"), "{error}");
    }

    #[test]
    fn a_static_program_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plumb");
        let program = elf::tests::program(Target::X86, 1, b"");
        fs::write(&file, &program).unwrap();
        assert_eq!(read(&file, Target::X86).unwrap(), program);
    }

    #[test]
    fn labels_say_what_is_known_and_leave_out_what_is_not() {
        let package = Package {
            version: "0.1.0".to_owned(),
            license: Some("Apache-2.0".to_owned()),
            repository: None,
        };
        let provenance = Provenance {
            revision: Some("6eb539b".to_owned()),
            created: jiff::Timestamp::from_second(0).unwrap(),
        };
        let labels = labels(&IMAGES[0], &package, &provenance);
        assert_eq!(labels["org.opencontainers.image.revision"], "6eb539b");
        assert_eq!(labels["org.opencontainers.image.version"], "0.1.0");
        assert_eq!(labels["org.opencontainers.image.licenses"], "Apache-2.0");
        assert!(!labels.contains_key("org.opencontainers.image.source"));
    }

    #[test]
    fn the_containerfile_builds_the_same_images() {
        let root = shell::root().unwrap();
        let text = fs::read_to_string(root.join("containers/Containerfile")).unwrap();
        assert!(text.contains(&format!("USER {0}:{0}\n", oci::USER)));
        assert!(text.contains(&format!("nonroot:x:{0}:{0}:", oci::USER)));
        let name_services = oci::NAME_SERVICES.trim_end();
        assert!(text.contains(&format!("printf '{name_services}\\n' > /image/etc/nsswitch.conf")));
        for Image { name, package, program, title, .. } in catalog::released() {
            let stage = text.split(&format!("FROM base AS {name}\n")).nth(1);
            let stage = stage.unwrap_or_else(|| panic!("no stage `{name}`"));
            let stage = stage.split("\nFROM").next().unwrap();
            assert!(stage.contains(&format!("ENTRYPOINT [\"/{program}\"]\n")), "{name}");
            assert!(stage.contains(&format!("image.title=\"{title}\"\n")), "{name}");
            assert!(text.contains(&format!("--package {package} --bin {program} ")), "{name}");
        }
    }

    #[test]
    fn every_image_that_is_given_away_is_pushed_by_the_release() {
        let root = shell::root().unwrap();
        let text = fs::read_to_string(root.join(".github/workflows/release.yml")).unwrap();
        let names: Vec<_> = catalog::released().map(|image| image.name).collect();
        let matrix = format!("        image: [{}]\n", names.join(", "));
        assert!(text.contains(&matrix), "release.yml does not have:\n{matrix}");
    }

    #[test]
    fn every_image_of_ours_that_the_chart_names_is_given_away() {
        let root = shell::root().unwrap();
        let text = fs::read_to_string(root.join("charts/plumbline/values.yaml")).unwrap();
        let ours = format!("repository: {REPOSITORY}/");
        let named = text.lines().filter_map(|line| line.trim().strip_prefix(&ours));
        let named: Vec<_> = named.collect();
        assert_eq!(named, ["plumbline-operator", "plumb", "plumbline-action"]);
        for name in named {
            assert!(catalog::released().any(|image| image.name == name), "{name}");
        }
    }

    #[test]
    fn tests_compile_no_image_that_they_do_not_run() {
        let workspace = Workspace::read(&shell::root().unwrap()).unwrap();
        let arguments = Arguments::for_tests();
        let chosen = choose(&arguments.images, arguments.trial, &workspace).unwrap();
        let names: Vec<_> = chosen.iter().map(|(image, _)| image.name).collect();
        let expected = [
            "plumb",
            "plumbline-operator",
            "plumbline-reference-gateway",
            "plumbline-trial-postgres",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn every_image_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = IMAGES.iter().map(|image| image.name).collect();
        assert_eq!(names.len(), IMAGES.len());
    }
}
