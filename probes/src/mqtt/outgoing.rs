//! Packets that a probe sends.
//!
//! The one publication here is [`canary`]: QoS 1, no payload, and no way to set the retain flag. A
//! retained message without payload would take away what a broker keeps for that topic (MQTT 5
//! section 3.3.1.3), so no value of these types can make one. A will is such a canary, too.

use super::codes::Version;
use super::wire::{put_data, put_variable};

/// Seconds of keep alive that a CONNECT asks for.
pub const KEEP_ALIVE: u16 = 10;

/// Longest packet that a broker of MQTT 5 may send, in bytes: it withholds longer ones (MQTT 5
/// section 3.1.2.11.4).
pub const MAXIMUM_PACKET_SIZE: u32 = 1024;

/// Messages of QoS 1 and 2 that a broker of MQTT 5 may have under way at once.
const RECEIVE_MAXIMUM: u16 = 16;

/// Seconds that a broker of MQTT 5 is asked to keep a session which a probe comes back for. MQTT 3.1.1
/// has no word for that.
pub const SESSION_EXPIRY: u32 = 60;

/// Which session a client wants, and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// A new one that ends with its connection; one that was kept is gone.
    Fresh,
    /// The one that was kept, or a new one, which is kept for [`SESSION_EXPIRY`].
    Kept,
    /// The one that was kept, or a new one, which ends with its connection. In MQTT 3.1.1 it is kept.
    Resumed,
}

/// A CONNECT.
#[derive(Clone, Copy)]
pub struct Connect<'a> {
    /// Version of the protocol.
    pub version: Version,
    /// Client id.
    pub client_id: &'a str,
    /// User name and password.
    pub login: Option<(&'a str, &'a str)>,
    /// Its session.
    pub stay: Stay,
    /// The run, for the owner who looks at the broker's log; sent in MQTT 5 alone.
    pub run: &'a str,
    /// Topic of a will: QoS 1, no payload, not retained, and at once.
    pub will: Option<&'a str>,
}

impl Connect<'_> {
    /// The packet (MQTT 5 section 3.1, MQTT 3.1.1 section 3.1).
    pub fn packet(&self) -> Vec<u8> {
        const CLEAN_START: u8 = 0x02;
        const WILL_QOS_1: u8 = 0x0c;
        const PASSWORD: u8 = 0x40;
        const USER_NAME: u8 = 0x80;
        let (name, level) = match self.version {
            Version::V31 => ("MQIsdp", 3),
            Version::V311 => ("MQTT", 4),
            Version::V5 => ("MQTT", 5),
        };
        let mut body = Vec::new();
        put_data(&mut body, name.as_bytes());
        let login = if self.login.is_some() { USER_NAME | PASSWORD } else { 0 };
        let will = if self.will.is_some() { WILL_QOS_1 } else { 0 };
        let clean = if self.stay == Stay::Fresh { CLEAN_START } else { 0 };
        body.extend([level, clean | will | login]);
        body.extend(KEEP_ALIVE.to_be_bytes());
        if self.version == Version::V5 {
            let expiry = if self.stay == Stay::Kept { SESSION_EXPIRY } else { 0 };
            let mut properties = vec![0x11];
            properties.extend(expiry.to_be_bytes());
            properties.push(0x21);
            properties.extend(RECEIVE_MAXIMUM.to_be_bytes());
            properties.push(0x27);
            properties.extend(MAXIMUM_PACKET_SIZE.to_be_bytes());
            properties.push(0x26);
            put_data(&mut properties, b"plumbline-run");
            put_data(&mut properties, self.run.as_bytes());
            put_variable(&mut body, properties.len());
            body.extend(properties);
        }
        put_data(&mut body, self.client_id.as_bytes());
        if let Some(topic) = self.will {
            // Without a Will Delay Interval it goes out as soon as the connection is gone.
            if self.version == Version::V5 {
                put_variable(&mut body, 0);
            }
            put_data(&mut body, topic.as_bytes());
            put_data(&mut body, &[]);
        }
        if let Some((user, password)) = self.login {
            put_data(&mut body, user.as_bytes());
            put_data(&mut body, password.as_bytes());
        }
        framed(0x10, &body)
    }
}

