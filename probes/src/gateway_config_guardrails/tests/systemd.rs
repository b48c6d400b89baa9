//! systemd units: exposed, hardened, with drop-ins.

use model::document::ConfigFormat;
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail, SecretKind};

use super::{one_change, places, seen, word};

pub(super) const HARDENED: &str = "[Unit]
Description=broker
[Service]
ExecStart=/usr/sbin/mosquitto -c /etc/mosquitto/mosquitto.conf
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
# User=root
CapabilityBoundingSet=
LoadCredential=key:/etc/key
Environment=\"MODE=a b\" LEVEL=info
";

fn unit(text: &str) -> GatewayConfigGuardrailsStable {
    seen(&[("broker.service", text)], ConfigFormat::Auto, None)
}

#[test]
fn a_bare_unit_runs_as_root_on_a_system_that_it_can_write_to() {
    let seen = unit("[Service]\nExecStart=/usr/sbin/mosquitto -v\n");
    assert_eq!(seen.format.value().unwrap(), "systemd");
    let settings: Vec<_> = seen
        .privileges_excessive
        .value()
        .unwrap()
        .iter()
        .map(|one| (one.setting.as_str(), one.line))
        .collect();
    assert_eq!(settings, [("NoNewPrivileges", 2), ("ProtectSystem", 2), ("User", 2)]);
    assert_eq!(places(&seen.debug_logging), ["broker.service:2:1"]);
}

#[test]
fn a_hardened_unit_leaves_nothing_off() {
    let seen = unit(HARDENED);
    assert_eq!(word(&seen, Guardrail::Privileges), "on");
    assert_eq!(word(&seen, Guardrail::Debug), "on");
    assert_eq!(seen.secrets_inline.value().unwrap(), &[]);
}

#[test]
fn one_change_leaves_a_guardrail_off_or_open() {
    let cases = [
        ("DynamicUser=yes", "User=root", "off"),
        ("DynamicUser=yes", "User=0", "off"),
        ("DynamicUser=yes", "User=gw-%i", "open"),
        ("DynamicUser=yes", "User=mosquitto", "on"),
        ("DynamicUser=yes\nNoNewPrivileges=yes", "User=gw", "off"),
        ("DynamicUser=yes\nNoNewPrivileges=yes", "User=gw\nRestrictNamespaces=yes", "on"),
        ("NoNewPrivileges=yes", "", "on"),
        ("ProtectSystem=strict", "ProtectSystem=no", "off"),
        ("LEVEL=info", "LEVEL=info\nAmbientCapabilities=CAP_SYS_ADMIN", "off"),
        ("ExecStart=/", "ExecStart=+/", "off"),
    ];
    let cases = cases.map(|(from, to, expected)| (from, to, Guardrail::Privileges, expected));
    one_change(HARDENED, unit, &cases);
}

#[test]
fn drop_ins_beside_the_unit_win_in_their_order() {
    let files = [
        ("broker.service", HARDENED),
        ("broker.service.d/10-a.conf", "[Service]\nProtectSystem=no\n"),
        ("broker.service.d/20-b.conf", "[Service]\nProtectSystem=full\n"),
        ("broker.service.d/note.txt", "[Service]\nUser=root\n"),
    ];
    let seen_with = |count: usize| seen(&files[..count], ConfigFormat::Auto, None);
    assert_eq!(places(&seen_with(2).privileges_excessive), ["broker.service.d/10-a.conf:2:1"]);
    assert_eq!(word(&seen_with(4), Guardrail::Privileges), "on");
    assert_eq!(
        places(&seen_with(4).overridden),
        ["broker.service:7:1", "broker.service.d/10-a.conf:2:1"]
    );
}

#[test]
fn secrets_in_the_environment_and_on_the_command_line_are_told_by_place() {
    let text = "[Service]
User=gw
Environment=MQ_PASSWORD=changeme \"URL=mqtt://u:tr0ub4dor@h\"
Environment=
Environment='API_TOKEN=t0ken t0ken t0ken'
EnvironmentFile=-/etc/gw.env
SetCredential=pin:123456
ExecStart=/usr/bin/gw \\
  --password hunter2hunter2
";
    let files = [("gw.service", text), ("etc/gw.env", "DB_PASS=s3cr3t-s3cr3t-s3cr3t\n")];
    let seen = seen(&files, ConfigFormat::Auto, None);
    let inline: Vec<_> = seen
        .secrets_inline
        .value()
        .unwrap()
        .iter()
        .map(|one| (one.file.as_str(), one.line, one.kind))
        .collect();
    assert_eq!(
        inline,
        [
            ("etc/gw.env", 1, SecretKind::Password),
            ("gw.service", 5, SecretKind::Token),
            ("gw.service", 7, SecretKind::Other),
            ("gw.service", 8, SecretKind::Password),
        ]
    );
    let json = serde_json::to_string(&seen).unwrap();
    for part in ["changeme", "tr0ub", "t0ken", "123456", "hunter2", "s3cr3t"] {
        assert!(!json.contains(part), "{part}");
    }
}

#[test]
fn a_socket_unit_is_asked_where_it_listens() {
    let socket = |address: &str| {
        let text = format!("[Socket]\nListenStream={address}\n");
        word(&seen(&[("gw.socket", &text)], ConfigFormat::Auto, None), Guardrail::Bind)
    };
    assert_eq!(socket("1883"), "off");
    assert_eq!(socket("[::]:1883"), "off");
    assert_eq!(socket("127.0.0.1:1883"), "on");
    assert_eq!(socket("/run/gw.sock"), "on");
}
