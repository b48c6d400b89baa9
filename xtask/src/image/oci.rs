//! An image archive: the OCI image layout (image-spec 1.1) as a tar file, which `ctr images
//! import`, `kind load image-archive`, `skopeo copy oci-archive:` and `docker load` take.
//!
//! The same program, labels and time give the same bytes.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::archive::{Files, gzip};
use super::catalog::Target;
use super::roots;

/// User and group that the program runs as; the chart's security contexts name the same.
pub const USER: u32 = 65532;

/// Where names of hosts are looked up, as nsswitch.conf(5) has it.
pub const NAME_SERVICES: &str = "hosts: files dns\n";

/// What goes into one image.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    /// Its whole name: repository and tag.
    pub reference: String,
    /// Processor.
    pub target: Target,
    /// File name of the program, which stands at the top of the root and is the entry point.
    pub name: &'a str,
    /// The program.
    pub program: &'a [u8],
    /// What it finds around it.
    pub surroundings: &'a Surroundings,
    /// Labels of the configuration, annotations of the manifest.
    pub labels: BTreeMap<&'static str, String>,
    /// Time of the image.
    pub created: Timestamp,
}

/// What a program finds around it beside the certificate authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// User and group that it runs as.
    pub user: u32,
    /// `PATH`.
    pub path: String,
    /// The signal that ends it where SIGTERM is not the right one.
    pub stop_signal: Option<&'static str>,
    /// Files by their path below the root: whether they are programs, and what is in them.
    pub files: BTreeMap<String, (bool, Vec<u8>)>,
}

impl Default for Surroundings {
    /// Nothing.
    fn default() -> Self {
        Self { user: USER, path: "/".to_owned(), stop_signal: None, files: BTreeMap::new() }
    }
}

/// An image that is packed.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed {
    /// The archive.
    pub archive: Vec<u8>,
    /// Digest of the manifest, by which a chart pins the image.
    pub digest: String,
}

/// Packs an image: a layer with the certificate authorities and the user, which every image
/// shares, and a layer with the program.
pub fn pack(image: &Image<'_>) -> anyhow::Result<Packed> {
    let base = base().context("packing the base layer")?;
    let mut files = Files::default().program(image.name, image.program);
    for (path, (is_program, content)) in &image.surroundings.files {
        files = if *is_program { files.program(path, content) } else { files.file(path, content) };
    }
    let program = Layer::of(&files.tar().context("packing the program")?)?;
    let layers = [base, program];

    let config = json(&configuration(image, &layers))?;
    let manifest = json(&Manifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: Descriptor::of(CONFIG, &config),
        layers: layers.iter().map(|layer| Descriptor::of(LAYER, &layer.packed)).collect(),
        annotations: &image.labels,
    })?;
    let digest = digest(&manifest);
    let index = json(&index(image, &manifest))?;
    let docker = json(&[DockerManifest {
        config: blob(&config),
        repo_tags: [&image.reference],
        layers: layers.iter().map(|layer| blob(&layer.packed)).collect(),
    }])?;

    let mut files = Files::default()
        .file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
        .file("index.json", &index)
        .file("manifest.json", &docker);
    for content in [&config, &manifest, &layers[0].packed, &layers[1].packed] {
        files = files.file(blob(content), content);
    }
    Ok(Packed { archive: files.tar().context("packing the image")?, digest })
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

struct Layer {
    /// Digest of the tar file.
    diff_id: String,
    /// The tar file in gzip.
    packed: Vec<u8>,
}

impl Layer {
    fn of(tar: &[u8]) -> anyhow::Result<Self> {
        Ok(Self { diff_id: digest(tar), packed: gzip(tar)? })
    }
}

fn base() -> anyhow::Result<Layer> {
    let passwd = format!(
        "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/:/sbin/nologin\n"
    );
    let group = format!("root:x:0:\nnonroot:x:{USER}:\n");
    let bundle = roots::bundle();
    let files = Files::default()
        .file("etc/passwd", passwd.as_bytes())
        .file("etc/group", group.as_bytes())
        // Without it the C library asks DNS first, and /etc/hosts only if nobody answers.
        .file("etc/nsswitch.conf", NAME_SERVICES.as_bytes())
        .file("etc/ssl/certs/ca-certificates.crt", bundle.as_bytes());
    Layer::of(&files.tar()?)
}

fn configuration<'a>(image: &'a Image<'_>, layers: &'a [Layer]) -> Configuration<'a> {
    let history = |created_by| History { created: image.created, created_by };
    Configuration {
        created: image.created,
        architecture: image.target.architecture(),
        os: "linux",
        config: Execution {
            user: format!("{0}:{0}", image.surroundings.user),
            env: [format!("PATH={}", image.surroundings.path)],
            entrypoint: [format!("/{}", image.name)],
            working_dir: "/",
            labels: &image.labels,
            stop_signal: image.surroundings.stop_signal,
        },
        rootfs: RootFs {
            kind: "layers",
            diff_ids: layers.iter().map(|layer| layer.diff_id.as_str()).collect(),
        },
        history: [history("certificate authorities, user"), history("program")],
    }
}

fn index<'a>(image: &'a Image<'_>, manifest: &[u8]) -> Index<'a> {
    let tag = image.reference.rsplit_once(':').map_or("latest", |(_, tag)| tag);
    let mut entry = Descriptor::of(MANIFEST, manifest);
    entry.platform = Some(Platform { architecture: image.target.architecture(), os: "linux" });
    entry.annotations = BTreeMap::from([
        // What containerd names the image by, and what the layout's own readers do.
        ("io.containerd.image.name", image.reference.as_str()),
        ("org.opencontainers.image.ref.name", tag),
    ]);
    Index { schema_version: 2, media_type: INDEX, manifests: [entry] }
}

fn json<T: Serialize>(document: &T) -> anyhow::Result<Vec<u8>> {
    serde_json::to_vec(document).context("writing a document of the image")
}

fn digest(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

fn blob(content: &[u8]) -> String {
    format!("blobs/{}", digest(content).replace(':', "/"))
}

// The documents, field by field in the order that they are written in: structs and not JSON maps,
// whose order depends on how serde_json was built.

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'static str,
    manifests: [Descriptor<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor<'a>,
    layers: Vec<Descriptor<'a>>,
    annotations: &'a BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'static str,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, &'a str>,
}

impl Descriptor<'_> {
    fn of(media_type: &'static str, content: &[u8]) -> Self {
        Self {
            media_type,
            digest: digest(content),
            size: content.len(),
            platform: None,
            annotations: BTreeMap::new(),
        }
    }
}

#[derive(Serialize)]
struct Platform {
    architecture: &'static str,
    os: &'static str,
}

#[derive(Serialize)]
struct Configuration<'a> {
    created: Timestamp,
    architecture: &'static str,
    os: &'static str,
    config: Execution<'a>,
    rootfs: RootFs<'a>,
    history: [History; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Execution<'a> {
    user: String,
    env: [String; 1],
    entrypoint: [String; 1],
    working_dir: &'static str,
    labels: &'a BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<&'static str>,
}

#[derive(Serialize)]
struct RootFs<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<&'a str>,
}

#[derive(Serialize)]
struct History {
    created: Timestamp,
    created_by: &'static str,
}

/// What `docker load` reads in an archive (`manifest.json` of `docker save`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerManifest<'a> {
    config: String,
    repo_tags: [&'a str; 1],
    layers: Vec<String>,
}

#[cfg(test)]
mod tests;
