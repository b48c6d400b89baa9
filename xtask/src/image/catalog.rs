//! The images of the project, as data.

use clap::ValueEnum;

/// Where released images live; the chart names the same place.
pub const REPOSITORY: &str = "ghcr.io/plumbline";

/// What one image is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Last part of its reference, and the name of its archive.
    pub name: &'static str,
    /// Package of the workspace that has the program.
    pub package: &'static str,
    /// The program: a binary of the package, and the image's entry point at the top of its root.
    pub program: &'static str,
    /// A line for people.
    pub title: &'static str,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether tests run it in a cluster. One that they do not run is not compiled for them.
    pub tested: bool,
}

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be given away: one program and nothing of the machine that built it.
    Release,
    /// To try the chart on a machine without a registry, and for tests: the program is an entry
    /// point to the Postgres that this machine has.
    TrialPostgres,
}

/// Every image.
pub const IMAGES: &[Image] = &[
    Image {
        name: "plumb",
        package: "cli",
        program: "plumb",
        title: "plumb: collects evidence, judges it, reports it",
        purpose: Purpose::Release,
        tested: true,
    },
    Image {
        name: "plumbline-operator",
        package: "operator",
        program: "plumbline-operator",
        title: "Plumbline operator: runs audits in Kubernetes",
        purpose: Purpose::Release,
        tested: true,
    },
    Image {
        name: "plumbline-action",
        package: "action",
        program: "plumbline-action",
        title: "Plumbline action: keeps a repository's issues by what was audited",
        purpose: Purpose::Release,
        tested: false,
    },
    Image {
        name: "plumbline-reference-gateway",
        package: "testkit",
        program: "reference-gateway",
        title: "Plumbline reference gateway: something to audit",
        purpose: Purpose::Release,
        tested: true,
    },
    Image {
        name: "plumbline-trial-postgres",
        package: "testkit",
        program: "postgres-entry",
        title: "Postgres to try Plumbline's chart with; not for production",
        purpose: Purpose::TrialPostgres,
        tested: true,
    },
];

/// The images that are given away.
pub fn released() -> impl Iterator<Item = &'static Image> {
    IMAGES.iter().filter(|image| image.purpose == Purpose::Release)
}

/// The images that tests load into a cluster.
pub fn tested() -> impl Iterator<Item = &'static Image> {
    IMAGES.iter().filter(|image| image.tested)
}

/// The image of a name.
pub fn find(name: &str) -> Option<Image> {
    IMAGES.iter().copied().find(|image| image.name == name)
}

/// A processor that images are made for. Every image is for Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// 64-bit x86.
    #[value(name = "x86_64-unknown-linux-gnu")]
    X86,
    /// 64-bit Arm.
    #[value(name = "aarch64-unknown-linux-gnu")]
    Arm,
}

impl Target {
    /// The machine that this runs on.
    pub const HOST: Self = if cfg!(target_arch = "aarch64") { Self::Arm } else { Self::X86 };

    /// Its name to rustc.
    pub fn triple(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm => "aarch64-unknown-linux-gnu",
        }
    }

    /// Its name in an image: Go's `GOARCH`, as the OCI image configuration has it.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::X86 => "amd64",
            Self::Arm => "arm64",
        }
    }

    /// Its number in an ELF header (`e_machine`: `EM_X86_64`, `EM_AARCH64`).
    pub fn machine(self) -> u16 {
        match self {
            Self::X86 => 62,
            Self::Arm => 183,
        }
    }
}
