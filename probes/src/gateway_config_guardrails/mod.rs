//! The probe of `gateway_config_guardrails`: reads one configuration, with the files that it
//! names, and tells which guardrails it leaves off and which nobody can tell from it.
//!
//! No connection is opened but to an address that the target declares as a source, and the
//! environment of the probe is never asked: what a variable fills in is unresolved, unless the
//! target declares the environment and the reader, or a mapping, says how the program fills it in. No value that
//! may be a secret leaves this module.

pub mod guardrail;
pub mod includes;
pub mod interpolation;
pub mod judge;
pub mod mapping;
pub mod readers;
pub mod secrets;
pub mod settings;
pub mod tree;
pub mod values;
pub mod version;

use model::document::{ConfigFormat, GatewayConfig, Source};
use model::evidence::{
    Evidence, GatewayConfigGuardrails, GatewayConfigGuardrailsStable,
    GatewayConfigGuardrailsVolatile, Guardrail, Item, LengthClass,
};
use model::request::{CheckRequest, Inputs};

use crate::{Context, source};
use guardrail::{Known, Place, Review, is_short};
use includes::{Files, Text};
use interpolation::Filler;
use judge::Subject;
use mapping::{Format, Mapping};
use readers::{Read, documents, mosquitto, programs};
use settings::Environment;
use version::Version;

/// The mapping of the reference gateway's own file.
const GATEWAY: &str = include_str!("plumbline-gateway.mapping.yaml");

/// Collects one document of `gateway_config_guardrails.v1`.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    crate::document::<GatewayConfigGuardrails>(context, request, async {
        let stable = match &request.inputs {
            Inputs::Config { config } => observe(context, config).await,
            _ => Facts::default().failed("the request names no configuration"),
        };
        (stable, GatewayConfigGuardrailsVolatile {})
    })
    .await
}

/// Reads and reviews one configuration.
async fn observe(context: &Context, config: &GatewayConfig) -> GatewayConfigGuardrailsStable {
    let mut facts = Facts {
        source: source::place(&config.source()),
        version: config.program_version.clone(),
        ..Facts::default()
    };
    let (mut files, main) = match Files::open(context, config).await {
        Ok(read) => read,
        Err(reason) => {
            let reason = format!("`{}` was not read: {reason}", facts.source);
            return facts.failed(&reason);
        }
    };
    let mapping = match &config.mapping {
        None => None,
        Some(source) => match read_mapping(context, source).await {
            Ok(mapping) => Some(mapping),
            Err(reason) => return facts.failed(&reason),
        },
    };
    let environment = match &config.environment {
        None => Environment::default(),
        Some(source) => match read_environment(context, source, &mut files).await {
            Ok(environment) => environment,
            Err(reason) => return facts.failed(&reason),
        },
    };
    let format = told(config.format, mapping.as_ref(), &main);
    let outcome = review(format, mapping, &main, &environment, &mut files, &mut facts);
    facts.files = files.names().to_vec();
    match outcome {
        Ok(review) => facts.reviewed(&review),
        Err(reason) => facts.failed(&reason),
    }
}

