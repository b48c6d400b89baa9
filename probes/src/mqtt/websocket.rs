//! MQTT in binary frames of a WebSocket (RFC 6455 section 5; MQTT 5 section 6).

use super::wire::Malformed;
use crate::text;

/// Longest frame that is read, in bytes.
const MAX_FRAME: u64 = super::incoming::MAX_PACKET as u64;

/// Longest control frame, in bytes (RFC 6455 section 5.5).
const MAX_CONTROL: u64 = 125;

/// What a server says in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Bytes of MQTT.
    Data(Vec<u8>),
    /// A ping, which wants its content back.
    Ping(Vec<u8>),
    /// A pong, which means nothing here.
    Pong,
    /// The server closes, and may say why.
    Close(Option<Closing>),
}

/// Why a server closes (RFC 6455 section 5.5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Status code.
    pub status: u16,
    /// What it says of it, cut: hostile.
    pub reason: String,
}

impl Closing {
    /// True where the server says by it that the client was turned away for want of a right or a
    /// credential: Unauthorized and Forbidden of IANA's registry of close codes, and what RabbitMQ
    /// 3.10 says in place of a CONNACK.
    pub fn is_denial(&self) -> bool {
        let in_words = matches!(self.reason.as_str(), "unauthenticated" | "unauthorized");
        matches!(self.status, 3000 | 3003) || self.status == 1002 && in_words
    }

    fn read(content: &[u8]) -> Option<Self> {
        let (status, reason) = content.split_first_chunk()?;
        Some(Self { status: u16::from_be_bytes(*status), reason: text::cut(reason) })
    }
}

/// The first whole frame and the bytes that it takes; none while its end is still to come.
pub fn decode(bytes: &[u8]) -> Result<Option<(Frame, usize)>, Malformed> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err(Malformed("a WebSocket frame uses an extension that nobody agreed on"));
    }
    // RFC 6455 section 5.1.
    if second & 0x80 != 0 {
        return Err(Malformed("a WebSocket frame from the server is masked"));
    }
    let (length, head): (u64, usize) = match second & 0x7f {
        126 => match bytes.get(2..4) {
            Some(length) => (u16::from_be_bytes([length[0], length[1]]).into(), 4),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|length| length.try_into().ok()) {
            Some(length) => (u64::from_be_bytes(length), 10),
            None => return Ok(None),
        },
        length => (length.into(), 2),
    };
    let opcode = first & 0x0f;
    let limit = if opcode >= 8 { MAX_CONTROL } else { MAX_FRAME };
    if length > limit {
        return Err(Malformed("a WebSocket frame is longer than a probe reads"));
    }
    let end = head + usize::try_from(length).expect("below the limit");
    let Some(content) = bytes.get(head..end) else { return Ok(None) };
    let frame = match opcode {
        // Continuations carry MQTT like the frame that they continue.
        0 | 2 => Frame::Data(content.to_vec()),
        8 => Frame::Close(Closing::read(content)),
        9 => Frame::Ping(content.to_vec()),
        10 => Frame::Pong,
        _ => return Err(Malformed("a WebSocket frame is neither binary nor control")),
    };
    Ok(Some((frame, end)))
}

/// A masked binary frame, as every frame of a client is (RFC 6455 section 5.3).
pub fn binary(content: &[u8]) -> Vec<u8> {
    masked(0x82, content, rand::random())
}

/// A masked pong with what a ping said.
pub fn pong(content: &[u8]) -> Vec<u8> {
    masked(0x8a, content, rand::random())
}

fn masked(first: u8, content: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(content.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | u8::try_from(length).expect("below 126")),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((content.len() as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server's frame: no mask.
    fn frame(opcode: u8, content: &[u8]) -> Vec<u8> {
        let mut frame = masked(0x80 | opcode, content, [0; 4]);
        frame[1] &= 0x7f;
        let head = frame.len() - content.len() - 4;
        frame.drain(head..head + 4);
        frame
    }

    proptest! {
        #[test]
        fn a_frame_reads_back_and_no_part_of_it_does(
            content in prop::collection::vec(any::<u8>(), 0..70_000)
        ) {
            let bytes = frame(2, &content);
            prop_assert_eq!(decode(&bytes[..bytes.len() - 1]), Ok(None));
            let used = bytes.len();
            prop_assert_eq!(decode(&bytes), Ok(Some((Frame::Data(content), used))));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(Some((_, used))) = decode(&bytes) {
                prop_assert!(used <= bytes.len());
            }
        }

        #[test]
        fn what_we_send_is_masked(content in prop::collection::vec(any::<u8>(), 0..300), mask: [u8; 4]) {
            let frame = masked(0x82, &content, mask);
            prop_assert!(frame[1] & 0x80 != 0);
            let sent = &frame[frame.len() - content.len()..];
            let back: Vec<u8> = sent.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
            prop_assert_eq!(back, content);
        }
    }

    #[test]
    fn what_breaks_the_standard_is_malformed() {
        let huge = [0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0];
        for bytes in [&[0xc2, 0][..], &[0x82, 0x80], &[0x81, 1, b'a'], &[0x89, 126, 0, 126], &huge]
        {
            assert!(decode(bytes).is_err(), "{bytes:x?}");
        }
        assert_eq!(decode(&[0x88, 0]), Ok(Some((Frame::Close(None), 2))));
        assert_eq!(decode(&[0x88, 1, 3]), Ok(Some((Frame::Close(None), 3))), "half a status");
        assert_eq!(decode(&[0x8a, 0]), Ok(Some((Frame::Pong, 2))));
        assert_eq!(decode(&frame(9, b"x")), Ok(Some((Frame::Ping(b"x".to_vec()), 3))));
    }

    #[test]
    fn a_server_that_closes_turns_away_only_where_it_says_so() {
        let denies = |status: u16, reason: &str| {
            let content = [&status.to_be_bytes()[..], reason.as_bytes()].concat();
            match decode(&frame(8, &content)) {
                Ok(Some((Frame::Close(Some(closing)), _))) => closing.is_denial(),
                other => panic!("{other:?}"),
            }
        };
        assert!(denies(1002, "unauthenticated") && denies(1002, "unauthorized"));
        assert!(denies(3000, "") && denies(3003, "no"));
        for (status, reason) in
            [(1002, ""), (1002, "unauthenticated client"), (1011, "unauthenticated"), (1008, "no")]
        {
            assert!(!denies(status, reason), "{status} {reason}");
        }
    }
}
