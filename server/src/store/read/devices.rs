//! Devices with their registrations: one, or a page of them.

mod named;

use std::sync::{Mutex, PoisonError};

use fleet::{
    ClassId, Device, DeviceId, DeviceState, DomainId, EndpointName, PublicId, StoreError, Timestamp,
    store::{DeviceQuery, DeviceSummary, DeviceView, Page, RegisteredSummary},
};
use sea_orm::{
    ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _, FromQueryResult, QueryFilter as _,
};

use super::{
    Reader,
    lists::{cut, with_one_more},
};
use crate::store::{
    cursor::{self, Position},
    encoding::{OrCorrupt as _, Word as _, rows, source, text, text_after, uuid},
    entity::{class, device, lease, registration},
    recency::Recency,
    sql::Sql,
};

/// A line of the list.
#[derive(FromQueryResult)]
struct Line {
    id: i64,
    public_id: Vec<u8>,
    domain_id: i64,
    class_id: i64,
    endpoint: String,
    created_at: i64,
    removed_at: Option<i64>,
    state: String,
    secured: i64,
    rested_at: Option<i64>,
    class_name: String,
    lwm2m: Option<String>,
    transports: Option<String>,
    queue_mode: Option<i64>,
    listener: Option<i64>,
    address: Option<String>,
    seen_at: Option<i64>,
    expires_at: Option<i64>,
}

/// What each line is made of, for the devices of `p`. A lease is there while the registration lives; then its words count.
const LINE: &str = "SELECT d.id, d.public_id, d.domain_id, d.class_id, d.endpoint, d.created_at, d.removed_at, d.state, \
                    d.secured, d.rested_at, c.name AS class_name, r.lwm2m, r.transports, r.queue_mode, r.listener, \
                    r.address, COALESCE(l.seen_at, r.seen_at) AS seen_at, \
                    COALESCE(l.expires_at, r.ended_at) AS expires_at FROM ";

const OF_PLACE: &str = " AS p CROSS JOIN device AS d JOIN class AS c ON c.id = d.class_id \
                        LEFT JOIN registration AS r ON r.device_id = d.id LEFT JOIN lease AS l ON l.device_id = d.id";

impl Reader {
    pub(in crate::store) async fn device(&self, id: PublicId) -> Result<Option<DeviceView>, StoreError> {
        self.view(device::Column::PublicId.eq(id.0.as_bytes().to_vec()).into()).await
    }

    pub(in crate::store) async fn device_row(&self, id: DeviceId) -> Result<Option<DeviceView>, StoreError> {
        self.view(device::Column::Id.eq(id.0).into()).await
    }

    pub(in crate::store) async fn device_by_endpoint(
        &self,
        endpoint: &EndpointName,
    ) -> Result<Option<DeviceView>, StoreError> {
        let domain = device::Column::DomainId.eq(DomainId::ROOT.0);
        self.view(Condition::all().add(domain).add(device::Column::Endpoint.eq(endpoint.as_str()))).await
    }

    async fn view(&self, which: Condition) -> Result<Option<DeviceView>, StoreError> {
        let snapshot = self.snapshot().await?;
        let Some(row) = self.checked(device::Entity::find().filter(which).one(&snapshot).await)? else {
            return Ok(None);
        };
        let class = self.checked(class::Entity::find_by_id(row.class_id).one(&snapshot).await)?;
        let class = class.or_corrupt("device")?;
        let registration = registration::Entity::find_by_id(row.id).one(&snapshot).await;
        let lease = lease::Entity::find_by_id(row.id).one(&snapshot).await;
        device_view(row, &class.name, self.checked(registration)?, self.checked(lease)?).map(Some)
    }

