//! Devices with their registrations: one, or a page of them.

use fleet::{
    ClassId, Device, DeviceId, DeviceState, DomainId, EndpointName, PublicId, StoreError, Timestamp,
    store::{DeviceQuery, DeviceSummary, DeviceView, Page},
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};

use super::{
    Reader,
    lists::{cut, with_one_more},
};
use crate::store::{
    cursor::{self, Position},
    encoding::{OrCorrupt as _, Word as _, rows, source, text_after, uuid},
    entity::{device, lease, registration},
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
    state: String,
    lwm2m: String,
    transports: String,
    queue_mode: i64,
    listener: i64,
    address: String,
    seen_at: i64,
    expires_at: i64,
}

/// What each line is made of. A lease is there while the registration lives; then its words count.
const LINE: &str = "SELECT d.id, d.public_id, d.domain_id, d.class_id, d.endpoint, d.created_at, r.state, r.lwm2m, \
                    r.transports, r.queue_mode, r.listener, r.address, COALESCE(l.seen_at, r.seen_at) AS seen_at, \
                    COALESCE(l.expires_at, r.ended_at) AS expires_at FROM ";

const FROM_DEVICE: &str = "device AS d JOIN registration AS r ON r.device_id = d.id \
                           LEFT JOIN lease AS l ON l.device_id = d.id WHERE true";
const FROM_REGISTRATION: &str = "registration AS r JOIN device AS d ON d.id = r.device_id \
                                 LEFT JOIN lease AS l ON l.device_id = r.device_id WHERE true";

impl Reader {
    pub(in crate::store) async fn device(&self, id: PublicId) -> Result<Option<DeviceView>, StoreError> {
        let snapshot = self.snapshot().await?;
        let query = device::Entity::find().filter(device::Column::PublicId.eq(id.0.as_bytes().to_vec()));
        let Some(row) = self.checked(query.one(&snapshot).await)? else { return Ok(None) };
        let device = rows::device(row)?;
        let query = registration::Entity::find_by_id(device.id.0);
        let Some(row) = self.checked(query.one(&snapshot).await)? else { return Ok(None) };
        let lease = self.checked(lease::Entity::find_by_id(device.id.0).one(&snapshot).await)?;
        let state = DeviceState::from_word(&row.state).or_corrupt("registration")?;
        let (seen_at, expires_at) = match lease {
            Some(lease) => (lease.seen_at, lease.expires_at),
            None => row.seen_at.zip(row.ended_at).or_corrupt("lease")?,
        };
        let registration = rows::registration(row, Timestamp(expires_at))?;
        Ok(Some(DeviceView { device, state, registration, seen_at: Timestamp(seen_at) }))
    }

    pub(in crate::store) async fn devices_by_endpoint(
        &self,
        query: &DeviceQuery,
    ) -> Result<Page<DeviceSummary>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Endpoint { endpoint, device } => Some((endpoint, device)),
            _ => None,
        })?;
        let sql = by_endpoint(query, after);
        let lines = self.rows::<Line>(&self.connection, sql).await?;
        let rows = lines.into_iter().map(summary).collect::<Result<_, _>>()?;
        Ok(cut(rows, &query.page, |row: &DeviceSummary| Position::Endpoint {
            endpoint: row.device.endpoint.as_str().to_owned(),
            device: row.device.id.0,
        }))
    }

    /// Merges up to three lists that are in order: the live devices, whose order is in memory, and those whose
    /// registration ended in either way.
    pub(in crate::store) async fn devices_by_last_seen(
        &self,
        query: &DeviceQuery,
        recency: &std::sync::Mutex<Recency>,
    ) -> Result<Page<DeviceSummary>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Seen { seen_at, device } => Some((seen_at, device)),
            _ => None,
        })?;
        let wanted = |state: DeviceState| query.state.is_none_or(|one| one == state);
        let snapshot = self.snapshot().await?;
        let mut lines = Vec::new();
        if wanted(DeviceState::Registered) {
            lines.extend(match &query.prefix {
                Some(prefix) => {
                    self.rows::<Line>(&snapshot, live_with_prefix(prefix, after, query.page.rows())).await?
                }
                None => {
                    let devices = {
                        let recency = recency.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        recency.after(after, query.page.rows() + 1)
                    };
                    match devices.is_empty() {
                        true => Vec::new(),
                        false => self.rows::<Line>(&snapshot, live_of(&devices)).await?,
                    }
                }
            });
        }
        for state in [DeviceState::Deregistered, DeviceState::Expired] {
            if wanted(state) {
                lines.extend(self.rows::<Line>(&snapshot, ended_by_last_seen(query, state, after)).await?);
            }
        }
        lines.sort_by_key(|line| (std::cmp::Reverse(line.seen_at), line.id));
        let rows = lines.into_iter().map(summary).collect::<Result<_, _>>()?;
        Ok(cut(rows, &query.page, |row: &DeviceSummary| Position::Seen {
            seen_at: row.seen_at.0,
            device: row.device.id.0,
        }))
    }
}

