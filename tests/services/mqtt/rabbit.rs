//! RabbitMQ. A node takes seconds to start, so there is one for the whole table: its cases are virtual
//! hosts, each behind a listener of its own. Whatever it reads and writes is in a folder of its own,
//! and nothing of an installed node is touched.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::pki::Identity;
use testkit::process::{Running, free_port};

/// How long a node may take to start beside much else.
const START: Duration = Duration::from_secs(120);

/// Where Debian has the program that asks nobody who it is; elsewhere it is on the path.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// The user that clients without a name are, as RabbitMQ comes.
const ANYBODY: &str = "guest";

/// What the node is told.
pub struct Told<'a> {
    /// Users and their passwords.
    pub users: &'a [(&'a str, &'a str)],
    /// What they may read and write where they are kept apart.
    pub apart: &'a [(&'a str, &'a str)],
    /// What clients without a name may read and write where that is not everything.
    pub public: &'a [&'a str],
    /// Certificate and key of the listeners with TLS.
    pub identity: &'a Identity,
}

/// A running node; it ends with this value.
pub struct Node {
    /// Everybody may do everything.
    pub open: u16,
    /// Everybody may read and write what is public.
    pub public: u16,
    /// Users alone are let in.
    pub users: u16,
    /// The same over WebSocket.
    pub websocket: u16,
    /// Users alone, over TLS, each of whom may do everything.
    pub together: u16,
    /// Users alone, over TLS, each in a scope of its own.
    pub apart: u16,
    /// Whether it is RabbitMQ 3.10, of which is known what it does beside what it is told.
    pub is_known: bool,
    // The node goes before the daemon that knows its port.
    _node: Running,
    _names: Running,
    _folder: TempDir,
}

impl Node {
    /// Starts a node and waits until all its listeners are there.
    pub fn start(told: &Told<'_>) -> Self {
        let folder = TempDir::new().unwrap();
        let place = folder.path();
        let [open, public, users, websocket, together, apart] = [(); 6].map(|()| free_port());
        let write = |name: &str, text: &str| {
            let path = place.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let certificate = write("certificate.pem", &told.identity.cert_pem);
        let key = write("key.pem", &told.identity.key_pem);
        let hosts = [("open", open), ("public", public), ("users", users), ("users", websocket)];
        let hosts = [&hosts[..], &[("together", together), ("apart", apart)]].concat();
        let definitions = write("definitions.json", &definitions(told, &hosts).to_string());
        let conf = format!(
            "listeners.tcp = none\n\
             load_definitions = {}\n\
             mqtt.listeners.tcp.1 = 127.0.0.1:{open}\n\
             mqtt.listeners.tcp.2 = 127.0.0.1:{public}\n\
             mqtt.listeners.tcp.3 = 127.0.0.1:{users}\n\
             mqtt.listeners.ssl.1 = 127.0.0.1:{together}\n\
             mqtt.listeners.ssl.2 = 127.0.0.1:{apart}\n\
             ssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\n\
             web_mqtt.tcp.ip = 127.0.0.1\n\
             web_mqtt.tcp.port = {websocket}\n\
             web_mqtt.ws_path = /mqtt\n",
            definitions.display(),
            certificate.display(),
            key.display(),
        );
        write("rabbitmq.conf", &conf);
        write("enabled_plugins", "[rabbitmq_mqtt, rabbitmq_web_mqtt].");

        // Of our own, so that none is left behind for the whole machine.
        let names_port = free_port();
        let mut names = Command::new("epmd");
        names.args(["-address", "127.0.0.1", "-port", &names_port.to_string()]);
        let mut names = Running::start("epmd", &mut names).unwrap();
        names.wait_for_port(names_port).unwrap();

        let mut node = Running::start("RabbitMQ", &mut command(place, names_port)).unwrap();
        // It listens before it has read what it is told, and writes when it has.
        let log = place.join("log/plumbline@localhost.log");
        let has_started = || {
            std::fs::read_to_string(&log).is_ok_and(|log| log.contains("Server startup complete"))
        };
        node.wait_until(START, has_started).unwrap();
        let is_known = std::fs::read_to_string(&log).unwrap().contains("Starting RabbitMQ 3.10.");
        Self {
            open,
            public,
            users,
            websocket,
            together,
            apart,
            is_known,
            _node: node,
            _names: names,
            _folder: folder,
        }
    }
}

fn command(place: &Path, names_port: u16) -> Command {
    let program = Path::new(PROGRAM);
    let program = if program.is_file() { PROGRAM } else { "rabbitmq-server" };
    let mut command = Command::new(program);
    let within = |name: &str| -> PathBuf { place.join(name) };
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", place)
        .env("ERL_EPMD_PORT", names_port.to_string())
        .env("RABBITMQ_NODENAME", "plumbline@localhost")
        .env("RABBITMQ_DIST_PORT", free_port().to_string())
        .env("RABBITMQ_BASE", place)
        .env("RABBITMQ_MNESIA_BASE", within("data"))
        .env("RABBITMQ_LOG_BASE", within("log"))
        .env("RABBITMQ_CONFIG_FILE", within("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", within("enabled_plugins"))
        // There is none: what the machine's own node is told is nothing to this one.
        .env("RABBITMQ_CONF_ENV_FILE", within("environment"))
        // The script becomes the node, so that who ends it ends the node.
        .env("RABBITMQ_ALLOW_INPUT", "1")
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
        );
    command
}

/// Users, virtual hosts and rights, as RabbitMQ exports them.
fn definitions(told: &Told<'_>, hosts: &[(&str, u16)]) -> Value {
    let users = told.users.iter().chain(&[(ANYBODY, "guest")]);
    let all = |user: &str, host: &str| {
        let everything = ".*";
        json!({
            "user": user, "vhost": host,
            "configure": everything, "write": everything, "read": everything,
        })
    };
    let topics = |user: &str, host: &str, filters: &[&str]| {
        let pattern = pattern(filters);
        json!({
            "user": user, "vhost": host, "exchange": "amq.topic",
            "write": pattern, "read": pattern,
        })
    };
    let mut rights = vec![all(ANYBODY, "open"), all(ANYBODY, "public")];
    for (user, _) in told.users {
        rights.extend(["users", "together", "apart"].map(|host| all(user, host)));
    }
    let mut of_topics = vec![topics(ANYBODY, "public", told.public)];
    of_topics.extend(told.apart.iter().map(|(user, filter)| topics(user, "apart", &[filter])));
    let mut names: Vec<_> = hosts.iter().map(|(host, _)| *host).collect();
    names.dedup();
    let by_port: serde_json::Map<_, _> =
        hosts.iter().map(|(host, port)| (port.to_string(), json!(host))).collect();
    json!({
        "users": users
            .map(|(name, password)| json!({ "name": name, "password": password, "tags": "" }))
            .collect::<Vec<_>>(),
        "vhosts": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "permissions": rights,
        "topic_permissions": of_topics,
        "global_parameters": [{ "name": "mqtt_port_to_vhost_mapping", "value": by_port }],
    })
}

/// Filters of MQTT as one regular expression over topics of AMQP.
fn pattern(filters: &[&str]) -> String {
    let level = |level: &str| match level {
        "#" => ".*".to_owned(),
        "+" => "[^.]+".to_owned(),
        name => name.to_owned(),
    };
    let one = |filter: &&str| filter.split('/').map(level).collect::<Vec<_>>().join("\\.");
    format!("^({})$", filters.iter().map(one).collect::<Vec<_>>().join("|"))
}
