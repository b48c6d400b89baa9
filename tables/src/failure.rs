//! What went wrong at a database, in sentences of ours.

use std::io;

use model::document::DeviceTable;
use probes::table::TableError;

/// The time is over.
pub fn late() -> TableError {
    TableError::Timeout("the deadline of the check passed before the table was read".to_owned())
}

/// The failure behind an error of the driver. What the server wrote is left out: it may repeat the
/// address, and a row.
pub fn failed(error: &sqlx::Error, table: &DeviceTable) -> TableError {
    let name = table.written();
    let name = name.escape_debug();
    match error {
        sqlx::Error::Database(told) => {
            let code = told.code().unwrap_or_default();
            match code.as_ref() {
                "57014" => late(),
                "42P01" | "3F000" => TableError::Failed(format!("there is no table `{name}`")),
                "42703" => TableError::Failed(format!(
                    "the table `{name}` lacks one of the declared columns {}",
                    columns(table)
                )),
                "42501" => TableError::Refused(format!("the user may not read the table `{name}`")),
                "28P01" | "28000" => {
                    TableError::Refused("the database refuses the user or the password".to_owned())
                }
                "3D000" => TableError::Failed("the server has no database of that name".to_owned()),
                "53300" => TableError::Refused("the database takes no more connections".to_owned()),
                _ => {
                    let code: String =
                        code.chars().filter(char::is_ascii_alphanumeric).take(5).collect();
                    TableError::Failed(format!("the database answered with SQLSTATE {code}"))
                }
            }
        }
        sqlx::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                TableError::Refused("the database refuses connections".to_owned())
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                TableError::Failed("the database ended the connection".to_owned())
            }
            kind => TableError::Failed(format!("the connection to the database failed: {kind}")),
        },
        sqlx::Error::Tls(_) => TableError::Failed(
            "no TLS with the database: it offers none, or its certificate is not trusted (see \
             `sslmode` and `sslrootcert` in its address)"
                .to_owned(),
        ),
        _ => {
            TableError::Failed("the database answered in a way that was not understood".to_owned())
        }
    }
}

fn columns(table: &DeviceTable) -> String {
    let more = [table.cohort.as_ref(), table.username.as_ref()];
    let names = [Some(&table.device), Some(&table.certificate)].into_iter().chain(more);
    let names = names.flatten().map(|name| format!("`{}`", name.escape_debug()));
    names.collect::<Vec<_>>().join(", ")
}
