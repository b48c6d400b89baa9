//! Secrets in configuration: told by name, kept as place, kind and length class.
//!
//! A value goes in here and does not come out again. Whether it is a well-known default is asked
//! by comparing salted digests, so that neither the source nor the binary lists passwords.

use model::evidence::{LengthClass, SecretKind};
use sha2::{Digest as _, Sha256};

/// What is known of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// Roughly how long it is.
    pub length: LengthClass,
    /// On the public list of defaults.
    pub known: bool,
}

impl Traits {
    /// Looks at a secret.
    pub fn of(secret: &str) -> Self {
        Self { length: length(secret), known: is_known(secret) }
    }
}

/// Words that make the name of a setting the name of a secret.
const SECRETS: [(&str, SecretKind); 15] = [
    ("password", SecretKind::Password),
    ("passwd", SecretKind::Password),
    ("passphrase", SecretKind::Password),
    ("pass", SecretKind::Password),
    ("pwd", SecretKind::Password),
    ("pin", SecretKind::Password),
    ("token", SecretKind::Token),
    ("apikey", SecretKind::Token),
    ("psk", SecretKind::Key),
    ("secret", SecretKind::Other),
    ("secrets", SecretKind::Other),
    ("credential", SecretKind::Other),
    ("credentials", SecretKind::Other),
    ("dsn", SecretKind::Other),
    ("cookie", SecretKind::Other),
];

/// Words that make `key` behind them a secret; `key` alone is mostly the path of a file.
const SECRET_KEYS: [&str; 9] =
    ["api", "access", "auth", "shared", "private", "secret", "signing", "encryption", "master"];

/// Last words that make a name speak about a secret rather than hold it.
const ABOUT: [&str; 38] = [
    "file",
    "files",
    "path",
    "dir",
    "directory",
    "ref",
    "reference",
    "env",
    "name",
    "id",
    "ttl",
    "seconds",
    "minutes",
    "hours",
    "days",
    "enabled",
    "required",
    "policy",
    "length",
    "min",
    "max",
    "type",
    "format",
    "header",
    "hint",
    "url",
    "uri",
    "endpoint",
    "algorithm",
    "expiry",
    "interval",
    "size",
    "count",
    "limit",
    "location",
    "alias",
    "version",
    "timeout",
];

/// What the setting of that name holds, if it holds a secret.
pub fn kind(name: &str) -> Option<SecretKind> {
    let words = words(name);
    let last = words.last()?;
    if ABOUT.contains(&last.as_str()) {
        return None;
    }
    let named = words
        .iter()
        .rev()
        .find_map(|word| SECRETS.iter().find(|(secret, _)| secret == word).map(|(_, kind)| *kind));
    named.or_else(|| {
        words
            .windows(2)
            .any(|pair| pair[1] == "key" && SECRET_KEYS.contains(&pair[0].as_str()))
            .then_some(SecretKind::Key)
    })
}

/// The words of a name: `MQTT_PASSWORD`, `mqttPassword` and `mqtt-password` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The password inside an address like `mqtt://user:password@host`.
pub fn in_address(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty()).then_some(password)
}

/// What fills a value in from elsewhere, in words; none where the value stands as it is.
pub fn placeholder(text: &str) -> Option<&'static str> {
    let variable = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if text.contains("${") || text.contains("$(") || text.strip_prefix('$').is_some_and(variable) {
        return Some(VARIABLE);
    }
    elsewhere(text)
}

/// What is said of a value that a variable fills in.
pub const VARIABLE: &str = "a variable fills it in";

/// What fills a value in that is no variable.
pub fn elsewhere(text: &str) -> Option<&'static str> {
    if text.contains("{{") || text.contains("<%") {
        return Some("a template fills it in");
    }
    if text.contains("%(") && text.contains(")s") {
        return Some("another section fills it in");
    }
    if text.starts_with("ENC[") || text.starts_with("$ANSIBLE_VAULT;") {
        return Some("it is encrypted");
    }
    None
}

fn length(secret: &str) -> LengthClass {
    match secret.chars().take(16).count() {
        0 => LengthClass::Empty,
        1..=7 => LengthClass::UpTo7,
        8..=15 => LengthClass::UpTo15,
        _ => LengthClass::From16,
    }
}

/// Salt of [`KNOWN`]: it keeps the digests out of tables of plain ones.
const SALT: &[u8] = b"plumbline default credentials v1\n";

