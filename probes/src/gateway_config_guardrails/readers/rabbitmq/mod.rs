//! RabbitMQ with its MQTT plugin: rabbitmq.conf, conf.d, advanced.config and enabled_plugins, from
//! weak to strong.

mod advanced;
mod judge;
mod keys;

use model::document::ConfigFormat;
use model::evidence::Guardrail;

use super::cuttlefish;
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::settings::{
    Environment, Named, Program, Schema, Settings, Words,
};
use crate::gateway_config_guardrails::tree::Unreadable;
use crate::gateway_config_guardrails::version::Version;

/// RabbitMQ.
pub const PROGRAM: Program = Program {
    name: "rabbitmq",
    format: ConfigFormat::Rabbitmq,
    named: Named {
        files: &["rabbitmq.conf", "advanced.config"],
        looks_like: |text| {
            let roots = [
                "listeners",
                "ssl_options",
                "loopback_users",
                "mqtt",
                "management",
                "default_user",
            ];
            cuttlefish::is_likely(text, &roots)
        },
    },
    read,
    keys: keys::KEYS,
    schema: Schema::Partial("RabbitMQ refuses to start"),
    words: Words::TRUE_FALSE,
    releases: &[
        ("3", Version { major: 3, minor: 13, patch: 0 }),
        ("4", Version { major: 4, minor: 0, patch: 0 }),
    ],
    covers: &[
        Guardrail::Anonymous,
        Guardrail::IdentityMapping,
        Guardrail::Authorization,
        Guardrail::Tls,
        Guardrail::TlsVersion,
        Guardrail::Bind,
        Guardrail::Admin,
        Guardrail::Debug,
        Guardrail::Limits,
        Guardrail::UnknownKey,
    ],
    judge: judge::judge,
};

/// The list of plugins, as the judge asks for it.
const PLUGINS: &str = "enabled_plugins";

fn read(main: &Text, files: &mut Files, environment: &Environment) -> Result<Settings, Unreadable> {
    let is_advanced = main.name.ends_with(".config");
    let mut settings = if is_advanced {
        let mut settings = Settings::flat();
        advanced::read_into(&mut settings, main)?;
        settings
    } else {
        cuttlefish::read(main, files, environment)?
    };
    if !is_advanced
        && let Ok(text) = files.read("advanced.config")
        && advanced::read_into(&mut settings, &text).is_err()
    {
        let reason = "it is no list of Erlang terms";
        settings.gap(Vec::new(), Place::top(&text.name), "advanced.config", reason);
    }
    settings.attach(PLUGINS, files.read(PLUGINS));
    Ok(settings)
}
