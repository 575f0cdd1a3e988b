//! What stands in a file of devices. Strict: what is not understood is said, line by line, and never guessed.

use std::collections::HashMap;

use serde::Deserialize;

use super::{ImportFormat, ImportReport};
use crate::{
    Certificate, CertificateName, CredentialName, EndpointName, Fingerprint, FleetError, Labels, PskIdentity,
    PskKey, Purpose, Secret, Timestamp, certificate,
};

/// A row that can be understood, and shares neither its name nor an identity with another one of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) endpoint: EndpointName,
    pub(super) class: Option<String>,
    pub(super) labels: Labels,
    pub(super) credentials: Vec<Given>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) purpose: Purpose,
    pub(super) name: CredentialName,
    /// Its key, of a pre-shared one.
    pub(super) secret: Secret,
    /// Until when it is good, where a certificate says that.
    pub(super) valid_to: Option<Timestamp>,
}

/// The texts of a row; what is empty is not given. Never printed: it holds keys.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Texts {
    endpoint: String,
    class: String,
    labels: String,
    bootstrap_identity: String,
    bootstrap_key: String,
    bootstrap_public_key: String,
    bootstrap_certificate: String,
    management_identity: String,
    management_key: String,
    management_public_key: String,
    management_certificate: String,
}

/// What a row says of one credential.
struct Written<'a> {
    identity: &'a str,
    key: &'a str,
    public_key: &'a str,
    certificate: &'a str,
}

const COLUMNS: [&str; 11] = [
    "endpoint",
    "class",
    "labels",
    "bootstrap_identity",
    "bootstrap_key",
    "bootstrap_public_key",
    "bootstrap_certificate",
    "management_identity",
    "management_key",
    "management_public_key",
    "management_certificate",
];

/// The longest line of a file, in bytes: every field at its longest, each byte as an escape.
const MAX_LINE: usize = 16 * 1024;

/// Reads all rows; those that can't be taken are told to the report.
pub(super) fn read(
    format: ImportFormat,
    bytes: &[u8],
    report: &mut ImportReport,
) -> Result<Vec<Row>, FleetError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        Reader { rows: Vec::new(), endpoints: HashMap::new(), identities: HashMap::new(), report };
    match format {
        ImportFormat::Csv => reader.csv(bytes)?,
        ImportFormat::JsonLines => reader.json_lines(bytes)?,
    }
    Ok(reader.rows)
}

struct Reader<'a> {
    rows: Vec<Row>,
    /// The line on which each name stood first. Only looked into: their order never shows.
    endpoints: HashMap<EndpointName, u64>,
    identities: HashMap<CredentialName, u64>,
    report: &'a mut ImportReport,
}

