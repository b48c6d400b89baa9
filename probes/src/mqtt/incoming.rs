//! Packets that a broker sends, as far as a probe asks for them. Of a message only its topic and
//! the size of its payload are taken.

use model::evidence::AnnouncedLimits;

use super::codes::Version;
use super::properties;
use super::wire::{Malformed, Reader, variable};

/// Longest packet that is read, in bytes. A broker of MQTT 5 is asked for far shorter ones, one of
/// MQTT 3.1.1 cannot be asked.
pub const MAX_PACKET: usize = 256 * 1024;

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The answer to CONNECT.
    Connack {
        /// Return code or reason code.
        code: u8,
        /// Whether the broker has a session of this client from before; never in MQTT 3.1.
        present: bool,
        /// What it announces; none in the shape of MQTT 3.1.1.
        limits: Option<AnnouncedLimits>,
    },
    /// The answer to SUBSCRIBE.
    Suback {
        /// Packet id.
        id: u16,
        /// Code of the one filter.
        code: u8,
    },
    /// The answer to UNSUBSCRIBE.
    Unsuback {
        /// Packet id.
        id: u16,
    },
    /// A message.
    Publish(Message),
    /// The answer to a canary.
    Puback {
        /// Packet id.
        id: u16,
        /// Reason code; none in MQTT 3.1.1.
        code: Option<u8>,
    },
    /// The answer to PINGREQ.
    Pingresp,
    /// The broker ends the session, in MQTT 5.
    Disconnect {
        /// Reason code.
        code: u8,
    },
}

/// A message, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Topic: text of whoever published it.
    pub topic: Vec<u8>,
    /// Size of the payload, in bytes.
    pub payload_bytes: usize,
    /// Whether the broker had kept it.
    pub retained: bool,
    /// Packet id, where the QoS is above 0.
    pub id: Option<u16>,
}

/// The first whole packet and the bytes that it takes; none while its end is still to come.
pub fn decode(bytes: &[u8], version: Version) -> Result<Option<(Packet, usize)>, Malformed> {
    let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
    let is_known = matches!(first, 0x20 | 0x90 | 0xb0 | 0x30..=0x3f | 0x40 | 0xd0)
        || (*first == 0xe0 && version == Version::V5);
    if !is_known {
        return Err(Malformed("no packet that a broker sends begins like this"));
    }
    let Some((length, used)) = variable(rest)? else { return Ok(None) };
    if length > MAX_PACKET {
        return Err(Malformed("it is longer than a probe reads"));
    }
    let Some(body) = rest[used..].get(..length) else { return Ok(None) };
    let packet = body_of(*first, &mut Reader::new(body), version)?;
    Ok(Some((packet, 1 + used + length)))
}

fn body_of(first: u8, body: &mut Reader<'_>, version: Version) -> Result<Packet, Malformed> {
    let v5 = version == Version::V5;
    let packet = match first {
        0x20 => connack(body, v5)?,
        0x90 => {
            let id = body.two()?;
            if v5 {
                properties::skip(body)?;
            }
            Packet::Suback { id, code: body.byte()? }
        }
        0xb0 => {
            let id = body.two()?;
            // Properties and one code in MQTT 5, nothing else in 3.1.1; neither decides anything.
            if v5 {
                body.bytes(body.left())?;
            }
            Packet::Unsuback { id }
        }
        0x40 => {
            let id = body.two()?;
            // Code and properties may be left out (MQTT 5 section 3.4.2.1).
            let code = match (v5, body.left()) {
                (false, _) => None,
                (true, 0) => Some(0),
                (true, _) => Some(body.byte()?),
            };
            if body.left() > 0 && v5 {
                properties::skip(body)?;
            }
            Packet::Puback { id, code }
        }
        0xd0 => Packet::Pingresp,
        0xe0 => {
            let code = if body.left() == 0 { 0 } else { body.byte()? };
            if body.left() > 0 {
                properties::skip(body)?;
            }
            Packet::Disconnect { code }
        }
        _ => publish(first, body, v5)?,
    };
    if body.left() > 0 {
        return Err(Malformed("something stands behind its last field"));
    }
    Ok(packet)
}

/// A CONNACK in the shape of its version; a broker that does not speak MQTT 5 answers in that of
/// 3.1.1, so both are read in MQTT 5.
fn connack(body: &mut Reader<'_>, v5: bool) -> Result<Packet, Malformed> {
    let flags = body.byte()?;
    if flags > 1 {
        return Err(Malformed("its acknowledge flags are not defined"));
    }
    let code = body.byte()?;
    let limits = if v5 && body.left() > 0 { Some(properties::limits(body)?) } else { None };
    Ok(Packet::Connack { code, present: flags == 1, limits })
}

