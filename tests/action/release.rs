//! What a release prints is what the Action reads: the scripts of the release workflow, run as they
//! stand there, on files that stand for what was built.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::Release;

/// The script of a step of the job that makes the draft.
fn script(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(".github/workflows/release.yml")).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    let steps = workflow["jobs"]["release"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == name).expect("the job has that step");
    step["run"].as_str().unwrap().to_owned()
}

#[test]
fn the_lines_that_a_release_prints_let_the_action_run_what_was_released() {
    const OTHER: &str = "#!/bin/sh\necho another\n";
    const PROGRAM: &str = "#!/bin/sh\necho released\n";
    let place = tempfile::tempdir().unwrap();
    let files = place.path().join("files");
    std::fs::create_dir(&files).unwrap();
    for arch in ["x86_64", "aarch64"] {
        let text = if arch == std::env::consts::ARCH { PROGRAM } else { OTHER };
        let musl = format!("plumbline-action-{arch}-unknown-linux-musl");
        for name in [musl.as_str(), &format!("plumb-{arch}-unknown-linux-gnu")] {
            std::fs::write(files.join(name), text).unwrap();
        }
        std::fs::write(files.join(format!("plumbline-action-{arch}.cdx.json")), "{}").unwrap();
    }
    // In place of GitHub's own program: it keeps what it is given.
    let bin = place.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let asked = place.path().join("asked");
    let gh = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > {}\n", asked.display());
    std::fs::write(bin.join("gh"), gh).unwrap();
    std::fs::set_permissions(bin.join("gh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    for (name, folder) in [("Digests", files.as_path()), ("Draft", place.path())] {
        let status = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script(name)])
            .current_dir(folder)
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("VERSION", "1.2.3")
            .env("GITHUB_REF_NAME", "v1.2.3")
            .env("GITHUB_REPOSITORY", "acme/plumbline")
            .env("GITHUB_STEP_SUMMARY", place.path().join("summary"))
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
    }
    let asked = std::fs::read_to_string(asked).unwrap();
    assert!(asked.starts_with("release\ncreate\nv1.2.3\n--draft\n"), "{asked}");
    assert!(asked.contains("files/SHA256SUMS"), "{asked}");
    let listed = std::fs::read_to_string(files.join("SHA256SUMS")).unwrap();
    assert_eq!(listed.lines().count(), 6, "every file has a digest: {listed}");

    let notes = std::fs::read_to_string(place.path().join("notes.md")).unwrap();
    let (_, rest) = notes.split_once("```text\n").expect("the lines stand by themselves");
    let (lines, _) = rest.split_once("```").unwrap();
    assert_eq!(lines.lines().count(), 2, "one for each processor: {lines}");
    let release = Release::new(PROGRAM);
    release.list(lines);
    let (ended, program) = release.start(&[]);
    ended.expect(0);
    let said = Command::new(program.unwrap()).output().unwrap().stdout;
    assert_eq!(said, b"released\n");
    // The other processor's digest is of something else, and is never taken for this one's.
    let release = Release::new(OTHER);
    release.list(lines);
    let (ended, program) = release.start(&[]);
    assert!(ended.expect(2).stdout.contains("is not what was released"));
    assert_eq!(program, None);
}
