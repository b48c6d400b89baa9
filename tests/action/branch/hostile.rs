//! Who may break a branch, what may be in its way, and what a checkout or a machine says to git.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use tests::git::GitServer;

use super::{DATA, Forge, files};
use crate::fixture::{HARDENED, anonymous, change, pull, repository};

#[test]
fn a_record_that_somebody_broke_is_none_and_is_made_again() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    forge.run(&checkout);
    let whole = forge.data().file(DATA, "record.json");
    let large = format!("{}{whole}", " ".repeat(16 * 1024 * 1024));
    for (at, bad) in ["", "{}", "\u{0}", &whole[..whole.len() - 9], &large].iter().enumerate() {
        forge.data().put(DATA, &[("README.md", "?"), ("record.json", bad)]);
        let ran = forge.run(&checkout);
        assert!(ran.summary.contains("no record that can be read"), "{at}: {}", ran.summary);
        assert_eq!(ran.output("issues-opened"), "0");
        let made: Value = serde_json::from_str(&forge.data().file(DATA, "record.json")).unwrap();
        assert!(made["targets"]["edge"]["evidence"].is_array(), "{made:#}");
        assert_eq!(forge.data().commits(DATA), 3 + 2 * at);
        assert!(!forge.run(&checkout).summary.contains("no record"));
    }
    // The page alone is put right as well.
    forge.data().put(DATA, &[("README.md", "edited"), ("record.json", &whole)]);
    forge.run(&checkout);
    assert!(forge.data().file(DATA, "README.md").starts_with("# Plumbline dashboard"));
}

#[test]
fn a_branch_that_has_something_else_is_left_alone() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let many: Vec<String> = (0..3_000).map(|at| format!("file-{at}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "x")).collect();
    for (name, files) in [("develop", &[("README.md", "Ours."), ("src.c", "x")][..]), ("m", &many)]
    {
        let tip = forge.data().put(name, files);
        let to = format!("branch:{name}");
        let ran = forge.branch(&checkout).with("PLUMBLINE_DASHBOARD", &to).run().expect(0);
        assert!(ran.summary.contains("has other files than"), "{}", ran.summary);
        assert_eq!((forge.data().tip(name), forge.counts().0), (Some(tip), 0));
    }
    // What the server has as its default decides, too, whatever an event says.
    forge.data().git(&["symbolic-ref", "HEAD", "refs/heads/next"]);
    let tip = forge.data().put("next", &[("README.md", "Ours."), ("record.json", "{}")]);
    let ran = forge.branch(&checkout).with("PLUMBLINE_DASHBOARD", "branch:next").run().expect(0);
    assert!(ran.summary.contains("is the default branch"), "{}", ran.summary);
    assert_eq!((forge.data().tip("next"), forge.counts().0), (Some(tip), 0));
}

#[test]
fn a_name_that_is_none_or_is_in_use_is_refused_before_anything_is_asked() {
    let forge = Forge::start();
    let checkout = repository(HARDENED);
    let (base, head) = change(&checkout, |c| c.write("conf/mosquitto.conf", &anonymous()));
    let event = pull(7, "opened", &base, &head);
    for (name, said) in [
        ("branch:", "expected the name of a branch"),
        ("branch:--upload-pack=touch owned", "expected the name of a branch"),
        ("branch:a..b", "expected the name of a branch"),
        ("branch:x y", "expected the name of a branch"),
        ("branch:refs/heads/main", "expected the name of a branch"),
        ("main", "expected issue, branch or branch:NAME"),
        ("Branch", "expected issue, branch or branch:NAME"),
        ("branch:main", "`main` is the default branch"),
    ] {
        let runs = [
            forge.branch(&checkout),
            forge.on(checkout.pull(&forge.github.api, &forge.token, &event)),
        ];
        for run in runs {
            let ended = run.with("PLUMBLINE_DASHBOARD", name).run().expect(2).ended;
            assert!(ended.stderr.contains(said), "{name}: {}", ended.stderr);
        }
    }
    let run = forge.on(checkout.pull(&forge.github.api, &forge.token, &event));
    let ended = run.with("PLUMBLINE_DASHBOARD", "branch:topic").run().expect(2).ended;
    assert!(
        ended.stderr.contains("`topic` is the branch of this pull request"),
        "{}",
        ended.stderr
    );
    assert_eq!(forge.counts(), (0, 0, 0));
    assert_eq!(forge.git.requests(), [""; 0]);
}

#[test]
fn a_line_of_the_issue_that_somebody_edited_leads_to_no_branch_of_another_use() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let on_issue = || forge.branch(&checkout).with("PLUMBLINE_DASHBOARD", "issue").run().expect(0);
    on_issue();
    let number = forge.dashboards()[0]["number"].clone();
    let tip = forge.data().tip("main");
    for name in ["main", "refs/heads/main", "--upload-pack=x", "nowhere"] {
        let body = json!({ "body": format!("<!-- plumbline-dashboard:1 branch:{name} -->") });
        forge.github.by_hand("maintainer", "PATCH", &format!("/issues/{number}"), body);
        on_issue();
        let text = forge.dashboards()[0]["body"].to_string();
        assert!(text.contains("How the default branch stands"), "{name}: {text}");
    }
    assert_eq!(forge.data().tip("main"), tip);
}