impl Reader<'_> {
    fn csv(&mut self, bytes: &[u8]) -> Result<(), FleetError> {
        let invalid = |reason: String| FleetError::Invalid { field: "columns", reason };
        let mut lines = lines(bytes);
        let head = lines.next().and_then(|(_, head)| fields(head)).ok_or_else(|| {
            let columns = COLUMNS.join(",");
            invalid(format!("the file is empty; its first line names the columns: {columns}"))
        })?;
        let columns = columns(&head).map_err(invalid)?;
        for (line, text) in lines {
            self.count()?;
            // No field may hold the end of a line, so that a quote that is not closed spoils its own line and no other.
            let Some(record) = fields(text) else {
                self.report.refuse(line, format!("a line has at most {MAX_LINE} bytes"));
                continue;
            };
            if record.len() != columns.len() {
                let reason = format!("it has {} fields, the first line has {}", record.len(), columns.len());
                self.report.refuse(line, reason);
                continue;
            }
            let mut texts = Texts::default();
            let mut readable = true;
            for (column, field) in columns.iter().zip(&record) {
                match std::str::from_utf8(field) {
                    Ok(text) => *texts.field(column) = text.to_owned(),
                    Err(_) => readable = false,
                }
            }
            if readable {
                self.take(line, &texts);
            } else {
                self.report.refuse(line, "it is not written in UTF-8");
            }
        }
        Ok(())
    }

    fn json_lines(&mut self, bytes: &[u8]) -> Result<(), FleetError> {
        for (line, text) in lines(bytes) {
            self.count()?;
            if text.len() > MAX_LINE {
                self.report.refuse(line, format!("a line has at most {MAX_LINE} bytes"));
                continue;
            }
            // What the parser says may quote a key.
            match serde_json::from_slice::<Texts>(text) {
                Ok(texts) => self.take(line, &texts),
                Err(error) if error.is_data() => {
                    let reason = format!("the fields are {}, each once and each a text", COLUMNS.join(", "));
                    self.report.refuse(line, reason);
                }
                Err(error) => {
                    self.report.refuse(line, format!("it is no JSON object (column {})", error.column()));
                }
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), FleetError> {
        self.report.rows += 1;
        if self.report.rows > u64::try_from(ImportReport::MAX_ROWS).unwrap_or(u64::MAX) {
            let reason = format!("a file has at most {} rows: split it", ImportReport::MAX_ROWS);
            return Err(FleetError::Invalid { field: "file", reason });
        }
        Ok(())
    }

    fn take(&mut self, line: u64, texts: &Texts) {
        match texts.row(line).and_then(|row| self.alone(row)) {
            Ok(row) => self.rows.push(row),
            Err(reason) => self.report.refuse(line, reason),
        }
    }

    /// Refuses what stood in the file before, taken or not.
    fn alone(&mut self, row: Row) -> Result<Row, String> {
        let before = self.endpoints.insert(row.endpoint.clone(), row.line);
        if let Some(line) = before {
            self.endpoints.insert(row.endpoint, line);
            return Err(format!("the same endpoint stands on line {line}"));
        }
        let mut before = None;
        for given in &row.credentials {
            let first = self.identities.entry(given.name.clone()).or_insert(row.line);
            let twice = row.credentials.iter().filter(|other| other.name == given.name).count() > 1;
            if *first != row.line || twice {
                before = Some(*first);
            }
        }
        match before {
            Some(line) => {
                Err(format!("the same identity stands on line {line}: each credential has its own"))
            }
            None => Ok(row),
        }
    }
}

impl Texts {
    fn field(&mut self, column: &str) -> &mut String {
        match column {
            "class" => &mut self.class,
            "labels" => &mut self.labels,
            "bootstrap_identity" => &mut self.bootstrap_identity,
            "bootstrap_key" => &mut self.bootstrap_key,
            "bootstrap_public_key" => &mut self.bootstrap_public_key,
            "bootstrap_certificate" => &mut self.bootstrap_certificate,
            "management_identity" => &mut self.management_identity,
            "management_key" => &mut self.management_key,
            "management_public_key" => &mut self.management_public_key,
            "management_certificate" => &mut self.management_certificate,
            _ => &mut self.endpoint,
        }
    }

    fn row(&self, line: u64) -> Result<Row, String> {
        let endpoint =
            EndpointName::new(self.endpoint.as_str()).map_err(|error| format!("endpoint: {error}"))?;
        let class = (!self.class.is_empty()).then(|| self.class.clone());
        let labels = self.labels.parse().map_err(|error| format!("labels: {error}"))?;
        let own = match self.bootstrap_identity.as_str() {
            "" if !self.bootstrap_key.is_empty() => endpoint.as_str(),
            identity => identity,
        };
        let bootstrap = Written {
            identity: own,
            key: &self.bootstrap_key,
            public_key: &self.bootstrap_public_key,
            certificate: &self.bootstrap_certificate,
        };
        let management = Written {
            identity: &self.management_identity,
            key: &self.management_key,
            public_key: &self.management_public_key,
            certificate: &self.management_certificate,
        };
        let bootstrap = bootstrap.given(Purpose::Bootstrap)?;
        let management = management.given(Purpose::Management)?;
        let credentials = bootstrap.into_iter().chain(management).collect();
        Ok(Row { line, endpoint, class, labels, credentials })
    }
}

impl Written<'_> {
    fn given(&self, purpose: Purpose) -> Result<Option<Given>, String> {
        let name = purpose.name();
        match (self.public_key, self.certificate) {
            ("", "") => self.psk(purpose),
            _ if !self.identity.is_empty() || !self.key.is_empty() => Err(format!(
                "a {name} credential is either an identity with a key, or a public key, or a certificate"
            )),
            (_, "") => {
                let key = certificate::public_key(self.public_key.as_bytes())
                    .map_err(|error| format!("{name}_public_key: {error}"))?;
                let name = CredentialName::PublicKey(Fingerprint::of(&key));
                Ok(Some(Given { purpose, name, secret: Secret::None, valid_to: None }))
            }
            ("", _) => {
                self.certificate(purpose).map(Some).map_err(|error| format!("{name}_certificate: {error}"))
            }
            _ => Err(format!("a {name} credential is either a public key or a certificate")),
        }
    }

    fn psk(&self, purpose: Purpose) -> Result<Option<Given>, String> {
        let name = purpose.name();
        match (self.identity, self.key) {
            ("", "") => Ok(None),
            ("", _) => Err(format!("a {name} key needs a {name}_identity")),
            (_, "") => Err(format!("a {name} identity needs a {name}_key")),
            (identity, key) => {
                let identity =
                    PskIdentity::from_text(identity).map_err(|error| format!("{name}_identity: {error}"))?;
                let key = PskKey::from_hex(key).map_err(|error| format!("{name}_key: {error}"))?;
                Ok(Some(Given { purpose, name: identity.into(), secret: Secret::Psk(key), valid_to: None }))
            }
        }
    }

    /// A certificate that is pinned, or a name that stands in one.
    fn certificate(&self, purpose: Purpose) -> Result<Given, String> {
        if self.certificate.contains(':')
            && let Ok(name) = CertificateName::from_text(self.certificate)
        {
            let name = CredentialName::Certificate(name);
            return Ok(Given { purpose, name, secret: Secret::None, valid_to: None });
        }
        let der = certificate::certificate(self.certificate.as_bytes()).map_err(|error| error.to_string())?;
        let facts = Certificate::parse(&der).map_err(|error| error.to_string())?;
        certificate::public_key(&facts.public_key).map_err(|error| error.to_string())?;
        let name = CredentialName::Certificate(CertificateName::PublicKey(facts.key_fingerprint()));
        Ok(Given { purpose, name, secret: Secret::None, valid_to: Some(facts.not_after) })
    }
}