/// In the order of the names; with a state, through the index over state and name.
pub(in crate::store) fn by_endpoint(query: &DeviceQuery, after: Option<(String, i64)>) -> Sql {
    let (sql, name, number) = match query.state {
        None => (Sql::new(LINE).text(FROM_DEVICE), "d.endpoint", "d.id"),
        Some(state) => {
            let sql = Sql::new(LINE).text(FROM_REGISTRATION).text(" AND r.state = ").bind(state.word());
            (sql, "r.endpoint", "r.device_id")
        }
    };
    let sql = with_prefix(sql, name, query.prefix.as_deref());
    let sql = match after {
        None => sql,
        Some((endpoint, device)) => {
            let sql = sql.text(&format!(" AND ({name}, {number}) > (")).bind(endpoint);
            sql.text(", ").bind(device).text(")")
        }
    };
    sql.text(&format!(" ORDER BY {name}, {number} LIMIT {}", with_one_more(query.page.rows())))
}

/// Registrations that ended, the last heard first, through an index that holds no others.
pub(in crate::store) fn ended_by_last_seen(
    query: &DeviceQuery,
    state: DeviceState,
    after: Option<(i64, i64)>,
) -> Sql {
    let sql = Sql::new(LINE).text(FROM_REGISTRATION).text(" AND r.ended_at IS NOT NULL AND r.state = ");
    let sql = with_prefix(sql.bind(state.word()), "r.endpoint", query.prefix.as_deref());
    let sql = seen_before(sql, "r.seen_at", "r.device_id", after);
    sql.text(&format!(" ORDER BY r.seen_at DESC, r.device_id LIMIT {}", with_one_more(query.page.rows())))
}

/// Live devices by a prefix, the last heard first. This one sorts all that the prefix names.
pub(in crate::store) fn live_with_prefix(prefix: &str, after: Option<(i64, i64)>, rows: usize) -> Sql {
    let sql = Sql::new(LINE).text(FROM_REGISTRATION).text(" AND l.device_id IS NOT NULL AND r.state = ");
    let sql = sql.bind(DeviceState::Registered.word());
    let sql = seen_before(with_prefix(sql, "r.endpoint", Some(prefix)), "l.seen_at", "l.device_id", after);
    sql.text(&format!(" ORDER BY l.seen_at DESC, l.device_id LIMIT {}", with_one_more(rows)))
}

/// Live devices by their numbers.
pub(in crate::store) fn live_of(devices: &[(i64, i64)]) -> Sql {
    let sql = Sql::new(LINE).rows(devices.iter().map(|&(_, device)| [device.into()]));
    sql.text(
        " AS k JOIN device AS d ON d.id = k.column1 JOIN registration AS r ON r.device_id = d.id \
         JOIN lease AS l ON l.device_id = d.id",
    )
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
    let device = Device {
        id: DeviceId(line.id),
        public_id: PublicId(uuid(&line.public_id).or_corrupt("device")?),
        domain: DomainId(line.domain_id),
        class: ClassId(line.class_id),
        endpoint: EndpointName::new(line.endpoint).or_corrupt("device")?,
        created_at: Timestamp(line.created_at),
    };
    Ok(DeviceSummary {
        device,
        state: DeviceState::from_word(&line.state).or_corrupt("registration")?,
        lwm2m: line.lwm2m.parse().or_corrupt("registration")?,
        binding: rows::binding(&line.transports, line.queue_mode),
        source: source(line.listener, &line.address).or_corrupt("registration")?,
        seen_at: Timestamp(line.seen_at),
        expires_at: Timestamp(line.expires_at),
    })
}
