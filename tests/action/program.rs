//! How the Action comes to its program: nothing runs whose digest is not known beforehand.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use testkit::pki::{Authority, Leaf};
use testkit::process::free_address;
use tests::plumb::Ended;

/// What is released: a program that says so.
const RELEASED: &str = "#!/bin/sh\necho released\n";

/// A server of releases, and `start.sh` with a list of digests of its own.
pub struct Release {
    folder: TempDir,
    server: String,
}

impl Release {
    pub fn new(content: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        std::fs::copy(root.join("action/start.sh"), folder.path().join("start.sh")).unwrap();
        let authority = Authority::new("Releases");
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let identity = authority.issue(&Leaf::default());
        let chain = CertificateDer::pem_slice_iter(identity.cert_pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.map(Result::unwrap).collect(), key)
            .unwrap();
        let address = free_address([127, 0, 0, 1].into());
        let listener = TcpListener::bind(address).unwrap();
        let tls = Arc::new(tls);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let session = ServerConnection::new(Arc::clone(&tls)).unwrap();
                let mut stream = StreamOwned::new(session, stream.unwrap());
                let mut head = [0; 4_096];
                let read = stream.read(&mut head).unwrap_or(0);
                let asked = String::from_utf8_lossy(&head[..read]).into_owned();
                // Any processor's: what was asked for is what the digest is of.
                let file = "/acme/plumbline/releases/download/v1.2.3/plumbline-action-";
                let (status, body) =
                    if asked.contains(file) { ("200 OK", content) } else { ("404 Not Found", "") };
                let length = body.len();
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}").ok();
                stream.conn.send_close_notify();
                stream.flush().ok();
            }
        });
        Self { folder, server: format!("https://{address}") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Says what the digest of the release is.
    fn know(&self, digest: &str) {
        let line = format!("1.2.3 {digest} plumbline-action-{}-unknown-linux-musl\n", arch());
        self.list(&line);
    }

    /// Puts lines into the list of digests.
    pub fn list(&self, lines: &str) {
        let text = format!("# version digest file\n{lines}");
        std::fs::write(self.path("checksums.txt"), text).unwrap();
    }

    /// Runs the script: what it said, and the program that it found.
    pub fn start(&self, environment: &[(&str, &str)]) -> (Ended, Option<PathBuf>) {
        std::fs::write(self.path("output"), "").unwrap();
        let output = Command::new("bash")
            .arg(self.path("start.sh"))
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("RUNNER_TEMP", self.folder.path())
            .env("GITHUB_OUTPUT", self.path("output"))
            .env("GITHUB_SERVER_URL", &self.server)
            .env("PLUMBLINE_ACTION_REPOSITORY", "acme/plumbline")
            .env("CURL_CA_BUNDLE", self.path("ca.pem"))
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let said = std::fs::read_to_string(self.path("output")).unwrap();
        let program = said.trim().strip_prefix("program=").map(PathBuf::from);
        (Ended::from(output), program)
    }

    /// Files in the folder that somebody could execute.
    fn executables(&self) -> usize {
        let mut folders = vec![self.folder.path().to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() != "start.sh" && meta.permissions().mode() & 0o111 != 0
                {
                    count += 1;
                }
            }
        }
        count
    }
}

const fn arch() -> &'static str {
    std::env::consts::ARCH
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_release_whose_digest_is_known_is_run() {
    let release = Release::new(RELEASED);
    release.know(&digest(RELEASED));
    let (ended, program) = release.start(&[]);
    ended.expect(0);
    let said = Command::new(program.unwrap()).output().unwrap().stdout;
    assert_eq!(said, b"released\n");
}

#[test]
fn a_release_that_is_another_is_never_run() {
    let release = Release::new(RELEASED);
    release.know(&digest("something else"));
    let (ended, program) = release.start(&[]);
    let ended = ended.expect(2);
    assert_eq!((program, release.executables()), (None, 0));
    assert!(ended.stdout.contains("is not what was released"), "{}", ended.stdout);
}

#[test]
fn each_processor_has_its_own_file_and_what_has_none_is_told_how_to_go_on() {
    let release = Release::new(RELEASED);
    let bin = release.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let machine = |system: &str, processor: &str| {
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = -s ]; then echo {system}; else echo {processor}; fi\n"
        );
        let program = bin.join("uname");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        release.start(&[("PATH", &path)])
    };
    let line = |arch: &str| {
        format!("1.2.3 {} plumbline-action-{arch}-unknown-linux-musl\n", digest(RELEASED))
    };
    for (processor, arch, other) in [
        ("x86_64", "x86_64", "aarch64"),
        ("amd64", "x86_64", "aarch64"),
        ("aarch64", "aarch64", "x86_64"),
        ("arm64", "aarch64", "x86_64"),
    ] {
        release.list(&line(arch));
        let (ended, program) = machine("Linux", processor);
        let file = format!("plumbline-action-{arch}-unknown-linux-musl");
        assert!(ended.expect(0).stdout.contains(&file) && program.is_some(), "{processor}");
        release.list(&line(other));
        let (ended, program) = machine("Linux", processor);
        assert!(ended.expect(2).stdout.contains("knows no digest"), "{processor}");
        assert_eq!(program, None);
    }
    release.list(&format!("{}{}", line("x86_64"), line("aarch64")));
    for (system, processor) in [("Linux", "armv7l"), ("Linux", "riscv64"), ("Darwin", "arm64")] {
        let (ended, program) = machine(system, processor);
        let said = ended.expect(2).stdout;
        let wanted = format!("No program is released for {system} on {processor}.");
        assert!(said.contains(&wanted), "{said}");
        assert!(said.contains("cargo install --locked --path action"), "{said}");
        assert_eq!(program, None);
    }
}

#[test]
fn without_a_digest_nothing_is_fetched() {
    let release = Release::new(RELEASED);
    release.know(&digest(RELEASED));
    for (environment, said) in [
        (vec![("PLUMBLINE_VERSION", "9.9.9")], "knows no digest"),
        (vec![("PLUMBLINE_BINARY", "nowhere")], "expected an executable file, found `nowhere`"),
        // Neither plain HTTP nor a server that nobody vouches for.
        (vec![("GITHUB_SERVER_URL", "http://127.0.0.1:9")], "Cannot fetch"),
        (vec![("CURL_CA_BUNDLE", "/dev/null")], "Cannot fetch"),
    ] {
        let (ended, program) = release.start(&environment);
        let ended = ended.expect(2);
        assert!(ended.stdout.contains(said), "{environment:?}: {}", ended.stdout);
        assert_eq!((program, release.executables()), (None, 0), "{environment:?}");
    }
    std::fs::write(release.path("checksums.txt"), "# nothing yet\n").unwrap();
    let (ended, program) = release.start(&[]);
    assert!(ended.expect(2).stdout.contains("cargo install --locked --path action"));
    assert_eq!(program, None);
}

#[test]
fn what_this_repository_lists_are_digests() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../action/checksums.txt");
    for line in std::fs::read_to_string(list).unwrap().lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let words: Vec<_> = line.split(' ').collect();
        let [_version, digest, file] = words[..] else { panic!("{line}") };
        assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{line}");
        assert!(file.starts_with("plumbline-action-"), "{line}");
    }
}
