//! The event log, its webhooks, and the connection diary.

use super::{Tables, unique};
use crate::{
    Delivered, DeviceId, DiaryBounds, DiaryEntry, DiaryNote, LoggedEvent, LoggedKind, StoreError, Timestamp,
    Webhook, WebhookSecret,
};

impl Tables {
    /// Writes an entry of the event log.
    pub(super) fn tell(&mut self, device: DeviceId, at: Timestamp, kind: LoggedKind) {
        let Some(told) = self.devices.get(&device) else { return };
        self.last_event += 1;
        let (public_id, endpoint) = (told.public_id, told.endpoint.clone());
        let event = LoggedEvent { sequence: self.last_event, at, device: public_id, endpoint, kind };
        self.events.push(event);
    }

    pub(super) fn purge_events(&mut self, now: Timestamp) {
        self.events.retain(|event| event.at.after(LoggedEvent::KEPT) > now);
        self.events.drain(..self.events.len().saturating_sub(LoggedEvent::MAX));
    }

    pub(super) fn add_webhook(&mut self, webhook: Webhook, secret: WebhookSecret) -> Result<(), StoreError> {
        unique(self.webhooks.iter().all(|(other, _)| other.public_id != webhook.public_id))?;
        self.webhooks.push((webhook, secret));
        Ok(())
    }

    pub(super) fn webhook_delivered(&mut self, delivered: Delivered) {
        let Delivered { webhook, delivered, failures, retry_at, last_error, success_at, given_up } =
            delivered;
        let Some(row) = self.webhook(webhook) else { return };
        row.delivered = row.delivered.max(delivered);
        row.failures = failures;
        row.retry_at = retry_at;
        row.last_error = last_error;
        row.last_success_at = success_at.or(row.last_success_at);
        row.given_up = row.given_up.saturating_add(given_up);
    }

    pub(super) fn note(&mut self, note: DiaryNote) {
        let DiaryNote { last, first_at, count, id } = note;
        let device = last.device.and_then(|device| self.devices.get(&device)).map(|device| device.public_id);
        let same = |entry: &&mut DiaryEntry| entry.cause == last.cause && entry.subject == last.subject;
        if let Some(entry) = self.diary.iter_mut().find(same) {
            entry.from = last.from;
            entry.listener = last.listener;
            entry.device = device.or(entry.device);
            entry.detail = last.detail;
            entry.first_at = entry.first_at.min(first_at);
            entry.last_at = entry.last_at.max(last.at);
            entry.count = entry.count.saturating_add(count);
            return;
        }
        self.diary.push(DiaryEntry {
            id,
            cause: last.cause,
            subject: last.subject,
            from: last.from,
            listener: last.listener,
            device,
            detail: last.detail,
            first_at,
            last_at: last.at,
            count,
        });
        if self.diary.len() > DiaryBounds::ENTRIES {
            let oldest = self.diary.iter().enumerate().min_by_key(|(_, entry)| entry.last_at);
            if let Some((index, _)) = oldest {
                self.diary.remove(index);
            }
        }
    }
}
