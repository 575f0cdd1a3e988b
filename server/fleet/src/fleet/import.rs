//! The verb that adds many devices from a file.
//!
//! The file is read to its end first (`file`), then its rows are judged and committed in groups. A row does nothing if what
//! it says is there already, so that an import that was cut off is simply done again.

use std::collections::{BTreeMap, HashMap};

use super::{
    make::{Made, not_let_in},
    timeline,
};
use crate::{
    AuditEntry, CertificateName, Change, Class, ClassId, Commit, Context, Credential, CredentialName,
    CredentialState, Device, EndpointName, Fleet, FleetError, GroupChange, Holder, Labels, Permission,
    Secret, StoreError, TimelineKind, Timestamp, Verb,
};

mod file;
use file::{Given, Row};

/// How a file of devices is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// RFC 4180, with a header line.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// How many rows the file has.
    pub rows: u64,
    /// How many devices were added, or would be.
    pub added: u64,
    /// How many rows say what is there already.
    pub unchanged: u64,
    /// The first [`ImportReport::MAX_ERRORS`] rows that were not taken.
    pub errors: Vec<RowError>,
    /// How many there are.
    pub errors_total: u64,
    /// Whether nothing was changed.
    pub dry_run: bool,
}

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong with it and what to do; never a key.
    pub reason: String,
}

/// What a row comes to.
enum Verdict {
    Add(Device, Labels, Vec<Given>),
    /// A device that was removed.
    AddAgain(Device, Labels, Vec<Given>),
    Nothing,
    Error(String),
}

/// What the store knows of a group of rows.
struct Known {
    devices: HashMap<EndpointName, Device>,
    credentials: HashMap<CredentialName, (Credential, Secret)>,
}

impl ImportReport {
    /// How many errors are listed.
    pub const MAX_ERRORS: usize = 1_000;
    /// The longest file, in bytes.
    pub const MAX_BYTES: usize = 128 * 1024 * 1024;
    /// How many rows a file has at most.
    pub const MAX_ROWS: usize = 500_000;
    /// How many rows go into one commit.
    pub const ROWS_PER_COMMIT: usize = 500;

    fn refuse(&mut self, line: u64, reason: impl Into<String>) {
        self.errors_total += 1;
        if self.errors.len() < Self::MAX_ERRORS {
            self.errors.push(RowError { line, reason: reason.into() });
        }
    }
}

impl Fleet {
    /// Adds the devices of a file, at most [`ImportReport::MAX_BYTES`] and [`ImportReport::MAX_ROWS`].
    ///
    /// The columns are `endpoint`, `class` (a name; the default class without it), `labels` (such as `site=zurich spare`), and for each of `bootstrap` and
    /// `management` one of these: `…_identity` and `…_key`, in hexadecimal digits, of a pre-shared key; `…_public_key`, in
    /// DER as hexadecimal digits or base64; `…_certificate`, the same of one that is pinned, or what stands in those of the
    /// device, such as `cn:node-7`, where its class says so. A bootstrap key without an identity has the endpoint name for it. A row whose device and credentials are there already is unchanged, also if a
    /// credential was rotated since; one that says something else of them is an error, as is a key that was revoked. A
    /// device that was removed is enrolled again.
    ///
    /// A row that is wrong keeps out no other. [`FleetError::Invalid`] where the file as a whole can't be read. With
    /// `dry_run` nothing is changed. If the store fails in between, what was added stays: do it again.
    pub async fn import(
        &self,
        context: &Context,
        format: ImportFormat,
        bytes: &[u8],
        dry_run: bool,
    ) -> Result<ImportReport, FleetError> {
        self.demand(context, Permission::Administer, "import").await?;
        if bytes.len() > ImportReport::MAX_BYTES {
            let reason = format!("a file has at most {} bytes: split it", ImportReport::MAX_BYTES);
            return Err(FleetError::Invalid { field: "file", reason });
        }
        let mut report = ImportReport { dry_run, ..ImportReport::default() };
        let rows = file::read(format, bytes, &mut report)?;
        let classes = self.store.classes().await?;
        let classes = classes.into_iter().map(|class| (class.name.clone(), class)).collect();
        for group in rows.chunks(ImportReport::ROWS_PER_COMMIT) {
            match self.import_rows(context, group, &classes, &mut report).await {
                // Somebody added one of them at this moment: which, each alone will tell.
                Err(FleetError::Store(StoreError::Conflict)) => {
                    for row in group {
                        let one = std::slice::from_ref(row);
                        match self.import_rows(context, one, &classes, &mut report).await {
                            Err(FleetError::Store(StoreError::Conflict)) => {
                                report.refuse(
                                    row.line,
                                    "it was changed by somebody else meanwhile: import it again",
                                );
                            }
                            done => done?,
                        }
                    }
                }
                done => done?,
            }
        }
        report.errors.sort_by_key(|error| error.line);
        Ok(report)
    }

