//! Where a page ended, as a text that nobody needs to understand.

use std::cmp::Reverse;

use crate::{ArtefactId, DiaryId, OperationId, Priority, StoreError, Timestamp, store::Cursor};

/// A row's place in its list: by the text, then the newest first, then by the number of the row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    text: String,
    newest: Reverse<u128>,
    row: i64,
}

impl Position {
    pub(super) fn text(text: &str, row: i64) -> Self {
        Self { text: text.to_owned(), newest: Reverse(0), row }
    }

    pub(super) fn newest(number: i64, row: i64) -> Self {
        // Shifted, so that the order stays and nothing is negative.
        let shifted = number.wrapping_sub(i64::MIN).cast_unsigned();
        Self { text: String::new(), newest: Reverse(u128::from(shifted)), row }
    }

    pub(super) fn diary(last_at: Timestamp, id: DiaryId) -> Self {
        let Self { text, newest: Reverse(newest), row } = Self::newest(last_at.0, 0);
        let tie = id.0.as_u128() & u128::from(u64::MAX);
        Self { text, newest: Reverse(newest << 64 | tie), row }
    }

    pub(super) fn uploaded(at: Timestamp, id: ArtefactId) -> Self {
        let Self { text, newest: Reverse(newest), row } = Self::newest(at.0, 0);
        let tie = id.0.as_u128() & u128::from(u64::MAX);
        Self { text, newest: Reverse(newest << 64 | tie), row }
    }

    pub(super) fn operation(id: OperationId) -> Self {
        Self::number(id.0.as_u128())
    }

    /// By priority, and within one the oldest first.
    pub(super) fn waiting(priority: Priority, id: OperationId) -> Self {
        Self { text: format!("{}{:032x}", priority as u8, id.0.as_u128()), newest: Reverse(0), row: 0 }
    }

    pub(super) fn number(number: u128) -> Self {
        Self { text: String::new(), newest: Reverse(number), row: 0 }
    }

    /// A cursor that is good in this list alone.
    pub(super) fn cursor(&self, list: &str) -> Cursor {
        let Self { text, newest: Reverse(newest), row } = self;
        Cursor(hex(&format!("{list}|{newest}|{row}|{text}")))
    }

    pub(super) fn read(cursor: &Cursor, list: &str) -> Result<Self, StoreError> {
        let read = || {
            let plain = unhex(&cursor.0)?;
            let mut parts = plain.strip_prefix(list)?.strip_prefix('|')?.splitn(3, '|');
            let newest = Reverse(parts.next()?.parse().ok()?);
            let row = parts.next()?.parse().ok()?;
            Some(Self { newest, row, text: parts.next()?.to_owned() })
        };
        read().ok_or(StoreError::BadCursor)
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect();
    String::from_utf8(bytes?).ok()
}
