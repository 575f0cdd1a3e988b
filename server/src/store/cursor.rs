//! Where a page of a list ended, as the opaque text that is handed out.

use fleet::{EndpointName, OperationId, Priority, StoreError, store::Cursor, update::UpdateId};
use uuid::Uuid;

/// A row's place in one of the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Devices by endpoint name.
    Endpoint { endpoint: String, device: i64 },
    /// Devices by when they were last heard.
    Seen { seen_at: i64, device: i64 },
    /// Operations of a device.
    Operation(OperationId),
    /// What waits for devices.
    Waiting(Priority, OperationId),
    /// Updates.
    Update(UpdateId),
    /// The versions of a baseline.
    Baseline(i64),
    /// Devices of which something is wanted.
    Configured(i64),
    /// The timeline of a device.
    Timeline(i64),
    /// The audit log.
    Audit(i64),
    /// Claims by when they were made.
    Claim { created_at: i64, claim: i64 },
    /// Artefacts by when they were uploaded.
    Artefact { uploaded_at: i64, artefact: Uuid },
    /// The connection diary.
    Diary { last_at: i64, entry: Uuid },
}

impl Position {
    pub(super) fn cursor(&self) -> Cursor {
        let text = match self {
            Self::Endpoint { endpoint, device } => format!("e{device}:{endpoint}"),
            Self::Seen { seen_at, device } => format!("s{device}:{seen_at}"),
            Self::Operation(id) => format!("o{}", id.0.as_simple()),
            Self::Waiting(priority, id) => format!("w{}:{}", priority.name(), id.0.as_simple()),
            Self::Update(id) => format!("u{}", id.0.as_simple()),
            Self::Baseline(version) => format!("b{version}"),
            Self::Configured(device) => format!("g{device}"),
            Self::Timeline(sequence) => format!("t{sequence}"),
            Self::Audit(sequence) => format!("a{sequence}"),
            Self::Claim { created_at, claim } => format!("c{claim}:{created_at}"),
            Self::Artefact { uploaded_at, artefact } => format!("f{}:{uploaded_at}", artefact.as_simple()),
            Self::Diary { last_at, entry } => format!("d{}:{last_at}", entry.as_simple()),
        };
        Cursor(text.bytes().map(|byte| format!("{byte:02x}")).collect())
    }

    fn parse(cursor: &Cursor) -> Option<Self> {
        let text = unhex(&cursor.0)?;
        let mut letters = text.chars();
        let list = letters.next()?;
        let rest = letters.as_str();
        Some(match list {
            'e' => {
                let (device, endpoint) = rest.split_once(':')?;
                let endpoint = EndpointName::new(endpoint).ok()?.as_str().to_owned();
                Self::Endpoint { endpoint, device: device.parse().ok()? }
            }
            's' => {
                let (device, seen_at) = rest.split_once(':')?;
                Self::Seen { seen_at: seen_at.parse().ok()?, device: device.parse().ok()? }
            }
            'c' => {
                let (claim, created_at) = rest.split_once(':')?;
                Self::Claim { created_at: created_at.parse().ok()?, claim: claim.parse().ok()? }
            }
            'd' => {
                let (entry, last_at) = rest.split_once(':')?;
                Self::Diary { last_at: last_at.parse().ok()?, entry: Uuid::try_parse(entry).ok()? }
            }
            'f' => {
                let (artefact, uploaded_at) = rest.split_once(':')?;
                Self::Artefact {
                    uploaded_at: uploaded_at.parse().ok()?,
                    artefact: Uuid::try_parse(artefact).ok()?,
                }
            }
            'w' => {
                let (priority, id) = rest.split_once(':')?;
                Self::Waiting(Priority::from_name(priority)?, OperationId(Uuid::try_parse(id).ok()?))
            }
            'o' => Self::Operation(OperationId(Uuid::try_parse(rest).ok()?)),
            'u' => Self::Update(UpdateId(Uuid::try_parse(rest).ok()?)),
            'b' => Self::Baseline(rest.parse().ok()?),
            'g' => Self::Configured(rest.parse().ok()?),
            't' => Self::Timeline(rest.parse().ok()?),
            'a' => Self::Audit(rest.parse().ok()?),
            _ => return None,
        })
    }
}

/// Where to go on, if the page is not the first. `of_this_list` takes the positions of the list that is asked for.
pub(super) fn after<T>(
    cursor: Option<&Cursor>,
    of_this_list: impl Fn(Position) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let Some(cursor) = cursor else { return Ok(None) };
    Position::parse(cursor).and_then(of_this_list).map(Some).ok_or(StoreError::BadCursor)
}

fn unhex(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes = pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?));
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_comes_back_and_nothing_else_does() {
        for position in [
            Position::Endpoint { endpoint: "a:b ☃".into(), device: -1 },
            Position::Seen { seen_at: i64::MIN, device: 7 },
            Position::Operation(OperationId(Uuid::from_u128(7))),
            Position::Update(UpdateId(Uuid::from_u128(7))),
            Position::Waiting(Priority::Background, OperationId(Uuid::from_u128(7))),
            Position::Timeline(0),
            Position::Audit(i64::MAX),
            Position::Claim { created_at: 0, claim: i64::MAX },
            Position::Artefact { uploaded_at: 7, artefact: Uuid::from_u128(7) },
            Position::Diary { last_at: -1, entry: Uuid::from_u128(7) },
        ] {
            let cursor = position.cursor();
            assert!(cursor.0.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_eq!(after(Some(&cursor), Some), Ok(Some(position)));
            assert_eq!(after(Some(&cursor), |_| None::<()>), Err(StoreError::BadCursor));
        }
        for text in ["", "6", "zz", "ff", "é", "7a31", "6531", "65313a6100", "6f31"] {
            assert_eq!(after(Some(&Cursor(text.into())), Some), Err(StoreError::BadCursor), "{text}");
        }
        assert_eq!(after(None, Some), Ok(None));
    }
}
