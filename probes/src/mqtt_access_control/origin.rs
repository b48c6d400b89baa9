//! Whether a page of another site may open a WebSocket here: browsers send cookies and client
//! certificates along, so what stops such a page is the server's look at `Origin` alone (RFC 6455
//! section 10.2).

use model::document::{Endpoint, Protocol};
use model::evidence::{Item, MqttAccessControlStable};

use super::door::Door;
use super::settings::Settings;

/// An origin that is nobody's: names below `invalid` never exist (RFC 6761 section 6.4).
const FOREIGN: &str = "https://plumbline.invalid";

/// Asks as a page of a foreign site. `opened` is whether a WebSocket without an origin was opened,
/// without which a refusal would say nothing about origins.
pub(super) async fn observe(
    door: &mut Door<'_>,
    endpoint: &Endpoint,
    settings: &Settings,
    opened: bool,
    stable: &mut MqttAccessControlStable,
) {
    let over_websocket = matches!(endpoint.protocol, Protocol::Ws | Protocol::Wss);
    stable.ws_browsers = Item::observed(over_websocket && settings.browser_clients);
    if !over_websocket {
        stable.ws_foreign_origin = Item::not_attempted("the endpoint speaks no WebSocket");
        return;
    }
    if !settings.browser_clients {
        stable.ws_foreign_origin = Item::not_attempted("`params.browserClients` is not true");
        return;
    }
    let answer = door.upgrade_from(FOREIGN).await;
    stable.ws_foreign_origin = answer.and_then(|(status, mqtt)| match status {
        101 if mqtt => Item::observed(true),
        // Refused by its status, where the same request without an origin was taken.
        400..=499 if opened => Item::observed(false),
        101 => Item::refused("the WebSocket was opened without the subprotocol mqtt"),
        _ => Item::error(format!("the WebSocket was not opened: status {status}")),
    });
}
