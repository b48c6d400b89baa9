//! Brokers beside mosquitto, one process per case (see `tests/brokers`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::pki::Identity;
use testkit::process::{Running, free_port};

/// A broker that is not mosquitto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// aedes, on Node; MQTT 3.1 and 3.1.1.
    Aedes,
    /// amqtt, on Python; MQTT 3.1.1.
    Amqtt,
    /// mochi-mqtt, in Go; MQTT 3.1, 3.1.1 and 5.
    Mochi,
    /// HiveMQ CE, on the JVM; MQTT 3.1, 3.1.1 and 5.
    HiveMq,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Aedes, Self::Amqtt, Self::Mochi, Self::HiveMq];

    fn command(self) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("brokers");
        let with = |program: OsString, script: PathBuf| {
            let mut command = Command::new(program);
            command.arg(script);
            command
        };
        match self {
            Self::Aedes => with("node".into(), folder.join("aedes/broker.mjs")),
            Self::Amqtt => with(named("PLUMBLINE_AMQTT_PYTHON"), folder.join("amqtt/broker.py")),
            Self::Mochi => Command::new(named("PLUMBLINE_MOCHI")),
            Self::HiveMq => {
                let folder = PathBuf::from(named("PLUMBLINE_HIVEMQ"));
                let parts = [folder.join("classes"), folder.join("lib/*")];
                let mut command = Command::new("java");
                // A broker of a test lives for seconds: what a JVM would win later is never used.
                command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp"]);
                command.arg(std::env::join_paths(parts).unwrap()).arg("Broker");
                command
            }
        }
    }
}

fn named(variable: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| {
        panic!("{variable} names no program: run `cargo xtask test --tier services`")
    })
}

/// What a broker is told; nothing of it means that everybody may do everything.
#[derive(Debug, Clone, Default)]
pub struct Setup<'a> {
    /// Users and their passwords.
    pub users: Option<&'a [(&'a str, &'a str)]>,
    /// What they may read and write; nobody else may read or write anything.
    pub rights: Option<&'a [(&'a str, &'a str)]>,
    /// Certificate and key: with it TLS is spoken.
    pub identity: Option<&'a Identity>,
    /// Whether WebSocket is spoken.
    pub websockets: bool,
    /// What else one broker alone can be told.
    pub more: Option<(&'a str, Value)>,
}

/// A running broker; it ends with this value.
pub struct Other {
    port: u16,
    _process: Running,
    _folder: TempDir,
}

impl Other {
    /// Starts a broker and waits until it listens.
    pub fn start(kind: Kind, setup: &Setup<'_>) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let mut told = json!({ "port": port, "websockets": setup.websockets });
        if let Some(users) = setup.users {
            told["users"] = json!(users.iter().copied().collect::<BTreeMap<_, _>>());
        }
        if let Some(rights) = setup.rights {
            let mut filters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (user, filter) in rights {
                filters.entry(user).or_default().push(filter);
            }
            told["rights"] = json!(filters);
        }
        if let Some(identity) = setup.identity {
            for (key, pem) in [("certificate", &identity.cert_pem), ("key", &identity.key_pem)] {
                let path = folder.path().join(key);
                std::fs::write(&path, pem).unwrap();
                told[key] = json!(path);
            }
        }
        if let Some((key, value)) = &setup.more {
            told[*key] = value.clone();
        }
        let file = folder.path().join("setup.json");
        std::fs::write(&file, told.to_string()).unwrap();
        let mut process = Running::start(&format!("{kind:?}"), kind.command().arg(&file)).unwrap();
        process.wait_for_port(port).unwrap();
        Self { port, _process: process, _folder: folder }
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }
}
