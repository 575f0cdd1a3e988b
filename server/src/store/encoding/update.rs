//! Updates as rows.

use std::time::Duration;

use fleet::{
    ArtefactId, DeviceId, OperationId, PublicId, RequestId, StoreError, Timestamp,
    update::{
        Ask, Delivery, DownloadDigest, Update, UpdateId, UpdateNote, UpdatePhase, UpdateTarget, UpdateTerms,
        VersionAt,
    },
};
use objects::{InstanceId, ObjectId, Path};
use serde::{Deserialize, Serialize};

use super::{OrCorrupt as _, Word, text, text_column, uuid};
use crate::store::entity::device_update;

pub(in crate::store) fn row(update: &Update) -> device_update::Model {
    device_update::Model {
        id: update.id.0.as_bytes().to_vec(),
        device_id: update.device.0,
        device_public_id: update.device_public_id.0.as_bytes().to_vec(),
        artefact: update.artefact.0.as_bytes().to_vec(),
        version: text_column(&update.version),
        size: update.size.cast_signed(),
        target: update.target.instance().to_string(),
        terms: terms_column(&update.terms),
        requested_by: text_column(&update.requested_by),
        request: update.request.0.as_bytes().to_vec(),
        ticket: update.ticket.as_deref().map(text_column),
        created_at: update.created_at.0,
        phase: update.phase.word().to_owned(),
        since: update.since.0,
        due_at: update.due_at.0,
        attempt: update.attempt.into(),
        mark: update.mark.0,
        operation_id: update.asking.map(|(operation, _)| operation.0.as_bytes().to_vec()),
        ask: update.asking.map(|(_, ask)| ask.word().to_owned()),
        unanswered: update.unanswered.into(),
        prepared: update.prepared.into(),
        delivered: update.delivered.into(),
        sent: update.sent.cast_signed(),
        progress_at: update.progress_at.0,
        installed_at: update.installed_at.map(|at| at.0),
        version_at: update.version_at.map(|at| at.0),
        restarts: update.restarts.into(),
        version_before: update.version_before.as_deref().map(text_column),
        result: update.result.map(i64::from),
        cancelling: update.cancelling.into(),
        rested: update.rested.into(),
        download: update.download.map(|DownloadDigest(digest)| digest.to_vec()),
        detail: text_column(&update.detail),
        notes: notes_column(&update.notes),
        ended_at: update.ended_at.map(|at| at.0),
    }
}

pub(in crate::store) fn update(row: device_update::Model) -> Result<Update, StoreError> {
    read(row).or_corrupt("update")
}

fn read(row: device_update::Model) -> Option<Update> {
    Some(Update {
        id: UpdateId(uuid(&row.id)?),
        device: DeviceId(row.device_id),
        device_public_id: PublicId(uuid(&row.device_public_id)?),
        artefact: ArtefactId(uuid(&row.artefact)?),
        version: text(&row.version),
        size: row.size.cast_unsigned(),
        target: target(&row.target)?,
        terms: terms(&row.terms)?,
        requested_by: text(&row.requested_by),
        request: RequestId(uuid(&row.request)?),
        ticket: row.ticket.as_deref().map(text),
        created_at: Timestamp(row.created_at),
        phase: UpdatePhase::from_word(&row.phase)?,
        since: Timestamp(row.since),
        due_at: Timestamp(row.due_at),
        attempt: row.attempt.try_into().ok()?,
        mark: Timestamp(row.mark),
        asking: match (row.operation_id, row.ask) {
            (None, None) => None,
            (operation, ask) => Some((OperationId(uuid(&operation?)?), Ask::from_word(&ask?)?)),
        },
        unanswered: row.unanswered.try_into().ok()?,
        prepared: row.prepared.try_into().ok()?,
        delivered: row.delivered != 0,
        sent: row.sent.cast_unsigned(),
        progress_at: Timestamp(row.progress_at),
        installed_at: row.installed_at.map(Timestamp),
        version_at: row.version_at.map(Timestamp),
        restarts: row.restarts.try_into().ok()?,
        version_before: row.version_before.as_deref().map(text),
        result: row.result.map(u8::try_from).transpose().ok()?,
        cancelling: row.cancelling != 0,
        rested: row.rested != 0,
        download: row.download.map(|digest| digest.try_into().map(DownloadDigest)).transpose().ok()?,
        detail: text(&row.detail),
        notes: notes(&row.notes)?,
        ended_at: row.ended_at.map(Timestamp),
    })
}

fn target(column: &str) -> Option<UpdateTarget> {
    match column.parse().ok()? {
        Path::Instance(ObjectId(5), InstanceId(0)) => Some(UpdateTarget::Firmware),
        Path::Instance(ObjectId(9), instance) => Some(UpdateTarget::Software(instance)),
        _ => None,
    }
}

/// Terms as JSON; times in milliseconds.
#[derive(Serialize, Deserialize)]
struct Terms {
    delivery: String,
    resume: bool,
    block_bytes: u16,
    attempts: u8,
    severity: Option<u8>,
    defer_up_to_ms: Option<u64>,
    version_at: String,
    quiet_ms: u64,
    download_within_ms: u64,
    install_within_ms: u64,
    give_up_after_ms: u64,
    again: bool,
}

fn terms_column(terms: &UpdateTerms) -> String {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let stored = Terms {
        delivery: terms.delivery.word().to_owned(),
        resume: terms.resume,
        block_bytes: terms.block_bytes,
        attempts: terms.attempts,
        severity: terms.severity,
        defer_up_to_ms: terms.defer_up_to.map(ms),
        version_at: terms.version_at.word().to_owned(),
        quiet_ms: ms(terms.quiet),
        download_within_ms: ms(terms.download_within),
        install_within_ms: ms(terms.install_within),
        give_up_after_ms: ms(terms.give_up_after),
        again: terms.again,
    };
    serde_json::to_string(&stored).expect("strings and numbers are always JSON")
}

fn terms(column: &str) -> Option<UpdateTerms> {
    let stored: Terms = serde_json::from_str(column).ok()?;
    Some(UpdateTerms {
        delivery: Delivery::from_word(&stored.delivery)?,
        resume: stored.resume,
        block_bytes: stored.block_bytes,
        attempts: stored.attempts,
        severity: stored.severity,
        defer_up_to: stored.defer_up_to_ms.map(Duration::from_millis),
        version_at: VersionAt::from_word(&stored.version_at)?,
        quiet: Duration::from_millis(stored.quiet_ms),
        download_within: Duration::from_millis(stored.download_within_ms),
        install_within: Duration::from_millis(stored.install_within_ms),
        give_up_after: Duration::from_millis(stored.give_up_after_ms),
        again: stored.again,
    })
}

/// Pairs of when and what.
fn notes_column(notes: &[UpdateNote]) -> String {
    let stored: Vec<(i64, &str)> = notes.iter().map(|note| (note.at.0, note.text.as_str())).collect();
    serde_json::to_string(&stored).expect("strings, numbers and lists are always JSON")
}

fn notes(column: &str) -> Option<Vec<UpdateNote>> {
    let stored: Vec<(i64, String)> = serde_json::from_str(column).ok()?;
    Some(stored.into_iter().map(|(at, text)| UpdateNote { at: Timestamp(at), text }).collect())
}