/// What a broker sends of what it keeps when a subscription is made (MQTT 5 section 3.8.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retained {
    /// All of it: retain handling 0, and what MQTT 3.1.1 always does.
    Send,
    /// Nothing: retain handling 2.
    Keep,
}

/// How surely messages are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surety {
    /// QoS 0: while the client is connected.
    AtMostOnce,
    /// QoS 1: kept for a client that is away, where its session is kept.
    AtLeastOnce,
}

/// A SUBSCRIBE to one filter (MQTT 5 section 3.8).
pub fn subscribe(
    version: Version,
    id: u16,
    filter: &str,
    retained: Retained,
    surety: Surety,
) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        put_variable(&mut body, 0);
    }
    put_data(&mut body, filter.as_bytes());
    let qos = if surety == Surety::AtLeastOnce { 1 } else { 0 };
    body.push(match (version, retained) {
        (Version::V5, Retained::Keep) => 2 << 4 | qos,
        _ => qos,
    });
    framed(0x82, &body)
}

/// An UNSUBSCRIBE of one filter (MQTT 5 section 3.10).
pub fn unsubscribe(version: Version, id: u16, filter: &str) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        put_variable(&mut body, 0);
    }
    put_data(&mut body, filter.as_bytes());
    framed(0xa2, &body)
}

/// A PUBLISH with QoS 1, retain 0 and no payload (MQTT 5 section 3.3).
pub fn canary(version: Version, id: u16, topic: &str) -> Vec<u8> {
    const PUBLISH_QOS_1: u8 = 0x32;
    let mut body = Vec::new();
    put_data(&mut body, topic.as_bytes());
    body.extend(id.to_be_bytes());
    if version == Version::V5 {
        put_variable(&mut body, 0);
    }
    framed(PUBLISH_QOS_1, &body)
}

/// A PINGREQ.
pub fn ping() -> Vec<u8> {
    framed(0xc0, &[])
}