    /// Judges rows and commits what comes of them. If it fails, the report is as it was.
    async fn import_rows(
        &self,
        context: &Context,
        rows: &[Row],
        classes: &BTreeMap<String, Class>,
        report: &mut ImportReport,
    ) -> Result<(), FleetError> {
        let known = self.known(rows).await?;
        let mut verdicts: Vec<(u64, Verdict)> =
            rows.iter().map(|row| (row.line, self.judge_row(context, row, classes, &known))).collect();
        if !report.dry_run {
            self.number(&mut verdicts).await;
            self.commit_rows(context, &verdicts).await?;
        }
        for (line, verdict) in verdicts {
            match verdict {
                Verdict::Add(..) | Verdict::AddAgain(..) => report.added += 1,
                Verdict::Nothing => report.unchanged += 1,
                Verdict::Error(reason) => report.refuse(line, reason),
            }
        }
        Ok(())
    }

    async fn known(&self, rows: &[Row]) -> Result<Known, FleetError> {
        let endpoints: Vec<_> = rows.iter().map(|row| row.endpoint.clone()).collect();
        let given = rows.iter().flat_map(|row| &row.credentials);
        let identities: Vec<_> = given.map(|given| given.name.clone()).collect();
        let known = self.store.enrolled(&endpoints, &identities).await?;
        let devices = known.devices.into_iter();
        let credentials = known.credentials.into_iter();
        Ok(Known {
            devices: devices.map(|device| (device.endpoint.clone(), device)).collect(),
            credentials: credentials.map(|found| (found.0.identity.clone(), found)).collect(),
        })
    }

    fn judge_row(
        &self,
        context: &Context,
        row: &Row,
        classes: &BTreeMap<String, Class>,
        known: &Known,
    ) -> Verdict {
        let class = match &row.class {
            None => None,
            Some(name) => match classes.get(name) {
                Some(class) => Some(class),
                None => {
                    let name: String = name.chars().take(Class::MAX_NAME).collect();
                    return Verdict::Error(format!("there is no class {name:?}: make it first"));
                }
            },
        };
        let device = known.devices.get(&row.endpoint);
        let there = device.filter(|device| device.removed_at.is_none());
        if there.is_some_and(|device| class.is_some_and(|class| class.id != device.class)) {
            let reason = "the device is there in another class: put it into this one on its page";
            return Verdict::Error(reason.to_owned());
        }
        for given in &row.credentials {
            if let Some(reason) = given.refused(there, known) {
                return Verdict::Error(reason);
            }
        }
        let credentials = row.credentials.clone();
        let of_class = class.or_else(|| classes.values().find(|class| class.id == ClassId::DEFAULT));
        if there.is_none()
            && let Some(of_class) = of_class
            && let Some(reason) = credentials.iter().find_map(|given| given.unfit(of_class, context.now))
        {
            return Verdict::Error(reason);
        }
        let class = class.map_or(ClassId::DEFAULT, |class| class.id);
        match (there, device) {
            (Some(_), _) => Verdict::Nothing,
            (None, Some(device)) => {
                let device = Device { class, removed_at: None, ..device.clone() };
                Verdict::AddAgain(device, row.labels.clone(), credentials)
            }
            // Its row is given to it later, once it is known how many there are.
            (None, None) => {
                let device = self.new_device(context, crate::DeviceId(0), class, row.endpoint.clone());
                Verdict::Add(device, row.labels.clone(), credentials)
            }
        }
    }

    /// Gives the new devices their rows; those that the fleet has no room for are refused.
    async fn number(&self, verdicts: &mut [(u64, Verdict)]) {
        let is_new = |verdict: &Verdict| matches!(verdict, Verdict::Add(..));
        let count = verdicts.iter().filter(|(_, verdict)| is_new(verdict)).count();
        if count == 0 {
            return;
        }
        let mut ids = self.downlink.reserve(count).await.unwrap_or_default().into_iter();
        for (_, verdict) in verdicts {
            if let Verdict::Add(device, ..) = verdict {
                match ids.next() {
                    Some(id) => device.id = id,
                    None => *verdict = Verdict::Error(FleetError::FleetFull.to_string()),
                }
            }
        }
    }