    pub(in crate::store) async fn devices_by_endpoint(
        &self,
        query: &DeviceQuery,
    ) -> Result<Page<DeviceSummary>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Endpoint { endpoint, device } => Some((endpoint, device)),
            _ => None,
        })?;
        let mut lines = self.rows::<Line>(&self.connection(), by_endpoint(query, after)).await?;
        lines.sort_by(|one, other| (&one.endpoint, one.id).cmp(&(&other.endpoint, other.id)));
        let rows = lines.into_iter().map(summary).collect::<Result<_, _>>()?;
        Ok(cut(rows, &query.page, |row: &DeviceSummary| Position::Endpoint {
            endpoint: row.device.endpoint.as_str().to_owned(),
            device: row.device.id.0,
        }))
    }

    /// Merges two lists that are in order: the live devices, whose order is in memory, and all others.
    pub(in crate::store) async fn devices_by_last_seen(
        &self,
        query: &DeviceQuery,
        recency: &Mutex<Recency>,
    ) -> Result<Page<DeviceSummary>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Seen { seen_at, device } => Some((seen_at, device)),
            _ => None,
        })?;
        let snapshot = self.snapshot().await?;
        let mut lines = self.live(&snapshot, query, recency, after).await?;
        if query.state != Some(DeviceState::Registered) {
            lines.extend(self.rows::<Line>(&snapshot, at_rest(query, after)).await?);
        }
        let heard = |line: &Line| line.seen_at.or(line.rested_at).unwrap_or(rows::NEVER_HEARD);
        lines.sort_by_key(|line| (std::cmp::Reverse(heard(line)), line.id));
        let rows = lines.into_iter().map(summary).collect::<Result<_, _>>()?;
        Ok(cut(rows, &query.page, |row: &DeviceSummary| Position::Seen {
            seen_at: row.registered.as_ref().map_or(rows::NEVER_HEARD, |registered| registered.seen_at.0),
            device: row.device.id.0,
        }))
    }

    async fn live(
        &self,
        snapshot: &DatabaseTransaction,
        query: &DeviceQuery,
        recency: &Mutex<Recency>,
        after: Option<(i64, i64)>,
    ) -> Result<Vec<Line>, StoreError> {
        if query.state.is_some_and(|state| state != DeviceState::Registered) {
            return Ok(Vec::new());
        }
        let some = query.prefix.is_some() || query.class.is_some() || query.secured.is_some();
        if some || named::names(query) {
            return self.rows(snapshot, live_of_some(query, after)).await;
        }
        let devices = {
            let recency = recency.lock().unwrap_or_else(PoisonError::into_inner);
            recency.after(after, query.page.rows() + 1)
        };
        match devices.is_empty() {
            true => Ok(Vec::new()),
            false => self.rows(snapshot, live_of(&devices)).await,
        }
    }
}

/// A device of its rows. The lease is there while the registration lives; then its words count.
pub(super) fn device_view(
    row: device::Model,
    class_name: &str,
    registration: Option<registration::Model>,
    lease: Option<lease::Model>,
) -> Result<DeviceView, StoreError> {
    let class_name = text(class_name);
    let state = DeviceState::from_word(&row.state).or_corrupt("device")?;
    let secured = row.secured != 0;
    let device = rows::device(row)?;
    let Some(row) = registration else {
        return Ok(DeviceView { device, state, registration: None, seen_at: None, secured, class_name });
    };
    let (seen_at, expires_at) = match lease {
        Some(lease) => (lease.seen_at, lease.expires_at),
        None => row.seen_at.zip(row.ended_at).or_corrupt("lease")?,
    };
    let registration = Some(rows::registration(row, Timestamp(expires_at))?);
    let seen_at = Some(Timestamp(seen_at));
    Ok(DeviceView { device, state, registration, seen_at, secured, class_name })
}

/// In the order of the names. Each state, with and without credentials, has its part of an index; the parts are merged.
pub(in crate::store) fn by_endpoint(query: &DeviceQuery, after: Option<(String, i64)>) -> Sql {
    if named::names(query) {
        return named::by_endpoint(query, after);
    }
    let parts = parts(query, |_| true);
    let sql = parts.into_iter().enumerate().fold(Sql::new(LINE).text("("), |sql, (index, part)| {
        let sql = sql
            .text(if index == 0 { "" } else { " UNION ALL " })
            .text("SELECT d.endpoint, d.id FROM device AS d");
        let sql = of_part(sql, query, part);
        let Some((endpoint, device)) = &after else { return sql };
        sql.text(" AND (d.endpoint, d.id) > (").bind(endpoint.clone()).text(", ").bind(*device).text(")")
    });
    let sql = sql.text(&format!(" ORDER BY endpoint, id LIMIT {})", with_one_more(query.page.rows())));
    sql.text(OF_PLACE).text(" WHERE d.id = p.id")
}

/// Devices without a live registration, the last heard first and those that never were at the end.
pub(in crate::store) fn at_rest(query: &DeviceQuery, after: Option<(i64, i64)>) -> Sql {
    if named::names(query) {
        return named::at_rest(query, after);
    }
    let parts = parts(query, |state| state != DeviceState::Registered);
    let sql = parts.into_iter().enumerate().fold(Sql::new(LINE).text("("), |sql, (index, part)| {
        let sql = sql.text(if index == 0 { "" } else { " UNION ALL " });
        let sql = sql.text("SELECT d.rested_at AS seen_at, d.id FROM device AS d");
        let sql = of_part(sql, query, part).text(" AND d.rested_at IS NOT NULL");
        seen_before(sql, "d.rested_at", "d.id", after)
    });
    let sql = sql.text(&format!(" ORDER BY seen_at DESC, id LIMIT {})", with_one_more(query.page.rows())));
    sql.text(OF_PLACE).text(" WHERE d.id = p.id")
}