/// A DISCONNECT, normal.
pub fn disconnect() -> Vec<u8> {
    framed(0xe0, &[])
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    put_variable(&mut packet, body.len());
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::Reader;
    use super::*;

    const PLAIN: Connect<'static> = Connect {
        version: Version::V5,
        client_id: "plumb-0123456789abcdef",
        login: None,
        stay: Stay::Fresh,
        run: "run-1",
        will: None,
    };

    fn connect(version: Version, login: Option<(&'static str, &'static str)>) -> Vec<u8> {
        Connect { version, login, ..PLAIN }.packet()
    }

    #[test]
    fn a_session_is_kept_only_where_that_is_asked_and_for_a_minute() {
        let flags = |version, stay| {
            let packet = Connect { version, stay, ..PLAIN }.packet();
            let expiry = (version == Version::V5).then(|| packet[13..18].to_vec());
            (packet[9], expiry)
        };
        let for_seconds = |seconds| Some(vec![0x11, 0, 0, 0, seconds]);
        assert_eq!(flags(Version::V5, Stay::Fresh), (0x02, for_seconds(0)));
        assert_eq!(flags(Version::V5, Stay::Kept), (0, for_seconds(60)));
        assert_eq!(flags(Version::V5, Stay::Resumed), (0, for_seconds(0)));
        for stay in [Stay::Kept, Stay::Resumed] {
            assert_eq!(flags(Version::V311, stay), (0, None));
        }
    }

    #[test]
    fn a_connect_of_3_1_1_is_what_the_reference_client_would_send() {
        let mut theirs = rumqttc::mqttbytes::v4::Connect::new("plumb-0123456789abcdef");
        theirs.keep_alive = KEEP_ALIVE;
        theirs.clean_session = true;
        let mut expected = Default::default();
        theirs.write(&mut expected).expect("valid");
        assert_eq!(connect(Version::V311, None), expected.to_vec());
    }

    #[test]
    fn a_connect_of_3_1_names_the_old_protocol() {
        let packet = connect(Version::V31, None);
        assert_eq!(packet[2..11], *b"\0\x06MQIsdp\x03");
    }

    #[test]
    fn a_connect_of_5_ends_its_session_with_its_connection_and_asks_for_short_packets() {
        let packet = connect(Version::V5, Some(("user", "word")));
        assert_eq!(packet[2..9], *b"\0\x04MQTT\x05");
        assert_eq!(packet[9], 0xc2);
        let mut properties = Reader::new(&packet[12..]);
        let length = properties.variable().expect("a length");
        let block = properties.bytes(length).expect("a block");
        assert_eq!(block[..13], [0x11, 0, 0, 0, 0, 0x21, 0, 16, 0x27, 0, 0, 4, 0]);
        assert_eq!(properties.data(), Ok(&b"plumb-0123456789abcdef"[..]));
        assert_eq!(properties.data(), Ok(&b"user"[..]));
        assert_eq!(properties.data(), Ok(&b"word"[..]));
        assert_eq!(properties.left(), 0);
    }

    #[test]
    fn a_will_is_a_canary_that_is_not_retained_and_has_no_payload() {
        for version in [Version::V31, Version::V311, Version::V5] {
            let without = connect(version, None);
            let with = Connect { version, will: Some("a/b"), ..PLAIN }.packet();
            let flags = 2 + 2 + usize::from(without[3]) + 1;
            assert_eq!(without[flags], 0x02);
            assert_eq!(with[flags], 0x0e, "clean start, a will of QoS 1, no retain");
            let tail: &[u8] =
                if version == Version::V5 { b"\0\0\x03a/b\0\0" } else { b"\0\x03a/b\0\0" };
            assert!(with.ends_with(tail), "{with:x?}");
            assert_eq!(with.len(), without.len() + tail.len());
        }
    }

    proptest! {
        /// Whatever the topic, the fixed header of a canary never has the retain flag, and nothing
        /// stands behind its topic, packet id and properties.
        #[test]
        fn no_topic_makes_a_canary_that_is_retained_or_says_something(topic in ".{0,300}", id: u16) {
            for version in [Version::V311, Version::V5] {
                let packet = canary(version, id, &topic);
                prop_assert_eq!(packet[0], 0x32);
                let mut reader = Reader::new(&packet[1..]);
                let length = reader.variable().expect("a length");
                prop_assert_eq!(length, reader.left());
                prop_assert_eq!(reader.data(), Ok(topic.as_bytes()));
                prop_assert_eq!(reader.two(), Ok(id));
                if version == Version::V5 {
                    prop_assert_eq!(reader.variable(), Ok(0));
                }
                prop_assert_eq!(reader.left(), 0);
            }
        }
    }

    #[test]
    fn a_subscription_says_what_becomes_of_retained_messages_in_5_alone() {
        let said = |version, retained, surety| subscribe(version, 7, "#", retained, surety);
        let (once, kept) = (Surety::AtMostOnce, Surety::AtLeastOnce);
        assert_eq!(said(Version::V5, Retained::Keep, once), b"\x82\x07\0\x07\0\0\x01#\x20");
        assert_eq!(said(Version::V5, Retained::Send, once), b"\x82\x07\0\x07\0\0\x01#\0");
        assert_eq!(said(Version::V311, Retained::Keep, once), b"\x82\x06\0\x07\0\x01#\0");
        assert_eq!(said(Version::V5, Retained::Keep, kept), b"\x82\x07\0\x07\0\0\x01#\x21");
        assert_eq!(said(Version::V311, Retained::Keep, kept), b"\x82\x06\0\x07\0\x01#\x01");
        assert_eq!(unsubscribe(Version::V311, 8, "#"), b"\xa2\x05\0\x08\0\x01#");
        assert_eq!(unsubscribe(Version::V5, 8, "#"), b"\xa2\x06\0\x08\0\0\x01#");
    }

    #[test]
    fn the_short_packets_are_as_the_standard_has_them() {
        assert_eq!(ping(), [0xc0, 0]);
        assert_eq!(disconnect(), [0xe0, 0]);
    }
}
