//! Where devices stand with their configuration, as rows.

use fleet::{
    Binding, DeviceId, Lifetime, OperationId, PublicId, RegistrationId, StoreError, Timestamp,
    configuration::{
        AccountTerms, Ask, Asking, Configured, ConfiguredState, Digest, Finding, Leaving, LineKey, LineState,
        Standing, Way, Writer, Written,
    },
};
use objects::{Attribute, Path};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OrCorrupt as _, Word as _, json, uuid};
use crate::store::entity::configured;

pub(in crate::store) fn configured_row(row: &Configured) -> configured::Model {
    configured::Model {
        device_id: row.device.0,
        device_public_id: row.device_public_id.0.as_bytes().to_vec(),
        generation: row.generation.cast_signed(),
        reported: row.reported.cast_signed(),
        state: row.state.word().to_owned(),
        since: row.since.0,
        due_at: row.due_at.0,
        operation_id: row.asking.as_ref().map(|asking| asking.operation.0.as_bytes().to_vec()),
        repair_at: row.repair_at.map(|at| at.0),
        resume_at: row.resume_at.map(|at| at.0),
        stand: json(&Stand::from(row)),
    }
}

pub(in crate::store) fn configured(row: configured::Model) -> Result<Configured, StoreError> {
    read_configured(row).or_corrupt("configuration")
}

fn read_configured(row: configured::Model) -> Option<Configured> {
    let stand: Stand = serde_json::from_str(&row.stand).ok()?;
    let asking = match (row.operation_id, stand.asking) {
        (Some(operation), Some((ask, lines))) => Some(Asking {
            operation: OperationId(uuid(&operation)?),
            ask: Ask::from_word(&ask)?,
            lines: lines.iter().map(|line| key(line)).collect::<Option<_>>()?,
        }),
        _ => None,
    };
    Some(Configured {
        device: DeviceId(row.device_id),
        device_public_id: PublicId(uuid(&row.device_public_id)?),
        generation: row.generation.cast_unsigned(),
        digest: Digest(stand.digest),
        reported: row.reported.cast_unsigned(),
        state: ConfiguredState::from_word(&row.state)?,
        since: Timestamp(row.since),
        due_at: Timestamp(row.due_at),
        next_check: Timestamp(stand.next_check),
        rests_until: stand.rests_until.map(Timestamp),
        checked_at: stand.checked_at.map(Timestamp),
        mark: Timestamp(stand.mark),
        registration: stand.registration.map(RegistrationId),
        terms: stand.terms.map(|(lifetime, transports, queue_mode)| AccountTerms {
            lifetime: Lifetime(lifetime),
            binding: Binding { transports, queue_mode },
        }),
        way: Way::from_word(&stand.way)?,
        singly: stand.singly,
        tries: stand.tries,
        asking,
        repair_at: row.repair_at.map(Timestamp),
        resume_at: row.resume_at.map(Timestamp),
        repaired_at: stand.repaired_at.map(Timestamp),
        resumed_at: stand.resumed_at.map(Timestamp),
        granted: stand.granted,
        lines: stand.lines.into_iter().map(StoredState::read).collect::<Option<_>>()?,
        leaving: stand.leaving.into_iter().map(leaving).collect::<Option<_>>()?,
        findings: stand.findings.into_iter().map(StoredFinding::read).collect::<Option<_>>()?,
        detail: stand.detail,
    })
}

/// Where a device stands, but for what has columns of its own.
#[derive(Serialize, Deserialize)]
struct Stand {
    digest: [u8; 16],
    next_check: i64,
    rests_until: Option<i64>,
    checked_at: Option<i64>,
    mark: i64,
    registration: Option<u64>,
    /// `lt`, and `b` with whether there was a `Q`.
    #[serde(default)]
    terms: Option<(u32, String, bool)>,
    way: String,
    singly: bool,
    tries: u8,
    asking: Option<(String, Vec<String>)>,
    repaired_at: Option<i64>,
    resumed_at: Option<i64>,
    granted: bool,
    lines: Vec<StoredState>,
    /// Paths, each with the names of its attributes.
    #[serde(default)]
    leaving: Vec<(String, Vec<String>)>,
    findings: Vec<StoredFinding>,
    detail: String,
}