/// Live devices of a prefix, a class, or with or without credentials, the last heard first. This one sorts all that these
/// name.
pub(in crate::store) fn live_of_some(query: &DeviceQuery, after: Option<(i64, i64)>) -> Sql {
    if named::names(query) {
        return named::live(query, after);
    }
    let live = DeviceQuery { state: Some(DeviceState::Registered), ..query.clone() };
    let parts = parts(&live, |_| true);
    let sql = parts.into_iter().enumerate().fold(Sql::new(LINE).text("("), |sql, (index, part)| {
        let sql = sql.text(if index == 0 { "" } else { " UNION ALL " });
        let sql = sql.text("SELECT l.seen_at, d.id FROM device AS d CROSS JOIN lease AS l");
        seen_before(of_part(sql, query, part).text(" AND l.device_id = d.id"), "l.seen_at", "d.id", after)
    });
    let sql = sql.text(&format!(" ORDER BY seen_at DESC, id LIMIT {})", with_one_more(query.page.rows())));
    sql.text(OF_PLACE).text(" WHERE d.id = p.id")
}

/// Live devices by their numbers.
pub(in crate::store) fn live_of(devices: &[(i64, i64)]) -> Sql {
    let sql = Sql::new(LINE).rows(devices.iter().map(|&(_, device)| [device.into()]));
    sql.text(OF_PLACE).text(" WHERE d.id = p.column1 AND l.device_id IS NOT NULL")
}

/// The parts of the indexes that hold what is asked for.
fn parts(query: &DeviceQuery, has: impl Fn(DeviceState) -> bool) -> Vec<(DeviceState, bool)> {
    let wanted = |state: DeviceState| match query.state {
        Some(one) => one == state,
        None => state != DeviceState::Removed,
    };
    let states = DeviceState::ALL.iter().copied().filter(|&state| wanted(state) && has(state));
    states
        .flat_map(|state| [false, true].map(|secured| (state, secured)))
        .filter(|(_, secured)| query.secured.is_none_or(|one| one == *secured))
        .collect()
}

fn of_part(sql: Sql, query: &DeviceQuery, (state, secured): (DeviceState, bool)) -> Sql {
    let sql =
        sql.text(" WHERE d.state = ").bind(state.word()).text(" AND d.secured = ").bind(i64::from(secured));
    let sql = match query.class {
        Some(class) => sql.text(" AND d.class_id = ").bind(class.0),
        None => sql,
    };
    with_prefix(sql, "d.endpoint", query.prefix.as_deref())
}

fn with_prefix(sql: Sql, column: &str, prefix: Option<&str>) -> Sql {
    let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else { return sql };
    // No name begins so, and PostgreSQL takes no text with a NUL.
    if prefix.chars().any(char::is_control) {
        return sql.text(" AND false");
    }
    // A range, not LIKE: the index serves it, and no letter of the prefix has a meaning.
    let sql = sql.text(&format!(" AND {column} >= ")).bind(prefix);
    match text_after(prefix) {
        Some(end) => sql.text(&format!(" AND {column} < ")).bind(end),
        None => sql,
    }
}

fn seen_before(sql: Sql, time: &str, number: &str, after: Option<(i64, i64)>) -> Sql {
    let Some((seen_at, device)) = after else { return sql };
    let sql =
        sql.text(&format!(" AND {time} <= ")).bind(seen_at).text(&format!(" AND ({time} < ")).bind(seen_at);
    sql.text(&format!(" OR {number} > ")).bind(device).text(")")
}

fn summary(line: Line) -> Result<DeviceSummary, StoreError> {
    let registered = match &line.lwm2m {
        None => None,
        Some(lwm2m) => Some(registered(&line, lwm2m).or_corrupt("registration")?),
    };
    let device = Device {
        id: DeviceId(line.id),
        public_id: PublicId(uuid(&line.public_id).or_corrupt("device")?),
        domain: DomainId(line.domain_id),
        class: ClassId(line.class_id),
        endpoint: EndpointName::new(line.endpoint).or_corrupt("device")?,
        created_at: Timestamp(line.created_at),
        removed_at: line.removed_at.map(Timestamp),
    };
    Ok(DeviceSummary {
        device,
        state: DeviceState::from_word(&line.state).or_corrupt("device")?,
        secured: line.secured != 0,
        class_name: text(&line.class_name),
        registered,
    })
}

fn registered(line: &Line, lwm2m: &str) -> Option<RegisteredSummary> {
    Some(RegisteredSummary {
        lwm2m: lwm2m.parse().ok()?,
        binding: rows::binding(line.transports.as_deref()?, line.queue_mode?),
        source: source(line.listener?, line.address.as_deref()?)?,
        seen_at: Timestamp(line.seen_at?),
        expires_at: Timestamp(line.expires_at?),
    })
}