    async fn commit_rows(&self, context: &Context, verdicts: &[(u64, Verdict)]) -> Result<(), FleetError> {
        let mut commit = Commit::default();
        let mut added = Vec::new();
        for (_, verdict) in verdicts {
            let (device, labels, credentials, done) = match verdict {
                Verdict::Add(device, labels, credentials) => {
                    commit.changes.push(Change::DeviceAdded(device.clone()));
                    (device, labels, credentials, "added")
                }
                Verdict::AddAgain(device, labels, credentials) => {
                    let (id, class) = (device.id, device.class);
                    commit.changes.push(Change::DeviceEnrolledAgain { device: id, class });
                    (device, labels, credentials, "added again")
                }
                Verdict::Nothing | Verdict::Error(_) => continue,
            };
            added.push(device.id);
            if !labels.is_empty() {
                let (device, labels) = (device.id, labels.clone());
                commit.changes.push(Change::Group(GroupChange::Labelled { device, labels }));
            }
            let mut detail = format!("{done} by {} by an import", context.actor.name());
            for Given { purpose, name, secret, valid_to } in credentials {
                let holder = Holder::Device(device.id);
                let made = Made { valid_to: *valid_to, ..Made::of(name.clone(), secret.clone()) };
                let new = self.new_credential(context, holder, *purpose, made, None);
                detail = format!("{detail}; {}", super::credentials::name_of(&new.credential));
                commit.changes.push(Change::CredentialAdded(Box::new(new)));
            }
            commit.changes.push(timeline(context, device.id, TimelineKind::Enrolment, &detail));
        }
        let (Some((first, _)), Some((last, _))) = (verdicts.first(), verdicts.last()) else { return Ok(()) };
        if added.is_empty() {
            return Ok(());
        }
        let object = format!("{} devices of lines {first} to {last}", added.len());
        commit.audit.push(AuditEntry::by(context, Verb::ImportDevices, None, object));
        let commit = std::sync::Arc::new(commit);
        self.store.commit(Commit::clone(&commit)).await?;
        self.downlink.follow(commit).await;
        self.evaluate(context.now, &added).await.map(drop)
    }
}

impl Given {
    /// Why a row can't bring this credential, given the device that is there and not removed, and what is known.
    fn refused(&self, there: Option<&Device>, known: &Known) -> Option<String> {
        let purpose = self.purpose.name();
        let Some((found, secret)) = known.credentials.get(&self.name) else {
            let reason = || {
                format!("the device is there without this {purpose} credential: give it one more on its page")
            };
            return there.map(|_| reason());
        };
        let own = there.is_some_and(|device| found.holder == Holder::Device(device.id));
        // Of all but a name that stands in certificates, one has the key itself here.
        let same_key = match &self.name {
            CredentialName::Psk(_) => *secret == self.secret,
            CredentialName::PublicKey(_) | CredentialName::Certificate(CertificateName::PublicKey(_)) => true,
            CredentialName::Certificate(_) => own,
        };
        if found.state == CredentialState::Revoked && same_key {
            return Some(format!("this {purpose} key was revoked: make a new one"));
        }
        if !own && found.state.opens() {
            return Some(format!("the {purpose} identity belongs to another device: choose another"));
        }
        let same = found.purpose == self.purpose && same_key;
        let reason =
            || format!("the device is there with another {purpose} key: rotate or revoke that on its page");
        (there.is_some() && !(own && same)).then(reason)
    }

    /// Why a device of a class can't be added with this credential.
    fn unfit(&self, class: &Class, now: Timestamp) -> Option<String> {
        let (purpose, kind) = (self.purpose.name(), self.name.kind());
        if !class.policy.allows(kind) {
            return Some(format!("the {purpose} credential: {}", not_let_in(class, kind.name())));
        }
        if self.valid_to.is_some_and(|end| end <= now) {
            return Some(format!("{purpose}_certificate: it is past its time"));
        }
        let mapping = class.policy.mapping;
        let is_named = matches!(&self.name, CredentialName::Certificate(name) if !mapping.takes(name));
        let reason = || {
            format!(
                "{purpose}_certificate: certificates name devices of the class {} by {}:…, not so",
                class.name,
                mapping.name()
            )
        };
        is_named.then(reason)
    }
}