#[derive(Serialize, Deserialize)]
struct StoredState {
    key: String,
    want: [u8; 16],
    standing: String,
    actual: Option<String>,
    looked: bool,
    blind: bool,
    settled: bool,
    proving: bool,
    written: Option<StoredWritten>,
    #[serde(default)]
    doubted_at: Option<i64>,
    writer: StoredWriter,
    repairs: Vec<i64>,
    refused: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredWritten {
    digest: [u8; 16],
    at: i64,
    operation: Uuid,
    registration: Option<u64>,
    attributes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredFinding {
    at: i64,
    key: String,
    expected: String,
    actual: Option<String>,
    writer: StoredWriter,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredWriter {
    Nobody,
    Unknown,
    Operation(Uuid, String),
}

impl From<&Configured> for Stand {
    fn from(row: &Configured) -> Self {
        let asking = row.asking.as_ref().map(|asking| {
            let lines = asking.lines.iter().map(LineKey::to_string).collect();
            (asking.ask.word().to_owned(), lines)
        });
        Self {
            digest: row.digest.0,
            next_check: row.next_check.0,
            rests_until: row.rests_until.map(|at| at.0),
            checked_at: row.checked_at.map(|at| at.0),
            mark: row.mark.0,
            registration: row.registration.map(|id| id.0),
            terms: row.terms.as_ref().map(|AccountTerms { lifetime, binding }| {
                (lifetime.0, binding.transports.clone(), binding.queue_mode)
            }),
            way: row.way.word().to_owned(),
            singly: row.singly,
            tries: row.tries,
            asking,
            repaired_at: row.repaired_at.map(|at| at.0),
            resumed_at: row.resumed_at.map(|at| at.0),
            granted: row.granted,
            lines: row.lines.iter().map(StoredState::from).collect(),
            leaving: row
                .leaving
                .iter()
                .map(|Leaving { path, attributes }| (path.to_string(), names(attributes)))
                .collect(),
            findings: row.findings.iter().map(StoredFinding::from).collect(),
            detail: row.detail.clone(),
        }
    }
}

impl From<&LineState> for StoredState {
    fn from(line: &LineState) -> Self {
        Self {
            key: line.key.to_string(),
            want: line.want.0,
            standing: line.standing.word().to_owned(),
            actual: line.actual.clone(),
            looked: line.looked,
            blind: line.blind,
            settled: line.settled,
            proving: line.proving,
            written: line.written.as_ref().map(StoredWritten::from),
            doubted_at: line.doubted_at.map(|at| at.0),
            writer: (&line.writer).into(),
            repairs: line.repairs.iter().map(|at| at.0).collect(),
            refused: line.refused.clone(),
        }
    }
}

impl StoredState {
    fn read(self) -> Option<LineState> {
        Some(LineState {
            key: key(&self.key)?,
            want: Digest(self.want),
            standing: Standing::from_word(&self.standing)?,
            actual: self.actual,
            looked: self.looked,
            blind: self.blind,
            settled: self.settled,
            proving: self.proving,
            written: match self.written {
                Some(written) => Some(written.read()?),
                None => None,
            },
            doubted_at: self.doubted_at.map(Timestamp),
            writer: self.writer.read(),
            repairs: self.repairs.into_iter().map(Timestamp).collect(),
            refused: self.refused,
        })
    }
}

impl From<&Written> for StoredWritten {
    fn from(written: &Written) -> Self {
        Self {
            digest: written.digest.0,
            at: written.at.0,
            operation: written.operation.0,
            registration: written.registration.map(|id| id.0),
            attributes: names(&written.attributes),
        }
    }
}

impl StoredWritten {
    fn read(self) -> Option<Written> {
        Some(Written {
            digest: Digest(self.digest),
            at: Timestamp(self.at),
            operation: OperationId(self.operation),
            registration: self.registration.map(RegistrationId),
            attributes: attributes(&self.attributes)?,
        })
    }
}

impl From<&Finding> for StoredFinding {
    fn from(finding: &Finding) -> Self {
        let Finding { at, key, expected, actual, writer } = finding;
        let (expected, actual) = (expected.clone(), actual.clone());
        Self { at: at.0, key: key.to_string(), expected, actual, writer: writer.into() }
    }
}

impl StoredFinding {
    fn read(self) -> Option<Finding> {
        let Self { at, key: named, expected, actual, writer } = self;
        Some(Finding { at: Timestamp(at), key: key(&named)?, expected, actual, writer: writer.read() })
    }
}

impl From<&Writer> for StoredWriter {
    fn from(writer: &Writer) -> Self {
        match writer {
            Writer::Nobody => Self::Nobody,
            Writer::Unknown => Self::Unknown,
            Writer::Operation { operation, who } => Self::Operation(operation.0, who.clone()),
        }
    }
}

impl StoredWriter {
    fn read(self) -> Writer {
        match self {
            Self::Nobody => Writer::Nobody,
            Self::Unknown => Writer::Unknown,
            Self::Operation(operation, who) => Writer::Operation { operation: OperationId(operation), who },
        }
    }
}

fn leaving((path, names): (String, Vec<String>)) -> Option<Leaving> {
    Some(Leaving { path: path.parse().ok()?, attributes: attributes(&names)? })
}

fn names(attributes: &[Attribute]) -> Vec<String> {
    attributes.iter().map(|attribute| attribute.name().to_owned()).collect()
}

fn attributes(names: &[String]) -> Option<Vec<Attribute>> {
    names.iter().map(|name| Attribute::from_name(name)).collect()
}

/// As [`LineKey`] is shown.
fn key(text: &str) -> Option<LineKey> {
    let (path, attributes) = text.strip_suffix('?').map_or((text, false), |path| (path, true));
    Some(LineKey { path: path.parse::<Path>().ok()?, attributes })
}
