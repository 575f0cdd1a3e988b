//! TLV: nested type-length-value structures (LwM2M Core 1.1.1 §7.4).

mod read;
mod write;

pub(super) use read::decode;
pub(super) use write::encode;

/// Bits 7-6 of the type byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ObjectInstance = 0b00,
    ResourceInstance = 0b01,
    MultipleResource = 0b10,
    Resource = 0b11,
}

impl Kind {
    fn of(type_byte: u8) -> Self {
        match type_byte >> 6 {
            0b00 => Self::ObjectInstance,
            0b01 => Self::ResourceInstance,
            0b10 => Self::MultipleResource,
            _ => Self::Resource,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ObjectInstance => "Object Instance",
            Self::ResourceInstance => "Resource Instance",
            Self::MultipleResource => "Multiple Resource",
            Self::Resource => "Resource with Value",
        }
    }
}
