//! The audit log, the event log, its webhooks, and the connection diary.

use fleet::{
    AuditRecord, DeviceId, DiaryEntry, DiaryId, EndpointName, LoggedEvent, PublicId, StoreError, Timestamp,
    Webhook, WebhookSecret,
    store::{AuditQuery, DiaryQuery, Page},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};
use uuid::Uuid;

use super::{
    Reader,
    lists::{cut, with_one_more},
};
use crate::store::{
    cursor::{self, Position},
    encoding::{OrCorrupt as _, Word as _, rows, text_column, told, uuid},
    entity::{audit, diary, event_log, webhook},
    sql::Sql,
};

#[derive(FromQueryResult)]
struct OfDevice {
    device_name: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct ByDevice {
    device_name: Vec<u8>,
    endpoint: String,
}

#[derive(FromQueryResult)]
struct Range {
    first: Option<i64>,
    last: Option<i64>,
    event: i64,
}

impl Reader {
    pub(in crate::store) async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditRecord>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Audit(sequence) => Some(sequence),
            _ => None,
        })?;
        let rows = self.all(audit(query, after)).await?;
        let rows = rows.into_iter().map(rows::audit).collect::<Result<_, _>>()?;
        Ok(cut(rows, &query.page, |record: &AuditRecord| Position::Audit(record.sequence)))
    }

    pub(in crate::store) async fn diary(&self, query: &DiaryQuery) -> Result<Page<DiaryEntry>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Diary { last_at, entry } => Some((last_at, entry)),
            _ => None,
        })?;
        let rows = self.entries(diary(query, after)).await?;
        Ok(cut(rows, &query.page, |entry: &DiaryEntry| Position::Diary {
            last_at: entry.last_at.0,
            entry: entry.id.0,
        }))
    }

    pub(in crate::store) async fn diary_entry(&self, id: DiaryId) -> Result<Option<DiaryEntry>, StoreError> {
        let sql = entries().text(" WHERE y.id = ").bind(id.0.as_bytes().to_vec());
        Ok(self.entries(sql).await?.pop())
    }

    async fn entries(&self, sql: Sql) -> Result<Vec<DiaryEntry>, StoreError> {
        let rows: Vec<(diary::Model, OfDevice)> = self.pairs(&self.connection(), sql).await?;
        rows.into_iter().map(|(row, OfDevice { device_name })| told::diary_entry(row, device_name)).collect()
    }

    pub(in crate::store) async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let query = webhook::Entity::find().order_by_asc(webhook::Column::CreatedAt);
        let rows = self.all(query.order_by_asc(webhook::Column::PublicId)).await?;
        rows.into_iter().map(told::webhook).collect()
    }

    pub(in crate::store) async fn webhook_secret(
        &self,
        id: PublicId,
    ) -> Result<Option<WebhookSecret>, StoreError> {
        let row = self.one(webhook::Entity::find_by_id(id.0.as_bytes().to_vec())).await?;
        row.map(|row| self.open(told::webhook_row_number(id), &row.sealed, "webhook").map(WebhookSecret))
            .transpose()
    }

    pub(in crate::store) async fn events(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        let sql = events(after, limit.min(LoggedEvent::MAX_READ));
        let rows: Vec<(event_log::Model, ByDevice)> = self.pairs(&self.connection(), sql).await?;
        rows.into_iter().map(|(row, device)| event(row, device).or_corrupt("event")).collect()
    }

    pub(in crate::store) async fn event_range(&self) -> Result<(i64, i64), StoreError> {
        let ranges: Vec<Range> = self.rows(&self.connection(), event_range()).await?;
        let range = ranges.into_iter().next().or_corrupt("node")?;
        Ok((range.first.unwrap_or(range.event), range.last.unwrap_or(range.event)))
    }
}

/// Newest first. What was done by somebody, to a device or of a kind has an index; times are looked at one by one.
pub(in crate::store) fn audit(asked: &AuditQuery, after: Option<i64>) -> Select<audit::Entity> {
    let query = audit::Entity::find().order_by_desc(audit::Column::Sequence);
    let filters = [
        asked.actor.as_deref().map(|actor| audit::Column::Actor.eq(text_column(actor))),
        asked.verb.map(|verb| audit::Column::Verb.eq(verb.word())),
        asked.device.map(|device| audit::Column::DeviceId.eq(device.0)),
        asked.since.map(|since| audit::Column::At.gte(since.0)),
        asked.until.map(|until| audit::Column::At.lt(until.0)),
        after.map(|sequence| audit::Column::Sequence.lt(sequence)),
    ];
    let query = filters.into_iter().flatten().fold(query, |query, filter| query.filter(filter));
    query.limit(with_one_more(asked.page.rows()))
}

pub(in crate::store) fn diary(query: &DiaryQuery, after: Option<(i64, Uuid)>) -> Sql {
    let sql = entries().text(" WHERE true");
    let sql = match query.cause {
        Some(cause) => sql.text(" AND y.cause = ").bind(cause.word()),
        None => sql,
    };
    let sql = match query.device {
        Some(DeviceId(device)) => sql.text(" AND y.device_id = ").bind(device),
        None => sql,
    };
    let sql = if query.unmanaged { sql.text(" AND y.device_id IS NULL") } else { sql };
    let sql = match after {
        None => sql,
        Some((last_at, entry)) => {
            let sql = sql.text(" AND (y.last_at, y.id) < (").bind(last_at).text(", ");
            sql.bind(entry.as_bytes().to_vec()).text(")")
        }
    };
    sql.text(&format!(" ORDER BY y.last_at DESC, y.id DESC LIMIT {}", with_one_more(query.page.rows())))
}

pub(in crate::store) fn entries() -> Sql {
    Sql::new(
        "SELECT y.*, d.public_id AS device_name FROM diary AS y LEFT JOIN device AS d ON d.id = y.device_id",
    )
}

pub(in crate::store) fn events(after: i64, limit: usize) -> Sql {
    let sql = Sql::new(
        "SELECT e.*, d.public_id AS device_name, d.endpoint FROM event_log AS e CROSS JOIN device AS d",
    );
    let sql = sql.text(" WHERE d.id = e.device_id AND e.sequence > ").bind(after);
    sql.text(&format!(" ORDER BY e.sequence LIMIT {limit}"))
}

pub(in crate::store) fn event_range() -> Sql {
    Sql::new(
        "SELECT (SELECT MIN(sequence) FROM event_log) AS first, (SELECT MAX(sequence) FROM event_log) AS last, event \
         FROM node WHERE id = 1",
    )
}

fn event(row: event_log::Model, device: ByDevice) -> Option<LoggedEvent> {
    Some(LoggedEvent {
        sequence: row.sequence,
        at: Timestamp(row.at),
        device: PublicId(uuid(&device.device_name)?),
        endpoint: EndpointName::new(device.endpoint).ok()?,
        kind: told::logged_kind(&row.kind, row.readings.as_deref())?,
    })
}
