//! Whether a server takes a session of TLS 1.2 up again on another connection.

use tokio::io::AsyncWriteExt as _;

use super::ClientHello;
use super::inside::Stop;
use super::record::{Event, Malformed, Reassembler};
use crate::net::Dialer;

/// Type of a ServerHello.
const SERVER_HELLO: u8 = 2;
/// Type of a NewSessionTicket. Before a certificate or a key exchange it comes only where a session
/// goes on (RFC 5077 section 3.1, figure 2).
const NEW_SESSION_TICKET: u8 = 4;

/// What a server does with a hello that names a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It goes on: what follows its hello is encrypted with keys of that session.
    Resumed,
    /// It begins anew, with its certificate or key exchange.
    Anew,
    /// It ends the connection with an alert.
    Refused(u8),
}

/// Sends a hello over a new connection and reads as far as the answer is clear. Nothing more is sent.
pub async fn ask(dialer: &Dialer, hello: &ClientHello) -> Result<Answer, Stop> {
    let mut connection = dialer.connect().await?;
    // Who refuses early may have closed already: what was said before is still there to be read.
    connection.write_all(&hello.encode(rand::random())).await.ok();
    let mut reader = Reader::default();
    loop {
        if let Some(answer) = reader.take(&connection.receive(16 * 1024).await?)? {
            return Ok(answer);
        }
    }
}

#[derive(Debug, Default)]
struct Reader {
    messages: Reassembler,
    greeted: bool,
}

impl Reader {
    fn take(&mut self, bytes: &[u8]) -> Result<Option<Answer>, Malformed> {
        // A fault further back must not hide the messages before it.
        let pushed = self.messages.push(bytes);
        while let Some(event) = self.messages.next_event() {
            match (event, self.greeted) {
                (Event::Message { kind: SERVER_HELLO, .. }, false) => self.greeted = true,
                (Event::Message { kind, .. }, false) => return Err(Malformed::Message(kind)),
                (Event::Message { kind: NEW_SESSION_TICKET, .. }, true) => {
                    return Ok(Some(Answer::Resumed));
                }
                (Event::Message { .. }, true) => return Ok(Some(Answer::Anew)),
                // A warning is no answer, unless it says goodbye.
                (Event::Alert { level: 1, description: 1.. }, _) => {}
                (Event::Alert { description, .. }, _) => {
                    return Ok(Some(Answer::Refused(description)));
                }
            }
        }
        pushed?;
        match (self.messages.is_encrypted(), self.greeted) {
            (true, true) => Ok(Some(Answer::Resumed)),
            (true, false) => Err(Malformed::NotTls),
            (false, _) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HELLO: [u8; 9] = [22, 3, 3, 0, 4, 2, 0, 0, 0];
    const CHANGE: [u8; 6] = [20, 3, 3, 0, 1, 1];

    fn message(kind: u8) -> Vec<u8> {
        vec![22, 3, 3, 0, 4, kind, 0, 0, 0]
    }

    fn answer(parts: &[&[u8]]) -> Result<Option<Answer>, Malformed> {
        Reader::default().take(&parts.concat())
    }

    #[test]
    fn a_session_goes_on_where_the_keys_change_after_the_hello_or_a_new_ticket_comes() {
        assert_eq!(answer(&[&HELLO, &CHANGE]), Ok(Some(Answer::Resumed)));
        assert_eq!(answer(&[&HELLO, &message(4)]), Ok(Some(Answer::Resumed)));
        assert_eq!(answer(&[&HELLO]), Ok(None));
    }

    #[test]
    fn whoever_shows_a_certificate_or_a_key_exchange_begins_anew() {
        for kind in [11, 12, 14, 22] {
            assert_eq!(answer(&[&HELLO, &message(kind)]), Ok(Some(Answer::Anew)));
            assert_eq!(answer(&[&HELLO, &message(kind), &CHANGE]), Ok(Some(Answer::Anew)));
        }
    }

    #[test]
    fn an_alert_refuses_a_warning_does_not_and_anything_else_is_no_answer() {
        assert_eq!(answer(&[&[21, 3, 3, 0, 2, 2, 40]]), Ok(Some(Answer::Refused(40))));
        assert_eq!(answer(&[&HELLO, &[21, 3, 3, 0, 2, 1, 0]]), Ok(Some(Answer::Refused(0))));
        assert_eq!(
            answer(&[&[21, 3, 3, 0, 2, 1, 112], &HELLO, &CHANGE]),
            Ok(Some(Answer::Resumed))
        );
        assert_eq!(answer(&[b"HTTP/1.1 400"]), Err(Malformed::NotTls));
        assert_eq!(answer(&[&CHANGE]), Err(Malformed::NotTls));
        assert_eq!(answer(&[&message(11)]), Err(Malformed::Message(11)));
    }

    proptest! {
        #[test]
        fn an_answer_in_pieces_is_the_same_answer(at in 0_usize..15, resumed in any::<bool>()) {
            let whole = match resumed {
                true => [&HELLO[..], &CHANGE].concat(),
                false => [&HELLO[..], &message(11)[..6], &[0, 0, 0]].concat(),
            };
            let mut reader = Reader::default();
            let early = reader.take(&whole[..at]).expect("a beginning");
            let late = reader.take(&whole[at..]).expect("an end");
            let expected = if resumed { Answer::Resumed } else { Answer::Anew };
            prop_assert_eq!(early.or(late), Some(expected));
        }
    }
}