fn review(
    format: ConfigFormat,
    mapping: Option<Mapping>,
    main: &Text,
    environment: &Environment,
    files: &mut Files,
    facts: &mut Facts,
) -> Result<Review, String> {
    let version = facts.version.as_deref().and_then(Version::parse);
    if let Some(program) = programs::of(format) {
        (facts.format, facts.program) = (program.name, Some(program.name.to_owned()));
        let review = program.review(main, version, files, environment);
        return review.map_err(|error| format!("`{}`: {error}", main.name));
    }
    if let Some(document) = documents::of(format) {
        (facts.format, facts.program) = (document.name, Some(document.name.to_owned()));
        return (document.review)(main, version, files, environment);
    }
    let (name, read): (_, Read) = match format {
        ConfigFormat::Mosquitto => {
            (facts.format, facts.program) = ("mosquitto", Some("mosquitto".to_owned()));
            return Ok(mosquitto::review(main, version, files));
        }
        ConfigFormat::PlumblineGateway => ("plumbline-gateway", readers::toml::read_with),
        ConfigFormat::Env => ("env", readers::env::read_with),
        ConfigFormat::Toml => ("toml", readers::toml::read_with),
        ConfigFormat::Yaml => ("yaml", readers::yaml::read_with),
        ConfigFormat::Json => ("json", readers::json::read_with),
        ConfigFormat::Ini => ("ini", readers::ini::read_with),
        _ => {
            return Err(
                "the format cannot be told from name and content; declare `format`".to_owned()
            );
        }
    };
    facts.format = name;
    let mapping = if format == ConfigFormat::PlumblineGateway {
        Some(Mapping::parse(GATEWAY).map_err(|error| error.to_string())?)
    } else {
        mapping
    };
    if let Some(wanted) = mapping.as_ref().map(|mapping| mapping.format)
        && wanted != written(format)
    {
        return Err("the mapping is for another format than the configuration".to_owned());
    }
    facts.program = mapping.as_ref().and_then(|mapping| mapping.program.clone());
    let style = mapping.as_ref().and_then(|mapping| mapping.interpolation);
    let filler = style.map(|style| Filler::new(style, environment));
    let fill = |text: &str| match &filler {
        Some(filler) => filler.value(text),
        None => readers::unfilled(text),
    };
    let read = |text: &str| read(text, &fill);
    let tree = read(&main.content).map_err(|error| format!("`{}`: {error}", main.name))?;
    let subject = Subject { file: &main.name, tree, read: &read, version };
    Ok(match mapping {
        Some(mapping) => judge::review(subject, &mapping, files, environment),
        None => {
            let mut review = judge::review_unmapped(subject, files);
            review.undetermined(
                &Place::top(&main.name),
                "mapping",
                &[],
                "no mapping says which key stands for which guardrail; declare one on the target",
            );
            review
        }
    })
}

async fn read_mapping(context: &Context, source: &Source) -> Result<Mapping, String> {
    let text =
        source::text(context, source).await.map_err(|error| format!("the mapping: {error}"))?;
    Mapping::parse(&text).map_err(|error| format!("{}:{error}", source::place(source)))
}

async fn read_environment(
    context: &Context,
    source: &Source,
    files: &mut Files,
) -> Result<Environment, String> {
    let text = files.declared(context, source).await;
    let text = text.map_err(|error| format!("the environment: {error}"))?;
    Environment::read(&text).map_err(|error| format!("the environment `{}`: {error}", text.name))
}

/// The format: as declared, else as the mapping says, else told from name and content.
fn told(declared: ConfigFormat, mapping: Option<&Mapping>, main: &Text) -> ConfigFormat {
    if declared != ConfigFormat::Auto {
        return declared;
    }
    if let Some(mapping) = mapping {
        return match mapping.format {
            Format::Env => ConfigFormat::Env,
            Format::Toml => ConfigFormat::Toml,
            Format::Yaml => ConfigFormat::Yaml,
            Format::Json => ConfigFormat::Json,
            Format::Ini => ConfigFormat::Ini,
        };
    }
    let name = main.name.rsplit('/').next().unwrap_or(&main.name).to_ascii_lowercase();
    if let Some(program) = programs::named(&name) {
        return program.format;
    }
    if let Some(document) = documents::likely(&name, &main.content) {
        return document.format;
    }
    let section = |name: &str| main.content.lines().any(|line| line.trim_start().starts_with(name));
    match name.rsplit('.').next().unwrap_or("") {
        "toml" if section("[gateway") && section("[ingest") => ConfigFormat::PlumblineGateway,
        "toml" => ConfigFormat::Toml,
        "yaml" | "yml" => ConfigFormat::Yaml,
        "json" => ConfigFormat::Json,
        "env" => ConfigFormat::Env,
        "ini" => ConfigFormat::Ini,
        _ if name.starts_with(".env") => ConfigFormat::Env,
        _ if name == "mosquitto.conf" || mosquitto::is_likely(&main.content) => {
            ConfigFormat::Mosquitto
        }
        _ => programs::like(&main.content).map_or(ConfigFormat::Auto, |program| program.format),
    }
}