/// A program in front of git that keeps what is on its command lines; where it keeps it.
fn watched_git(folder: &Path) -> (String, std::path::PathBuf) {
    let path = std::env::var("PATH").unwrap();
    let real = path.split(':').map(|folder| format!("{folder}/git"));
    let real = real.into_iter().find(|git| Path::new(git).is_file()).unwrap();
    let (bin, log) = (folder.join("bin"), folder.join("command-lines"));
    std::fs::create_dir(&bin).unwrap();
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\nexec {real} \"$@\"\n", log.display());
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    (format!("{}:{path}", bin.display()), log)
}

#[test]
fn what_a_checkout_or_an_environment_says_to_git_runs_nothing_and_the_token_is_on_no_command_line()
{
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let folder = tempfile::tempdir().unwrap();
    let owned = folder.path().join("owned");
    let bad = folder.path().join("bad");
    std::fs::write(&bad, format!("#!/bin/sh\ntouch {}\nexit 1\n", owned.display())).unwrap();
    std::fs::set_permissions(&bad, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bad = bad.display().to_string();
    checkout.write(".gitattributes", "* filter=bad\n");
    checkout.commit();
    for (key, value) in [
        ("filter.bad.clean", bad.as_str()),
        ("filter.bad.smudge", &bad),
        ("filter.bad.process", &bad),
        ("core.askPass", &bad),
        ("core.sshCommand", &bad),
        ("credential.helper", &bad),
        ("gpg.program", &bad),
        ("commit.gpgSign", "true"),
        ("url.http://127.0.0.1:9/.insteadOf", &forge.git.url),
        ("remote.origin.url", "http://127.0.0.1:9/"),
        ("remote.origin.receivepack", &bad),
    ] {
        checkout.git(&["config", key, value]);
    }
    for hook in ["pre-push", "reference-transaction", "post-index-change", "post-commit"] {
        std::fs::copy(&bad, checkout.root().join(".git/hooks").join(hook)).unwrap();
    }
    // The machine's own settings hold for the way to the server, and for nothing else.
    let machine = folder.path().join("gitconfig");
    std::fs::create_dir(folder.path().join("hooks")).unwrap();
    for hook in ["pre-push", "reference-transaction", "post-commit"] {
        std::fs::copy(&bad, folder.path().join("hooks").join(hook)).unwrap();
    }
    let settings = format!(
        "[core]\n\thooksPath = {hooks}\n\taskPass = {bad}\n[credential]\n\thelper = {bad}\n\
         [push]\n\tgpgSign = true\n\tpushOption = x\n[gpg]\n\tprogram = {bad}\n\
         [init]\n\tdefaultObjectFormat = sha256\n\ttemplateDir = {template}\n\
         [http \"{server}/\"]\n\textraHeader = Authorization: Basic b3RoZXI6b3RoZXI=\n",
        hooks = folder.path().join("hooks").display(),
        template = checkout.root().join(".git").display(),
        server = forge.git.url,
    );
    std::fs::write(&machine, settings).unwrap();
    let (path, log) = watched_git(folder.path());
    let git_dir = checkout.root().join(".git").display().to_string();
    let before = files(&checkout.root());
    let run = || {
        let run = forge.branch(&checkout).with("PATH", &path).with("GIT_ASKPASS", &bad);
        let run = run.with("GIT_CONFIG_GLOBAL", &machine.display().to_string());
        let run = run.with("GIT_INDEX_FILE", "/nowhere/index").with("GIT_TRACE_CURL", "1");
        let run = run.with("GIT_OBJECT_DIRECTORY", &format!("{git_dir}/objects"));
        run.with("GIT_TRACE_REDACT", "0").with("SSH_ASKPASS", &bad).run().expect(0)
    };
    // The second run fetches what the first has pushed.
    let ran = [run(), run()];
    assert_eq!(forge.data().commits(DATA), 1);
    assert!(!owned.exists(), "{ran:?}");
    assert!(files(&checkout.root()) == before, "nothing of it touches the checkout");
    let lines = std::fs::read_to_string(log).unwrap();
    assert!(lines.contains("push --porcelain"), "{lines}");
    let pair = tests::git::basic(&forge.token);
    for secret in [&forge.token, &pair] {
        assert!(!lines.contains(secret.as_str()), "{lines}");
        assert!(!format!("{ran:?}").contains(secret.as_str()), "{ran:?}");
    }
}

#[test]
fn a_token_does_not_follow_a_server_that_sends_git_elsewhere() {
    let forge = Forge::start();
    let checkout = repository(&anonymous());
    let elsewhere = GitServer::start();
    elsewhere.allow(&forge.token, true);
    forge.git.redirect(&elsewhere.url);
    let ran = forge.run(&checkout);
    assert!(ran.summary.contains("the dashboard could not be read"), "{}", ran.summary);
    assert_eq!(elsewhere.requests(), [""; 0]);
}
