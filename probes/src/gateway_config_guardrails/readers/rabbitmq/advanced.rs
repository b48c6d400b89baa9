//! advanced.config: the same settings under the names that the code has for them.

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::Text;
use crate::gateway_config_guardrails::readers::erlang;
use crate::gateway_config_guardrails::settings::{Settings, path};
use crate::gateway_config_guardrails::tree::{Node, Unreadable, Value, steps};

/// What a setting of the code is in rabbitmq.conf.
const NAMES: [(&str, &str); 26] = [
    ("rabbit.tcp_listeners", "listeners.tcp"),
    ("rabbit.ssl_listeners", "listeners.ssl"),
    ("rabbit.loopback_users", "loopback_users"),
    ("rabbit.default_user", "default_user"),
    ("rabbit.default_pass", "default_pass"),
    ("rabbit.anonymous_login_user", "anonymous_login_user"),
    ("rabbit.anonymous_login_pass", "anonymous_login_pass"),
    ("rabbit.ssl_options", "ssl_options"),
    ("rabbit.max_message_size", "max_message_size"),
    ("rabbit.connection_max", "connection_max"),
    ("rabbit.log.console.level", "log.console.level"),
    ("rabbit.log.file.level", "log.file.level"),
    ("rabbitmq_mqtt.allow_anonymous", "mqtt.allow_anonymous"),
    ("rabbitmq_mqtt.default_user", "mqtt.default_user"),
    ("rabbitmq_mqtt.default_pass", "mqtt.default_pass"),
    ("rabbitmq_mqtt.ssl_cert_login", "mqtt.ssl_cert_login"),
    ("rabbitmq_mqtt.tcp_listeners", "mqtt.listeners.tcp"),
    ("rabbitmq_mqtt.ssl_listeners", "mqtt.listeners.ssl"),
    ("rabbitmq_management.tcp_config.port", "management.tcp.port"),
    ("rabbitmq_management.tcp_config.ip", "management.tcp.ip"),
    ("rabbitmq_management.listener.port", "management.tcp.port"),
    ("rabbitmq_management.listener.ip", "management.tcp.ip"),
    ("rabbitmq_web_mqtt.tcp_config.port", "web_mqtt.tcp.port"),
    ("rabbitmq_web_mqtt.tcp_config.ip", "web_mqtt.tcp.ip"),
    ("rabbitmq_web_mqtt.ssl_config.port", "web_mqtt.ssl.port"),
    ("rabbitmq_web_mqtt.ssl_config.ip", "web_mqtt.ssl.ip"),
];

/// A listener of WebSocket of which nothing is said is none, as rabbitmq.conf writes it.
const NO_WEBSOCKET: (&str, &str) = ("rabbitmq_web_mqtt.tcp_config", "web_mqtt.tcp.listener");

/// Sets what the file sets, over what is there.
pub fn read_into(settings: &mut Settings, text: &Text) -> Result<(), Unreadable> {
    for term in erlang::read(&text.content)? {
        let tree = term.node();
        for (from, to) in NAMES {
            for found in tree.find(&steps(from)) {
                set(settings, path(to), found.node, &found.place(&text.name))?;
            }
        }
        for found in tree.find(&steps(NO_WEBSOCKET.0)) {
            if matches!(&found.node.value, Value::List(items) if items.is_empty()) {
                set(settings, path(NO_WEBSOCKET.1), found.node, &found.place(&text.name))?;
            }
        }
        // Whatever else is there may hold secrets.
        settings.set_tree(&path("advanced"), &tree, &text.name)?;
        for (from, _) in NAMES {
            settings.forget(&path(&format!("advanced.{from}")));
        }
    }
    Ok(())
}

fn set(
    settings: &mut Settings,
    to: Vec<String>,
    node: &Node,
    place: &Place,
) -> Result<(), Unreadable> {
    let step = |name: &str| to.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>();
    match &node.value {
        // An empty list is what `none` is in rabbitmq.conf.
        Value::List(items) if items.is_empty() => {
            settings.clear(&to);
            settings.set(to, Value::Scalar("none".to_owned()), place.clone())
        }
        Value::List(items) if to == ["loopback_users"] => {
            settings.clear(&to);
            for item in items {
                if let Value::Scalar(user) = &item.value {
                    settings.set(step(user), Value::Scalar("true".to_owned()), place.clone())?;
                }
            }
            Ok(())
        }
        // A list of pairs of address and port looks like a table to the reader of terms.
        Value::Table(entries) if to.last().is_some_and(|last| last == "tcp" || last == "ssl") => {
            settings.clear(&to);
            for (index, entry) in entries.iter().enumerate() {
                let address = match &entry.node.value {
                    Value::Scalar(port) => Value::Scalar(joined(&entry.key, port)),
                    other => other.clone(),
                };
                settings.set(step(&(index + 1).to_string()), address, place.clone())?;
            }
            Ok(())
        }
        Value::List(items) => {
            settings.clear(&to);
            for (index, item) in items.iter().enumerate() {
                let value = match &item.value {
                    Value::List(pair) => match pair.as_slice() {
                        [
                            Node { value: Value::Scalar(host), .. },
                            Node { value: Value::Scalar(port), .. },
                        ] => Value::Scalar(joined(host, port)),
                        _ => Value::Unresolved("it is no address that is known"),
                    },
                    Value::Table(_) => Value::Unresolved("it is no address that is known"),
                    other => other.clone(),
                };
                settings.set(step(&(index + 1).to_string()), value, place.clone())?;
            }
            Ok(())
        }
        Value::Table(entries) => {
            for entry in entries {
                let place =
                    Place { file: place.file.clone(), line: entry.line, column: entry.column };
                set(settings, step(&entry.key), &entry.node, &place)?;
            }
            Ok(())
        }
        value => settings.set(to, value.clone(), place.clone()),
    }
}

fn joined(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
