//! Addresses of databases and names in them: text that somebody declares, and that neither gives away a
//! password nor becomes a statement.

use model::document::DeviceTable;
use store::StoreUrl;
use tables::statement::{Columns, select};

use super::peer::parts;

/// A password that stands nowhere by chance.
const PASSWORD: &str = "p4ss-w0rd-0f-n0b0dy";

/// Most bytes of a name (`model::document` holds names to it, and to have no NUL).
const NAME: usize = 63;

/// Addresses of a store or of a table's database: whatever stands around a password, neither the address
/// that was read nor the refusal shows it.
pub(super) fn store_address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    shown(&text);
    let (user, rest) = text.split_once('@').unwrap_or(("plumb", &text));
    // What is behind one of these is no user name.
    let user: String = user.chars().filter(|c| !"/?#@:".contains(*c)).collect();
    for address in [
        format!("postgres://{user}:{PASSWORD}@{rest}"),
        format!("postgresql://{user}@db/audit?password={PASSWORD}&{rest}"),
        format!("mysql://{user}:{PASSWORD}@{rest}"),
    ] {
        let shown = shown(&address);
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
}

fn shown(address: &str) -> String {
    match address.parse::<StoreUrl>() {
        Ok(url) => format!("{url} {url:?}"),
        Err(refusal) => format!("{refusal} {refusal:?}"),
    }
}

/// Names of a table: the statements hold them as names, and nothing of them as anything else.
pub(super) fn table_statement(bytes: &[u8]) {
    let mut names = parts(bytes).into_iter().map(name);
    let mut next = || names.next().unwrap_or_else(|| "n".to_owned());
    let (device, certificate, table) = (next(), next(), next());
    let (schema, cohort, username) = (next(), next(), next());
    for declared in 0..8 {
        let given = |bit: u8, name: &String| (declared & bit != 0).then(|| name.clone());
        let declared = DeviceTable {
            schema: given(1, &schema),
            name: table.clone(),
            device: device.clone(),
            certificate: certificate.clone(),
            cohort: given(2, &cohort),
            username: given(4, &username),
        };
        let more = [&declared.cohort, &declared.username];
        let place: Vec<_> = declared.schema.iter().chain([&table]).collect();
        let at = if place.len() == 2 { "\u{0}.\u{0}" } else { "\u{0}" };

        let (words, found) = taken_apart(&select(&declared, 9));
        let [cohort, username] =
            more.map(|name| if name.is_some() { "left(\u{0}::text, 1000)" } else { "NULL::text" });
        assert_eq!(
            words,
            format!(
                "SELECT left(\u{0}::text, 1000), CASE WHEN octet_length(\u{0}) <= 9 THEN \u{0} END, \
                 octet_length(\u{0})::bigint, {cohort}, {username} FROM {at}"
            )
        );
        let named = std::iter::once(&device).chain([&certificate; 3]);
        let named = named.chain(more.into_iter().flatten()).chain(place.iter().copied());
        assert!(found.iter().eq(named), "{found:?}");

        let (words, found) = taken_apart(&Columns::look(&declared));
        let columns = ", \u{0}".repeat(more.into_iter().flatten().count());
        assert_eq!(words, format!("SELECT \u{0}, \u{0}{columns} FROM {at}"));
        let named = [&certificate, &device].into_iter().chain(more.into_iter().flatten());
        assert!(found.iter().eq(named.chain(place)), "{found:?}");
    }
}

/// A name as a document may hold it.
fn name(bytes: &[u8]) -> String {
    let mut name = String::from_utf8_lossy(bytes).replace('\0', "");
    while name.len() > NAME {
        name.pop();
    }
    if name.is_empty() { "n".to_owned() } else { name }
}

/// A statement as Postgres reads it ("Lexical Structure", section 4.1.1): what is no quoted name, with NUL
/// in the place of each, and the names.
fn taken_apart(statement: &str) -> (String, Vec<String>) {
    let (mut words, mut names) = (String::new(), Vec::new());
    let mut rest = statement;
    while let Some((before, quoted)) = rest.split_once('"') {
        words.push_str(before);
        words.push('\0');
        let mut name = String::new();
        rest = quoted;
        loop {
            let (part, behind) = rest.split_once('"').expect("a name ends");
            name.push_str(part);
            match behind.strip_prefix('"') {
                Some(more) => {
                    name.push('"');
                    rest = more;
                }
                None => {
                    rest = behind;
                    break;
                }
            }
        }
        names.push(name);
    }
    words.push_str(rest);
    (words, names)
}
