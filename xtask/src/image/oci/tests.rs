//! What a reader of the archive finds.

use std::io::Read as _;
use std::sync::LazyLock;

use serde_json::Value;

use super::*;

static NOTHING: LazyLock<Surroundings> = LazyLock::new(Surroundings::default);

fn image(program: &[u8]) -> Image<'_> {
    Image {
        reference: "registry.example:5000/plumbline/plumb:0.1.0".to_owned(),
        target: Target::Arm,
        name: "plumb",
        program,
        surroundings: &NOTHING,
        labels: BTreeMap::from([("org.opencontainers.image.title", "plumb".to_owned())]),
        created: Timestamp::from_second(1_700_000_000).unwrap(),
    }
}

fn read(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (path, content)
    });
    entries.collect()
}

fn document(files: &BTreeMap<String, Vec<u8>>, path: &str) -> Value {
    serde_json::from_slice(&files[path]).unwrap()
}

/// The content that a descriptor points to, after holding it against digest and size.
fn follow<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
    let named = descriptor["digest"].as_str().unwrap();
    let content = &files[&format!("blobs/{}", named.replace(':', "/"))];
    assert_eq!(digest(content), named);
    assert_eq!(descriptor["size"], content.len());
    content
}

fn unpack(layer: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(layer).read_to_end(&mut tar).unwrap();
    tar
}

#[test]
fn the_index_leads_to_the_manifest_and_the_manifest_to_configuration_and_layers() {
    let packed = pack(&image(b"program")).unwrap();
    let files = read(&packed.archive);
    assert_eq!(document(&files, "oci-layout")["imageLayoutVersion"], "1.0.0");

    let entry = &document(&files, "index.json")["manifests"][0];
    assert_eq!(entry["mediaType"], MANIFEST);
    assert_eq!(entry["digest"], packed.digest);
    assert_eq!(entry["platform"]["architecture"], "arm64");
    assert_eq!(
        entry["annotations"]["io.containerd.image.name"],
        "registry.example:5000/plumbline/plumb:0.1.0"
    );
    assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "0.1.0");

    let manifest: Value = serde_json::from_slice(follow(&files, entry)).unwrap();
    let config: Value = serde_json::from_slice(follow(&files, &manifest["config"])).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let unpacked: Vec<_> = layers.iter().map(|layer| unpack(follow(&files, layer))).collect();
    let identities: Vec<_> = unpacked.iter().map(|tar| digest(tar)).collect();
    assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!(identities));
    assert_eq!(config["history"].as_array().unwrap().len(), layers.len());

    let program = read(&unpacked[1]);
    assert_eq!(program.keys().collect::<Vec<_>>(), ["plumb"]);
    assert_eq!(program["plumb"], b"program");
    let base = read(&unpacked[0]);
    let names: Vec<_> = base.keys().filter(|path| !path.ends_with('/')).collect();
    assert_eq!(
        names,
        ["etc/group", "etc/nsswitch.conf", "etc/passwd", "etc/ssl/certs/ca-certificates.crt"]
    );
    assert_eq!(files.len(), 5 + 4, "layout, index, manifest.json, two folders, four blobs");
}

#[test]
fn the_program_runs_as_a_user_that_is_not_root_and_that_has_a_name() {
    let packed = pack(&image(b"program")).unwrap();
    let files = read(&packed.archive);
    let manifest = follow(&files, &document(&files, "index.json")["manifests"][0]).to_vec();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let config: Value = serde_json::from_slice(follow(&files, &manifest["config"])).unwrap();
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/plumb"]));
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.title"], "plumb");
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
    let base = read(&unpack(follow(&files, &manifest["layers"][0])));
    let passwd = String::from_utf8(base["etc/passwd"].clone()).unwrap();
    assert!(passwd.contains("\nnonroot:x:65532:65532:"), "{passwd}");
}

#[test]
fn surroundings_are_in_the_layer_of_the_program_and_in_the_configuration() {
    let files = [("bin/sh", (true, b"shell".to_vec())), ("etc/passwd", (false, b"own".to_vec()))];
    let surroundings = Surroundings {
        user: 999,
        path: "/usr/bin".to_owned(),
        stop_signal: Some("SIGINT"),
        files: files.map(|(path, file)| (path.to_owned(), file)).into(),
    };
    let packed = pack(&Image { surroundings: &surroundings, ..image(b"program") }).unwrap();
    let files = read(&packed.archive);
    let manifest = follow(&files, &document(&files, "index.json")["manifests"][0]).to_vec();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let layer = unpack(follow(&files, &manifest["layers"][1]));
    let mut modes = BTreeMap::new();
    for entry in tar::Archive::new(layer.as_slice()).entries().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        modes.insert(path, entry.header().mode().unwrap());
    }
    assert_eq!((modes["bin/sh"], modes["etc/passwd"], modes["plumb"]), (0o755, 0o644, 0o755));
    let config: Value = serde_json::from_slice(follow(&files, &manifest["config"])).unwrap();
    assert_eq!(config["config"]["User"], "999:999");
    assert_eq!(config["config"]["Env"], serde_json::json!(["PATH=/usr/bin"]));
    assert_eq!(config["config"]["StopSignal"], "SIGINT");
}

#[test]
fn what_docker_reads_names_the_same_configuration_and_layers() {
    let files = read(&pack(&image(b"program")).unwrap().archive);
    let manifest = follow(&files, &document(&files, "index.json")["manifests"][0]).to_vec();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let path = |descriptor: &Value| {
        format!("blobs/{}", descriptor["digest"].as_str().unwrap().replace(':', "/"))
    };
    let docker = &document(&files, "manifest.json")[0];
    assert_eq!(docker["Config"], path(&manifest["config"]));
    assert_eq!(docker["Layers"][0], path(&manifest["layers"][0]));
    assert_eq!(docker["Layers"][1], path(&manifest["layers"][1]));
    assert_eq!(docker["RepoTags"][0], "registry.example:5000/plumbline/plumb:0.1.0");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(pack(&image(b"program")).unwrap(), pack(&image(b"program")).unwrap());
}

#[test]
fn another_program_is_another_digest_and_the_same_base_layer() {
    let base = |packed: &Packed| {
        let files = read(&packed.archive);
        let manifest = follow(&files, &document(&files, "index.json")["manifests"][0]).to_vec();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        manifest["layers"][0].clone()
    };
    let (one, other) = (pack(&image(b"one")).unwrap(), pack(&image(b"other")).unwrap());
    assert_ne!(one.digest, other.digest);
    assert_eq!(base(&one), base(&other));
}
