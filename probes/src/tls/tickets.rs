//! Tickets to resume a session by, as far as they say anything to a client.

use super::bytes::Reader;

/// Most tickets that are read of one session.
pub const MAX: usize = 16;

/// The extension that allows early data (RFC 8446 section 4.2.10).
const EARLY_DATA: u16 = 42;

/// What a NewSessionTicket says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// How long it may be used, in seconds; 0 in TLS 1.2 leaves it open (RFC 5077 section 3.3).
    pub lifetime: u32,
    /// Most early data that it allows, in bytes.
    pub early_data: u32,
}

/// A ticket of TLS 1.2 (RFC 5077 section 3.3); `Some(None)` for an empty one, which is none, and
/// `None` for what cannot be read.
pub fn of_tls12(body: &[u8]) -> Option<Option<Ticket>> {
    let mut reader = Reader::new(body);
    let lifetime = reader.u32()?;
    let ticket = reader.vec16()?;
    Some((!ticket.is_empty()).then_some(Ticket { lifetime, early_data: 0 }))
}

/// The ticket itself in a NewSessionTicket of TLS 1.2, empty for none (RFC 5077 section 3.3).
pub fn content_of_tls12(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    reader.u32()?;
    reader.vec16()
}

/// A ticket of TLS 1.3 (RFC 8446 section 4.6.1); `None` for what cannot be read.
pub fn of_tls13(body: &[u8]) -> Option<Ticket> {
    let mut reader = Reader::new(body);
    let lifetime = reader.u32()?;
    // What its age is hidden by, its nonce, and itself.
    reader.u32()?;
    reader.vec8()?;
    reader.vec16()?;
    let mut ticket = Ticket { lifetime, early_data: 0 };
    let mut extensions = Reader::new(reader.vec16()?);
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let mut content = Reader::new(extensions.vec16()?);
        if kind == EARLY_DATA {
            ticket.early_data = content.u32()?;
        }
    }
    Some(ticket)
}

/// Tickets in words, for the reader.
pub fn words(tickets: &[Ticket]) -> String {
    let Some(longest) = tickets.iter().map(|ticket| ticket.lifetime).max() else {
        return "no ticket".to_owned();
    };
    let early = match tickets.iter().map(|ticket| ticket.early_data).max() {
        None | Some(0) => String::new(),
        Some(most) => format!(", early data up to {most} bytes"),
    };
    let count = match tickets.len() {
        1 => "1 ticket".to_owned(),
        more => format!("{more} tickets"),
    };
    format!("{count}, for {longest} s{early}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ticket_of_tls12_has_a_lifetime_and_an_empty_one_is_none() {
        let ticket = Ticket { lifetime: 7200, early_data: 0 };
        assert_eq!(of_tls12(&[0, 0, 0x1c, 0x20, 0, 2, 9, 9]), Some(Some(ticket)));
        assert_eq!(of_tls12(&[0, 0, 0x1c, 0x20, 0, 0]), Some(None));
        assert_eq!(of_tls12(&[0, 0, 0x1c, 0x20, 0, 9, 9]), None);
        assert_eq!(content_of_tls12(&[0, 0, 0x1c, 0x20, 0, 2, 9, 8]), Some(&[9, 8][..]));
    }

    #[test]
    fn a_ticket_of_tls13_says_how_much_early_data_it_allows() {
        let head = [0, 9, 0x3a, 0x80, 1, 2, 3, 4, 1, 7, 0, 2, 9, 9];
        let plain = [&head[..], &[0, 0]].concat();
        assert_eq!(of_tls13(&plain), Some(Ticket { lifetime: 604_800, early_data: 0 }));
        let early = [&head[..], &[0, 13, 0x7a, 0x7a, 0, 1, 0, 0, 42, 0, 4, 0, 0, 0x40, 0]].concat();
        assert_eq!(of_tls13(&early), Some(Ticket { lifetime: 604_800, early_data: 16384 }));
        assert_eq!(of_tls13(&early[..early.len() - 1]), None);
    }

    #[test]
    fn words_name_the_longest_and_the_most() {
        assert_eq!(words(&[]), "no ticket");
        assert_eq!(words(&[Ticket { lifetime: 5, early_data: 0 }]), "1 ticket, for 5 s");
        let two = [Ticket { lifetime: 5, early_data: 9 }, Ticket { lifetime: 7, early_data: 0 }];
        assert_eq!(words(&two), "2 tickets, for 7 s, early data up to 9 bytes");
    }

    proptest! {
        #[test]
        fn random_tickets_never_panic(body in prop::collection::vec(any::<u8>(), 0..64)) {
            of_tls12(&body);
            content_of_tls12(&body);
            of_tls13(&body);
        }
    }
}