const fn written(format: ConfigFormat) -> Format {
    match format {
        ConfigFormat::Env => Format::Env,
        ConfigFormat::Yaml => Format::Yaml,
        ConfigFormat::Json => Format::Json,
        ConfigFormat::Ini => Format::Ini,
        _ => Format::Toml,
    }
}

/// What is known before the configuration is reviewed.
#[derive(Default)]
struct Facts {
    source: String,
    format: &'static str,
    program: Option<String>,
    version: Option<String>,
    files: Vec<String>,
}

impl Facts {
    fn reviewed(self, review: &Review) -> GatewayConfigGuardrailsStable {
        use Guardrail as G;
        let inline = |secret: &model::evidence::SecretPlace, known: Known| {
            known.written && secret.length != LengthClass::Empty
        };
        GatewayConfigGuardrailsStable {
            guardrails: review.guardrails(),
            settings: review.settings(),
            repeated: review.repeated_items(),
            overridden: review.overridden_items(),
            auth_not_enforced: review.item(G::Authentication),
            auth_anonymous: review.item(G::Anonymous),
            auth_unproven_identity: review.item(G::IdentityMapping),
            authorization_missing: review.item(G::Authorization),
            tls_plaintext: review.item(G::Tls),
            tls_old_versions: review.item(G::TlsVersion),
            tls_unverified_peers: review.item(G::PeerVerification),
            secrets_inline: review.secrets(G::InlineSecret, inline),
            secrets_known: review.secrets(G::DefaultSecret, |_, known| known.default),
            secrets_short: review.secrets(G::DefaultSecret, |secret, _| is_short(secret)),
            keys_open_permissions: review.item(G::KeyPermissions),
            bind_all_interfaces: review.item(G::Bind),
            admin_exposed: review.item(G::Admin),
            debug_logging: review.item(G::Debug),
            limits_unbounded: review.item(G::Limits),
            unknown_keys: review.item(G::UnknownKey),
            privileges_excessive: review.item(G::Privileges),
            proxy_header_trusted: review.item(G::ProxyHeader),
            undetermined: review.undetermined_items(),
            ..self.failed("")
        }
    }

    /// Nothing but what is declared: every guardrail is undecided for one reason.
    fn failed(self, reason: &str) -> GatewayConfigGuardrailsStable {
        fn open<T>(reason: &str) -> Item<T> {
            Item::error(reason)
        }
        let format = match self.format {
            "" => open(reason),
            format => Item::observed(format.to_owned()),
        };
        GatewayConfigGuardrailsStable {
            source: Item::observed(self.source),
            format,
            program: Item::observed(self.program.unwrap_or_else(|| "generic".to_owned())),
            version: Item::observed(self.version),
            files: Item::observed(self.files),
            guardrails: open(reason),
            settings: open(reason),
            repeated: open(reason),
            overridden: open(reason),
            auth_not_enforced: open(reason),
            auth_anonymous: open(reason),
            auth_unproven_identity: open(reason),
            authorization_missing: open(reason),
            tls_plaintext: open(reason),
            tls_old_versions: open(reason),
            tls_unverified_peers: open(reason),
            secrets_inline: open(reason),
            secrets_known: open(reason),
            secrets_short: open(reason),
            keys_open_permissions: open(reason),
            bind_all_interfaces: open(reason),
            admin_exposed: open(reason),
            debug_logging: open(reason),
            limits_unbounded: open(reason),
            unknown_keys: open(reason),
            privileges_excessive: open(reason),
            proxy_header_trusted: open(reason),
            undetermined: open(reason),
        }
    }
}

#[cfg(test)]
mod tests;
