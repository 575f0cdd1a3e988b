//! What is told of: the event log, its webhooks, and the connection diary.

use fleet::{
    Change, Delivered, DiaryBounds, DiaryId, DiaryNote, LoggedKind, PublicId, Timestamp, Webhook,
    WebhookSecret,
};

use super::{Batch, signed, tally};
use crate::store::{
    encoding::{Word as _, text_column, told},
    failure::Failure,
    sql::Sql,
};

impl Batch<'_> {
    /// Collects the entry of the event log that tells of a change, if one does.
    pub(super) fn tell(&mut self, change: &Change, replaces: bool, at: Timestamp) {
        if let Some((device, kind)) = LoggedKind::of(change, replaces) {
            self.numbers.event += 1;
            self.events.push(told::event_row(self.numbers.event, at, device, &kind));
        }
    }

    pub(super) async fn note(&mut self, note: &DiaryNote) -> Result<(), Failure> {
        let DiaryNote { last, first_at, count, id } = note;
        let id = id.0.as_bytes().to_vec();
        let sql = Sql::new(
            "INSERT INTO diary (id, cause, subject, address, listener, detail, first_at, last_at, count, device_id) \
             VALUES (",
        );
        let sql = sql
            .bind(id.clone())
            .text(", ")
            .bind(last.cause.word())
            .text(", ")
            .bind(text_column(&last.subject));
        let sql = sql.text(", ").bind(last.from.to_string()).text(", ").bind(text_column(&last.listener));
        let sql = sql
            .text(", ")
            .bind(text_column(&last.detail))
            .text(", ")
            .bind(first_at.0)
            .text(", ")
            .bind(last.at.0);
        // A device that is not there is one that is not known.
        let sql =
            sql.text(", ").bind(told::count_column(*count)).text(", (SELECT id FROM device WHERE id = ");
        let sql = sql.bind(last.device.map(|device| device.0)).text(
            ")) ON CONFLICT (cause, subject) DO UPDATE SET address = excluded.address, listener = excluded.listener, \
             detail = excluded.detail, device_id = COALESCE(excluded.device_id, diary.device_id), \
             first_at = CASE WHEN excluded.first_at < diary.first_at THEN excluded.first_at ELSE diary.first_at END, \
             last_at = CASE WHEN excluded.last_at > diary.last_at THEN excluded.last_at ELSE diary.last_at END, \
             count = diary.count + excluded.count RETURNING id",
        );
        let rows = self.query(sql).await?;
        // An entry that was there keeps its name.
        if rows.first().map(|row| row.try_get_by_index::<Vec<u8>>(0)).transpose()? == Some(id) {
            self.count(tally::DIARY, 1);
        }
        Ok(())
    }

    pub(super) async fn clear_diary(&mut self, id: DiaryId) -> Result<(), Failure> {
        let sql = Sql::new("DELETE FROM diary WHERE id = ").bind(id.0.as_bytes().to_vec());
        let cleared = self.run(sql).await?;
        self.count(tally::DIARY, -signed(cleared));
        Ok(())
    }

    /// Drops what the diary holds beyond its bound, those of longest ago first.
    pub(super) async fn cut_diary(&mut self, node: i64) -> Result<(), Failure> {
        let more = self.tally.get(tally::DIARY).copied().unwrap_or(0);
        if more <= 0 {
            return Ok(());
        }
        let sql = Sql::new("SELECT count FROM tally WHERE node_id = ")
            .bind(node)
            .text(" AND name = ")
            .bind(tally::DIARY);
        let rows = self.query(sql).await?;
        let before = rows.first().map(|row| row.try_get_by_index::<i64>(0)).transpose()?.unwrap_or(0);
        let beyond = before + more - signed(DiaryBounds::ENTRIES as u64);
        if beyond > 0 {
            let sql =
                Sql::new("DELETE FROM diary WHERE id IN (SELECT id FROM diary ORDER BY last_at, id LIMIT ");
            let dropped = self.run(sql.bind(beyond).text(")")).await?;
            self.count(tally::DIARY, -signed(dropped));
        }
        Ok(())
    }

    pub(super) async fn add_webhook(
        &mut self,
        webhook: &Webhook,
        secret: &WebhookSecret,
    ) -> Result<(), Failure> {
        let sealed = self.seal(told::webhook_row_number(webhook.public_id), &secret.0)?;
        self.insert(told::webhook_row(webhook, sealed)).await
    }

    pub(super) async fn pause_webhook(&mut self, id: PublicId, paused: bool) -> Result<(), Failure> {
        let sql = Sql::new("UPDATE webhook SET paused = ").bind(i64::from(paused));
        self.run(sql.text(" WHERE public_id = ").bind(id.0.as_bytes().to_vec())).await?;
        Ok(())
    }

    pub(super) async fn remove_webhook(&mut self, id: PublicId) -> Result<(), Failure> {
        let sql = Sql::new("DELETE FROM webhook WHERE public_id = ").bind(id.0.as_bytes().to_vec());
        self.run(sql).await?;
        Ok(())
    }

    pub(super) async fn webhook_delivered(&mut self, delivered: &Delivered) -> Result<(), Failure> {
        let last = delivered.delivered;
        let sql = Sql::new("UPDATE webhook SET delivered = CASE WHEN delivered > ").bind(last);
        let sql = sql.text(" THEN delivered ELSE ").bind(last).text(" END, failures = ");
        let sql = sql.bind(i64::from(delivered.failures)).text(", retry_at = ");
        let sql = sql.bind(delivered.retry_at.map(|at| at.0)).text(", last_error = ");
        let sql = sql.bind(text_column(&delivered.last_error)).text(", last_success_at = COALESCE(");
        let sql =
            sql.bind(delivered.success_at.map(|at| at.0)).text(", last_success_at), given_up = given_up + ");
        let sql = sql.bind(told::count_column(delivered.given_up)).text(" WHERE public_id = ");
        self.run(sql.bind(delivered.webhook.0.as_bytes().to_vec())).await?;
        Ok(())
    }
}