/// The columns in the order of the file.
fn columns(header: &csv::ByteRecord) -> Result<Vec<&'static str>, String> {
    let known = COLUMNS.join(", ");
    let mut columns = Vec::new();
    for field in header {
        let Some(column) = COLUMNS.into_iter().find(|column| column.as_bytes() == field) else {
            // A file without a first line of names has data there.
            let is_name =
                field.len() <= 40 && field.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
            let name = if is_name { String::from_utf8_lossy(field) } else { "…".into() };
            return Err(format!("there is no column {name}; the first line names some of {known}"));
        };
        if columns.contains(&column) {
            return Err(format!("the column {column} is named twice"));
        }
        columns.push(column);
    }
    if columns.contains(&"endpoint") {
        Ok(columns)
    } else {
        Err(format!("the column endpoint is missing; there are {known}"))
    }
}

/// The lines that are not blank, with their numbers from 1.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    lines
        .map(|(number, line)| (number, line.strip_suffix(b"\r").unwrap_or(line)))
        .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
}

/// The fields of a line of CSV (RFC 4180), unless it is too long.
fn fields(line: &[u8]) -> Option<csv::ByteRecord> {
    if line.len() > MAX_LINE {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).buffer_capacity(MAX_BUFFERED);
    let mut record = csv::ByteRecord::new();
    reader.from_reader(line).read_byte_record(&mut record).ok()?.then_some(record)
}

/// What is set aside for reading one line: most are shorter.
const MAX_BUFFERED: usize = 1_024;
