//! EMQX 5 and 6: base.hocon, cluster.hocon, emqx.conf and the `EMQX_` environment, from weak to
//! strong, with acl.conf beside them.

mod acl;
mod judge;
mod keys;

use std::collections::BTreeSet;

use model::document::ConfigFormat;
use model::evidence::Guardrail;

use super::hocon::{self, Hocon};
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::settings::{
    Environment, Named, Program, Schema, Settings, Words, path,
};
use crate::gateway_config_guardrails::tree::{Unreadable, Value};
use crate::gateway_config_guardrails::version::Version;

/// EMQX.
pub const PROGRAM: Program = Program {
    name: "emqx",
    format: ConfigFormat::Emqx,
    named: Named { files: &["emqx.conf", "cluster.hocon"], looks_like: is_likely },
    read,
    keys: keys::KEYS,
    schema: Schema::Partial("EMQX refuses to start"),
    words: Words::TRUE_FALSE,
    releases: &[
        ("5", Version { major: 5, minor: 8, patch: 0 }),
        ("6.0", Version { major: 6, minor: 0, patch: 0 }),
        ("6.2.1", Version { major: 6, minor: 2, patch: 1 }),
    ],
    covers: &[
        Guardrail::Anonymous,
        Guardrail::IdentityMapping,
        Guardrail::Authorization,
        Guardrail::Tls,
        Guardrail::TlsVersion,
        Guardrail::PeerVerification,
        Guardrail::Bind,
        Guardrail::Admin,
        Guardrail::Debug,
        Guardrail::Limits,
        Guardrail::UnknownKey,
    ],
    judge: judge::judge,
};

/// Where cluster.hocon is beside emqx.conf, as packages and containers lay it out.
const CLUSTER: [&str; 3] =
    ["cluster.hocon", "data/configs/cluster.hocon", "../data/configs/cluster.hocon"];

/// The file with rules that is there without being named.
const ACL: &str = "acl.conf";

fn read(main: &Text, files: &mut Files, environment: &Environment) -> Result<Settings, Unreadable> {
    let mut hocon = Hocon::new(files, environment);
    if !main.name.ends_with("cluster.hocon") {
        hocon.read_beside(&["base.hocon", "etc/base.hocon"])?;
        if !hocon.read_beside(&CLUSTER)? {
            let reason = "the dashboard and the API write further settings into it, and it is not \
                          beside the configuration; add it to the folder that the target names";
            hocon.settings().gap(Vec::new(), Place::top(&main.name), "cluster.hocon", reason);
        }
    }
    hocon.read(main)?;
    // 5.0 had these two in the place of cluster.hocon, and they were stronger than emqx.conf.
    hocon.read_beside(&["cluster-override.conf"])?;
    hocon.read_beside(&["local-override.conf"])?;
    for (name, value, place) in environment.all() {
        if let Some(path) = overruled(name, environment) {
            match value {
                Value::Scalar(text) => hocon.overrule(path, text, place)?,
                other => hocon.settings().set(path, other.clone(), place.clone())?,
            }
        }
    }
    let mut settings = hocon.finish()?;
    let sources = path("authorization.sources");
    let named = settings.names(&sources).into_iter().take(MAX_SOURCES).map(|index| {
        let at = [sources.as_slice(), &[index, "path".to_owned()]].concat();
        match settings.get(&at).map(|given| &given.value) {
            Some(Value::Scalar(written)) => written.clone(),
            _ => ACL.to_owned(),
        }
    });
    let named: BTreeSet<_> = named.chain([ACL.to_owned()]).collect();
    for written in named {
        let name = acl::file_name(&written);
        if let Ok(text) = files.read(name).or_else(|_| files.read(&format!("etc/{name}"))) {
            settings.attach(name, Ok(text));
        }
    }
    Ok(settings)
}

/// Most sources of rules whose files are read; EMQX takes one of each kind.
const MAX_SOURCES: usize = 16;

/// The path that a name of the environment sets: `EMQX_LISTENERS__TCP__DEFAULT__BIND`, or one of
/// the two old names that have no `__`.
fn overruled(name: &str, environment: &Environment) -> Option<Vec<String>> {
    match name {
        "EMQX_NODE_NAME" => return Some(path("node.name")),
        "EMQX_NODE_COOKIE" => return Some(path("node.cookie")),
        _ => {}
    }
    let prefix = environment.text("HOCON_ENV_OVERRIDE_PREFIX").unwrap_or("EMQX_");
    let rest = name.strip_prefix(prefix)?.to_ascii_lowercase();
    // Names without `__` are mostly those of start scripts; the one root that is a list is not.
    let is_path = rest.contains("__") || rest == "authentication";
    is_path.then(|| rest.split("__").map(str::to_owned).collect())
}

/// Whether a text has two of the sections that only EMQX has.
fn is_likely(text: &str) -> bool {
    let known = ["node", "dashboard", "authorization", "authentication", "rpc", "cluster"];
    hocon::sections(text).iter().filter(|name| known.contains(&name.as_str())).count() > 1
}