fn publish(first: u8, body: &mut Reader<'_>, v5: bool) -> Result<Packet, Malformed> {
    let qos = first >> 1 & 3;
    if qos == 3 {
        return Err(Malformed("its QoS is 3"));
    }
    let topic = body.data()?.to_vec();
    let id = if qos > 0 { Some(body.two()?) } else { None };
    if v5 {
        properties::skip(body)?;
    }
    let payload_bytes = body.left();
    body.bytes(payload_bytes)?;
    Ok(Packet::Publish(Message { topic, payload_bytes, retained: first & 1 == 1, id }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::{put_data, put_variable};
    use super::*;

    fn framed(first: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = vec![first];
        put_variable(&mut packet, body.len());
        packet.extend(body);
        packet
    }

    fn whole(bytes: &[u8], version: Version) -> Result<Packet, Malformed> {
        decode(bytes, version).map(|decoded| {
            let (packet, used) = decoded.expect("a whole packet");
            assert_eq!(used, bytes.len());
            packet
        })
    }

    fn version() -> impl Strategy<Value = Version> {
        prop_oneof![Just(Version::V31), Just(Version::V311), Just(Version::V5)]
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic_or_take_more_than_there_is(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            first in prop_oneof![Just(0x20_u8), Just(0x90), Just(0xb0), 0x30_u8..0x40, Just(0x40), Just(0xd0), Just(0xe0)],
            version in version(),
        ) {
            for bytes in [bytes.clone(), [vec![first], bytes.clone()].concat(), framed(first, &bytes)] {
                if let Ok(Some((_, used))) = decode(&bytes, version) {
                    prop_assert!(used <= bytes.len());
                }
            }
        }

        #[test]
        fn a_message_reads_back_without_what_it_says(
            topic in "[a-z/$]{1,40}",
            payload in prop::collection::vec(any::<u8>(), 0..200),
            retained: bool,
            qos in 0_u8..3,
            version in version(),
        ) {
            let mut body = Vec::new();
            put_data(&mut body, topic.as_bytes());
            if qos > 0 {
                body.extend([0, 9]);
            }
            if version == Version::V5 {
                body.extend([5, 0x02, 0, 0, 0, 60]);
            }
            body.extend(&payload);
            let packet = framed(0x30 | qos << 1 | u8::from(retained), &body);
            let expected = Packet::Publish(Message {
                topic: topic.into_bytes(),
                payload_bytes: payload.len(),
                retained,
                id: (qos > 0).then_some(9),
            });
            prop_assert_eq!(whole(&packet, version), Ok(expected));
            for end in 0..packet.len() {
                prop_assert_eq!(decode(&packet[..end], version), Ok(None));
            }
        }

        #[test]
        fn a_connack_reads_back_with_its_limits(
            code: u8, present: bool, receive in 1_u16.., size in 1_u32.., keep_alive: u16, qos in 0_u8..2, retain: bool,
        ) {
            let mut block = vec![0x21];
            block.extend(receive.to_be_bytes());
            block.push(0x27);
            block.extend(size.to_be_bytes());
            block.push(0x13);
            block.extend(keep_alive.to_be_bytes());
            block.extend([0x24, qos, 0x25, retain.into()]);
            block.extend(b"\x26\0\x01k\0\x01v\x26\0\x01k\0\x01w");
            let mut body = vec![present.into(), code];
            put_variable(&mut body, block.len());
            body.extend(block);
            let limits = Some(AnnouncedLimits {
                receive_maximum: Some(receive),
                maximum_packet_size: Some(size),
                server_keep_alive: Some(keep_alive),
                maximum_qos: Some(qos),
                retain_available: Some(retain),
                ..AnnouncedLimits::default()
            });
            let expected = Packet::Connack { code, present, limits };
            prop_assert_eq!(whole(&framed(0x20, &body), Version::V5), Ok(expected));
        }
    }

    #[test]
    fn an_answer_of_3_1_1_to_a_connect_of_5_is_read() {
        let packet = Packet::Connack { code: 1, present: false, limits: None };
        assert_eq!(whole(&[0x20, 2, 0, 1], Version::V5), Ok(packet));
    }

    #[test]
    fn codes_may_be_left_out_where_the_standard_says_so() {
        let success = Packet::Puback { id: 7, code: Some(0) };
        assert_eq!(whole(&[0x40, 2, 0, 7], Version::V5), Ok(success));
        let denied = Packet::Puback { id: 7, code: Some(0x87) };
        assert_eq!(whole(&[0x40, 3, 0, 7, 0x87], Version::V5), Ok(denied));
        let old = Packet::Puback { id: 7, code: None };
        assert_eq!(whole(&[0x40, 2, 0, 7], Version::V311), Ok(old));
        assert_eq!(whole(&[0xe0, 0], Version::V5), Ok(Packet::Disconnect { code: 0 }));
    }

    #[test]
    fn what_breaks_the_standard_is_malformed() {
        for bytes in [
            &b"HTTP/1.1 400"[..],
            &[0x15, 3, 3, 0, 2, 2, 40],
            &[0x20, 1, 0],
            &[0x20, 2, 2, 0],
            &[0x20, 4, 0, 0, 0, 0],
            &[0x20, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x20, 0xff, 0xff, 0xff, 0x7f],
            &[0x20, 5, 0, 0, 2, 0x7e, 0],
            &[0x20, 8, 0, 0, 5, 0x24, 1, 0x24, 1, 0],
            &[0x20, 6, 0, 0, 3, 0x21, 0, 0],
            &[0x20, 5, 0, 0, 2, 0x25, 2],
            &[0x36, 3, 0, 1, b'a'],
            &[0x30, 3, 0, 9, b'a'],
            &[0x90, 2, 0, 1],
        ] {
            assert!(decode(bytes, Version::V5).is_err(), "{bytes:x?}");
        }
        assert!(decode(&[0xe0, 0], Version::V311).is_err());
        assert!(decode(&[0x20, 3, 0, 0, 0], Version::V311).is_err());
    }
}
