//! Properties of MQTT 5 (section 2.2.2), as strict as the standard: known identifiers only, and
//! none twice where it may stand once.

use model::evidence::AnnouncedLimits;

use super::wire::{Malformed, Reader};

/// The type of a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Byte,
    Two,
    Four,
    Variable,
    Data,
    Pair,
}

/// The types of MQTT 5 table 2-4.
const fn kind(id: u8) -> Option<Kind> {
    Some(match id {
        0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28..=0x2a => Kind::Byte,
        0x13 | 0x21..=0x23 => Kind::Two,
        0x02 | 0x11 | 0x18 | 0x27 => Kind::Four,
        0x0b => Kind::Variable,
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => Kind::Data,
        0x26 => Kind::Pair,
        _ => return None,
    })
}

/// User Property and Subscription Identifier may stand more than once.
const REPEATED: [u8; 2] = [0x26, 0x0b];

/// Reads one block of properties, and tells `see` each number in it.
fn read(
    reader: &mut Reader<'_>,
    mut see: impl FnMut(u8, u32) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let length = reader.variable()?;
    let mut block = Reader::new(reader.bytes(length)?);
    let mut seen = [false; 0x30];
    while block.left() > 0 {
        let id = block.byte()?;
        let kind = kind(id).ok_or(Malformed("it has a property that nobody defined"))?;
        if std::mem::replace(&mut seen[usize::from(id)], true) && !REPEATED.contains(&id) {
            return Err(Malformed("it has a property twice"));
        }
        match kind {
            Kind::Byte => see(id, block.byte()?.into())?,
            Kind::Two => see(id, block.two()?.into())?,
            Kind::Four => see(id, block.four()?)?,
            Kind::Variable => {
                block.variable()?;
            }
            Kind::Data => {
                block.data()?;
            }
            Kind::Pair => {
                block.data()?;
                block.data()?;
            }
        }
    }
    Ok(())
}

/// Reads a block of properties that nobody asks about.
pub fn skip(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    read(reader, |_, _| Ok(()))
}

/// Reads the properties of a CONNACK (MQTT 5 section 3.2.2.3).
pub fn limits(reader: &mut Reader<'_>) -> Result<AnnouncedLimits, Malformed> {
    let mut limits = AnnouncedLimits::default();
    let zero = Malformed("a limit is zero that must not be");
    let two = |value: u32| u16::try_from(value).expect("read as two bytes");
    read(reader, |id, value| {
        let flag = || match value {
            0 => Ok(Some(false)),
            1 => Ok(Some(true)),
            _ => Err(Malformed("a flag is neither 0 nor 1")),
        };
        match id {
            0x11 => limits.session_expiry = Some(value),
            0x13 => limits.server_keep_alive = Some(two(value)),
            0x21 if value == 0 => return Err(zero),
            0x21 => limits.receive_maximum = Some(two(value)),
            0x22 => limits.topic_alias_maximum = Some(two(value)),
            0x24 if value > 1 => return Err(Malformed("its maximum QoS is neither 0 nor 1")),
            0x24 => limits.maximum_qos = u8::try_from(value).ok(),
            0x25 => limits.retain_available = flag()?,
            0x27 if value == 0 => return Err(zero),
            0x27 => limits.maximum_packet_size = Some(value),
            0x28 => limits.wildcard_subscription_available = flag()?,
            0x29 => limits.subscription_identifiers_available = flag()?,
            0x2a => limits.shared_subscription_available = flag()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(limits)
}