/// The first 16 bytes of SHA-256 over [`SALT`] and a default in lower case, as hex.
const KNOWN: [&str; 20] = [
    // EMQX and NanoMQ dashboards and users
    "d1fbc69765322ff092910ac431576602",
    // EMQX cookie
    "4a6576ecff12018db28c78438225ca64",
    // RabbitMQ
    "c88a0d80dcbf3138859a2390536ace4a",
    // HiveMQ
    "4500fa47a6dd96ff8c397ce81375134b",
    // VerneMQ cookie
    "35110d4f1fa92b2ca9a8fdde210c5c8d",
    // Node-RED sample hash, its first 15 characters
    "18801d338ffe41a5dfc9ca592bc22020",
    // ThingsBoard gateway
    "bb8e414e23bc51b696ee9f1a5ffcc1ab",
    // ThingsBoard server
    "3fd1c0b3e642b2640fd29401246d9e99",
    // Kura
    "5d436ded4cd756e86ad99aa485c90a4b",
    "9f62f33ab2e5a766f846abe901ba50a7",
    // Samples everywhere
    "dc18a57735437f8880ce73c34af205c1",
    "0150eb3ec48e4a831424daf41743ab96",
    "41b46b2f74066f73200628981f520bde",
    "fce08c052aa5106c4df3d4c59fc9a2b0",
    "ed3cc1365aeaf4bc6adcd44216ce7fe1",
    "46c139f1913bf0ac1a9fef03ce7fcb2a",
    "ae0b74f87cae1802554d73e82aab6560",
    // Telegraf sample
    "b28ac5f7920210aa5fcab0fd2b889262",
    // HAProxy sample
    "1bcf12a97529f9ec6fabf98992c4072e",
    // RabbitMQ, user and password
    "0a8638ffab42d2611b60c38211f3777d",
];

/// True if the secret, its start where that is what samples share, or its part behind a user
/// name is on the list. Templates that nobody filled in (`YOUR_...`) count too.
fn is_known(secret: &str) -> bool {
    let secret = secret.to_lowercase();
    let start = secret.get(..15).filter(|start| start.starts_with("$2"));
    let behind_user = secret.split_once(':').map(|(_, password)| password);
    secret.starts_with("your_")
        || [Some(secret.as_str()), start, behind_user].into_iter().flatten().any(|candidate| {
            let digest = Sha256::new().chain_update(SALT).chain_update(candidate).finalize();
            let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
            KNOWN.contains(&hex.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_defaults_are_recognised_in_any_case_and_behind_a_user() {
        for secret in ["public", "Public", "changeme", "guest:guest", "admin:admin", "YOUR_TOKEN"] {
            assert!(Traits::of(secret).known, "{secret}");
        }
        assert!(Traits::of("$2a$08$zZWtXTjaWhateverFollows").known);
        assert!(!Traits::of("f3b1c0ffee-not-on-any-list").known);
    }

    #[test]
    fn a_name_that_holds_a_secret_is_told_from_one_that_points_to_it() {
        let held = [
            ("MQTT_PASSWORD", SecretKind::Password),
            ("mqttPassword", SecretKind::Password),
            ("bridge-password", SecretKind::Password),
            ("INFLUX_TOKEN", SecretKind::Token),
            ("apiKey", SecretKind::Key),
            ("TB_ACCESS_TOKEN", SecretKind::Token),
            ("client_secret", SecretKind::Other),
            ("bridge_psk", SecretKind::Key),
        ];
        for (name, expected) in held {
            assert_eq!(kind(name), Some(expected), "{name}");
        }
        for name in
            ["password_file", "TOKEN_ENV", "key", "tls_key", "psk_hint", "token_ttl", "bypass"]
        {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    #[test]
    fn a_password_inside_an_address_is_found() {
        assert_eq!(in_address("mqtt://u:pw@h:1883/x"), Some("pw"));
        assert_eq!(in_address("mqtt://u:p@w@h"), Some("p@w"));
        for text in ["mqtt://h:1883", "https://h/a:b@c", "u:pw@h", "http://u@h", "http://u:@h"] {
            assert_eq!(in_address(text), None, "{text}");
        }
    }

    #[test]
    fn values_from_elsewhere_are_told_from_values() {
        for text in ["${X}", "a-${X:-b}", "$TOKEN", "{{ token }}", "%(x)s", "ENC[AES256,x]", "$(x)"]
        {
            assert!(placeholder(text).is_some(), "{text}");
        }
        for text in ["", "plain", "$2a$08$hash", "100%", "{x}", "a$b"] {
            assert!(placeholder(text).is_none(), "{text}");
        }
    }

    #[test]
    fn length_is_told_in_four_classes() {
        let class = |n: usize| Traits::of(&"é".repeat(n)).length;
        assert_eq!(class(0), LengthClass::Empty);
        assert_eq!(class(7), LengthClass::UpTo7);
        assert_eq!(class(8), LengthClass::UpTo15);
        assert_eq!(class(15), LengthClass::UpTo15);
        assert_eq!(class(16), LengthClass::From16);
    }
}
