//! Codes by their names: return codes of MQTT 3.1 and 3.1.1, reason codes of MQTT 5.

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1: protocol name `MQIsdp`, level 3.
    V31,
    /// MQTT 3.1.1: level 4.
    V311,
    /// MQTT 5: level 5.
    V5,
}

impl Version {
    /// The version as people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V31 => "3.1",
            Self::V311 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

/// What a code of a CONNACK says about access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Let in.
    Accepted,
    /// Turned away for want of a right or a credential.
    Denied,
    /// The version is not spoken.
    Unsupported,
    /// The broker wants to be left alone.
    LeaveAlone,
    /// Turned away for a reason that does not decide the question.
    Undecided,
}

/// What the code of a CONNACK means. A broker without MQTT 5 answers it with a code of 3.1.1, and
/// some with a code of MQTT 5 in the shape of 3.1.1, so both are read in every version.
pub const fn meaning(code: u8) -> Meaning {
    match code {
        0 => Meaning::Accepted,
        1 | 0x84 => Meaning::Unsupported,
        4 | 5 | 0x86 | 0x87 | 0x8c => Meaning::Denied,
        0x8a | 0x9f => Meaning::LeaveAlone,
        _ => Meaning::Undecided,
    }
}

/// A code of a CONNACK with its name: `5 not authorized`, `0x87 not authorized`. Codes of 3.1.1 are
/// those of MQTT 3.1.1 table 3.1, codes of 5 those of MQTT 5 table 3-1.
pub fn connack(code: u8) -> String {
    let name = match code {
        0 => "accepted",
        1 => "unacceptable protocol version",
        2 => "identifier rejected",
        3 => "server unavailable",
        4 => "bad user name or password",
        5 => "not authorized",
        _ => reason(code),
    };
    numbered(code, name)
}

/// A code of a SUBACK with its name (MQTT 5 table 3-8; 0x80 alone in 3.1.1).
pub fn suback(code: u8) -> String {
    let name = match code {
        0 => "granted QoS 0",
        1 => "granted QoS 1",
        2 => "granted QoS 2",
        0x80 => "failure",
        _ => reason(code),
    };
    numbered(code, name)
}

/// A code of a PUBACK or a DISCONNECT of MQTT 5 with its name (tables 3-4 and 3-10).
pub fn answer(code: u8) -> String {
    let name = match code {
        0 => "success",
        0x10 => "no matching subscribers",
        _ => reason(code),
    };
    numbered(code, name)
}

fn numbered(code: u8, name: &str) -> String {
    match code {
        0..=9 => format!("{code} {name}"),
        _ => format!("0x{code:02x} {name}"),
    }
}

/// Reason codes from 0x80 on (MQTT 5 section 2.4).
const fn reason(code: u8) -> &'static str {
    match code {
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation specific error",
        0x84 => "unsupported protocol version",
        0x85 => "client identifier not valid",
        0x86 => "bad user name or password",
        0x87 => "not authorized",
        0x88 => "server unavailable",
        0x89 => "server busy",
        0x8a => "banned",
        0x8b => "server shutting down",
        0x8c => "bad authentication method",
        0x8d => "keep alive timeout",
        0x8e => "session taken over",
        0x8f => "topic filter invalid",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x92 => "packet identifier not found",
        0x93 => "receive maximum exceeded",
        0x94 => "topic alias invalid",
        0x95 => "packet too large",
        0x96 => "message rate too high",
        0x97 => "quota exceeded",
        0x98 => "administrative action",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "QoS not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9e => "shared subscriptions not supported",
        0x9f => "connection rate exceeded",
        0xa0 => "maximum connect time",
        0xa1 => "subscription identifiers not supported",
        0xa2 => "wildcard subscriptions not supported",
        _ => "code without a name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_or_says_that_it_has_none() {
        for code in 0..=u8::MAX {
            for text in [connack(code), suback(code), answer(code)] {
                assert!(text.len() > 3, "{text}");
            }
        }
        assert_eq!(connack(0x87), "0x87 not authorized");
        assert_eq!(connack(5), "5 not authorized");
        assert_eq!(suback(0xa2), "0xa2 wildcard subscriptions not supported");
        assert_eq!(answer(0x10), "0x10 no matching subscribers");
        assert_eq!(answer(0x42), "0x42 code without a name");
    }

    #[test]
    fn only_codes_about_rights_and_credentials_deny() {
        let denied: Vec<_> = (0..=u8::MAX).filter(|c| meaning(*c) == Meaning::Denied).collect();
        assert_eq!(denied, [4, 5, 0x86, 0x87, 0x8c]);
        let accepted: Vec<_> = (0..=u8::MAX).filter(|c| meaning(*c) == Meaning::Accepted).collect();
        assert_eq!(accepted, [0]);
        for busy in [3, 0x88, 0x89, 0x97] {
            assert_eq!(meaning(busy), Meaning::Undecided);
        }
    }
}
