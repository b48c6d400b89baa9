//! A planted secret is seen in no output.

use testkit::gateway::Posture;
use tests::plumb::Bench;
use tests::site::Running;

#[test]
fn the_bearer_token_is_in_no_report_no_log_and_not_in_the_store() {
    let bench = Bench::new();
    let gateway = Running::start(&bench, Posture::Hardened);
    let token = gateway.token();
    assert!(token.len() >= 16, "a token that short could be found by chance");
    let target = gateway.target();
    let outputs: Vec<String> = ["html", "md", "json", "csv", "sarif"]
        .iter()
        .flat_map(|format| ["-o".to_owned(), format!("{format}=out.{format}")])
        .collect();
    let mut arguments = vec!["run".to_owned(), "-f".to_owned(), target.display().to_string()];
    arguments.extend(outputs);
    arguments.extend(["--progress".to_owned(), "json".to_owned()]);
    let run = bench.plumb(&arguments).expect(0);
    let credential = "/credential/response/status";
    let json = bench.read("out.json");
    assert!(json.contains(credential), "the credential was presented");
    let mut places = vec![("stdout", run.stdout), ("stderr", run.stderr)];
    for format in ["html", "md", "json", "csv", "sarif"] {
        places.push((format, bench.read(&format!("out.{format}"))));
    }
    let show = bench.plumb(&["runs", "show", "last"]).expect(0);
    places.push(("runs show", show.stdout));
    for (place, text) in &places {
        assert!(!text.contains(&token), "the token is in {place}");
    }
    let store = bench.path(".local/share/plumbline");
    for entry in std::fs::read_dir(store).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "the token is in the store");
    }
}

#[test]
fn a_postgres_password_is_not_repeated_in_an_error() {
    let bench = Bench::new();
    let url = "postgres://plumb:hunter2-secret@127.0.0.1:1/none";
    let list = bench.plumb(&["runs", "list", "--store", url]).expect(2);
    assert!(!list.stderr.contains("hunter2"), "{}", list.stderr);
    assert!(list.stderr.contains("127.0.0.1"), "{}", list.stderr);
}
