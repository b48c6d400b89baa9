//! Compose files: exposed, mixed, hardened, merged and hostile.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail, LengthClass, SecretKind};

use super::{keeps, places, seen, undetermined, word};

pub(super) const EXPOSED: &str = "services:
  broker:
    image: eclipse-mosquitto
    network_mode: host
    privileged: true
    user: root
    cap_add: [SYS_ADMIN, CHOWN]
    security_opt: [\"seccomp:unconfined\"]
    volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]
    environment: {MQ_PASSWORD: changeme}
  edge:
    image: acme/edge:2.1
    user: \"1000\"
    read_only: true
    ports:
      - 1883:1883
      - \"127.0.0.1:9001:9001\"
      - \"[::1]:9002:9002\"
      - {target: 80, published: 8080}
      - 192.0.2.10:8883:8883/tcp
";

pub(super) const HARDENED: &str = "services:
  broker:
    image: eclipse-mosquitto@sha256:0000000000000000000000000000000000000000000000000000000000000000
    ports: [\"192.0.2.10:8883:8883\"]
    user: \"1883:1883\"
    read_only: true
    # privileged: true
    cap_drop: [ALL]
    security_opt: [\"no-new-privileges:true\"]
    environment:
      MQ_PASSWORD_FILE: /run/secrets/mq
      MQ_TOKEN: ${MQ_TOKEN:?set it}
    volumes: [\"./mosquitto.conf:/mosquitto/config/mosquitto.conf:ro\"]
    secrets: [mq]
secrets:
  mq: {file: ./mq}
";

fn compose(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("compose.yaml", text)], ConfigFormat::Auto, None)
}

#[test]
fn an_exposed_file_is_seen_with_every_place() {
    let seen = compose(EXPOSED);
    assert_eq!(seen.format.value().unwrap(), "compose");
    assert_eq!(
        places(&seen.privileges_excessive),
        [
            "compose.yaml:2:3", // read_only absent
            "compose.yaml:4:5",
            "compose.yaml:5:5",
            "compose.yaml:6:5",
            "compose.yaml:7:15",
            "compose.yaml:8:20",
            "compose.yaml:9:15",
        ]
    );
    assert_eq!(places(&seen.bind_all_interfaces), ["compose.yaml:16:9", "compose.yaml:19:9"]);
    let secret = &seen.secrets_inline.value().unwrap()[0];
    assert_eq!((secret.line, secret.column, secret.kind), (10, 19, SecretKind::Password));
    assert_eq!(seen.secrets_known.value().unwrap().len(), 1);
}

#[test]
fn a_hardened_file_leaves_nothing_off() {
    let seen = compose(HARDENED);
    keeps(&seen, &[Guardrail::Privileges, Guardrail::Bind], &["on"]);
}

#[test]
fn what_the_image_or_a_variable_decides_is_open() {
    let image = HARDENED.replace("    user: \"1883:1883\"\n", "");
    assert_eq!(word(&compose(&image), Guardrail::Privileges), "open");
    assert_eq!(undetermined(&compose(&image)), ["services.broker.user"]);
    let port = HARDENED.replace("192.0.2.10:8883:8883", "${BIND:-192.0.2.10}:8883:8883");
    assert_eq!(word(&compose(&port), Guardrail::Bind), "open");
    let flag = HARDENED.replace("read_only: true", "read_only: ${RO}");
    assert_eq!(word(&compose(&flag), Guardrail::Privileges), "open");
    let tagged = HARDENED.replace("read_only: true", "read_only: !vault true");
    assert_eq!(word(&compose(&tagged), Guardrail::Privileges), "open");
}

#[test]
fn a_default_behind_a_variable_is_a_secret_in_the_file_and_the_environment_is_never_asked() {
    // A variable that every process has.
    let text = HARDENED.replace("MQ_TOKEN: ${MQ_TOKEN:?set it}", "MQ_TOKEN: ${PATH:-public}");
    let seen = compose(&text);
    let inline = seen.secrets_inline.value().unwrap();
    assert_eq!((inline[0].kind, inline[0].length), (SecretKind::Token, LengthClass::UpTo7));
    assert_eq!(seen.secrets_known.value().unwrap().len(), 1);
    let path = std::env::var("PATH").unwrap();
    let json = serde_json::to_string(&compose(&HARDENED.replace("{MQ_TOKEN:?set it}", "{PATH}")));
    assert!(!json.unwrap().contains(&path));
}

#[test]
fn an_override_wins_and_its_lists_are_appended() {
    let over = "services:\n  broker:\n    read_only: false\n    ports: [\"1883:1883\"]\n";
    let files = [("compose.yaml", HARDENED), ("compose.override.yaml", over)];
    let seen = seen(&files, ConfigFormat::Auto, None);
    assert_eq!(places(&seen.privileges_excessive), ["compose.override.yaml:3:5"]);
    assert_eq!(places(&seen.bind_all_interfaces), ["compose.override.yaml:4:13"]);
    assert_eq!(places(&seen.overridden), ["compose.yaml:6:5"]);
    assert_eq!(seen.files.value().unwrap().len(), 2);
}

#[test]
fn a_tag_of_an_override_takes_away_what_other_files_say() {
    let main = HARDENED
        .replace("192.0.2.10:8883:8883", "8883:8883")
        .replace("read_only", "pid: host\n    read_only");
    assert_eq!(word(&compose(&main), Guardrail::Bind), "off");
    let with = |over: &str| {
        let over = format!("services:\n  broker:\n{over}");
        let files = [("compose.yaml", main.as_str()), ("compose.override.yaml", &over)];
        seen(&files, ConfigFormat::Auto, None)
    };
    let replaced =
        with("    ports: !override\n      - \"127.0.0.1:8883:8883\"\n    pid: !reset null\n");
    assert_eq!(word(&replaced, Guardrail::Bind), "on");
    assert_eq!(word(&replaced, Guardrail::Privileges), "on");
    assert_eq!(replaced.overridden.value().unwrap().len(), 2);
    let emptied = with("    ports: !reset []\n    read_only: !reset true\n");
    assert_eq!(word(&emptied, Guardrail::Bind), "on");
    assert_eq!(word(&emptied, Guardrail::Privileges), "off");
    // A tag that Compose does not have says nothing.
    assert_eq!(word(&with("    ports: !vault []\n"), Guardrail::Bind), "off");
}

#[test]
fn includes_extensions_and_files_of_variables_are_followed_inside_the_folder_only() {
    let main = "include:\n  - more.yaml\nservices:\n  a:\n    extends: {file: base.yaml, service: b}\n    user: \"1\"\n    env_file: [a.env, absent.env]\n";
    let files = [
        ("compose.yaml", main),
        (
            "more.yaml",
            "include: [compose.yaml]\nservices:\n  c: {privileged: true, user: \"1\", read_only: true}\n",
        ),
        ("base.yaml", "services:\n  b: {read_only: true, pid: host, extends: b}\n"),
        ("a.env", "X=1\nDB_PASSWORD=tr0ub4dor-and-three\n"),
    ];
    let with = seen(&files, ConfigFormat::Auto, None);
    assert_eq!(places(&with.privileges_excessive), ["base.yaml:2:24", "more.yaml:3:7"]);
    assert_eq!(with.secrets_inline.value().unwrap()[0].file, "a.env");
    let without = seen(&files[..1], ConfigFormat::Auto, None);
    assert_eq!(word(&without, Guardrail::Bind), "open");
    assert_eq!(undetermined(&without), ["include", "services.a.extends"]);
    let outside = seen(
        &[("compose.yaml", "include: [../../etc/passwd]\nservices: {}\n")],
        ConfigFormat::Auto,
        None,
    );
    assert_eq!(word(&outside, Guardrail::Privileges), "open");
}

#[test]
fn brokers_that_let_everybody_in_by_a_variable_are_told() {
    let on = compose("services:\n  mq:\n    environment: [\"HIVEMQ_ALLOW_ALL_CLIENTS=true\"]\n");
    assert_eq!(places(&on.auth_anonymous), ["compose.yaml:3:19"]);
    let off = compose("services:\n  mq:\n    environment: [\"HIVEMQ_ALLOW_ALL_CLIENTS=false\"]\n");
    assert_eq!(word(&off, Guardrail::Anonymous), "on");
}

#[test]
fn secrets_on_a_command_line_and_in_contents_are_told_by_place() {
    let text = "services:\n  a:\n    command: [run, --password, s3cr3t-s3cr3t-s3cr3t, --url=mqtt://u:pw-pw-pw@h]\nsecrets:\n  k:\n    content: hunter2hunter2\n";
    let seen = compose(text);
    let kinds: Vec<_> =
        seen.secrets_inline.value().unwrap().iter().map(|one| (one.line, one.kind)).collect();
    assert_eq!(
        kinds,
        [(3, SecretKind::Password), (3, SecretKind::UrlCredentials), (6, SecretKind::Other),]
    );
    let json = serde_json::to_string(&seen).unwrap();
    for part in ["s3cr3t", "pw-pw", "hunter2"] {
        assert!(!json.contains(part), "{part}");
    }
}

#[test]
fn a_key_set_twice_is_reported_and_the_last_counts() {
    let seen = compose(
        "services:\n  a:\n    privileged: true\n    privileged: false\n    read_only: true\n    user: \"5\"\n",
    );
    assert_eq!(places(&seen.repeated), ["compose.yaml:3:5", "compose.yaml:4:5"]);
    assert_eq!(word(&seen, Guardrail::Privileges), "on");
}
