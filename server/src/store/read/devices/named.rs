//! Devices of a group or with a label: what names them leads, not the list of all devices. Group and label hold the endpoints' names,
//! so that their devices come in that order by an index; by when they were heard, all that these name are sorted.

use fleet::{
    DeviceState,
    store::{DeviceOrder, DeviceQuery},
};

use super::{LINE, OF_PLACE, seen_before, with_prefix};
use crate::store::{encoding::Word as _, read::lists::with_one_more, sql::Sql};

/// Whether a group or a label names the devices that are asked for.
pub(super) fn names(query: &DeviceQuery) -> bool {
    query.group.is_some() || query.label.is_some()
}

/// In the order of the names.
pub(super) fn by_endpoint(query: &DeviceQuery, after: Option<(String, i64)>) -> Sql {
    let sql = Sql::new(LINE).text("(SELECT m.endpoint, m.device_id AS id FROM ");
    let sql = with_prefix(of(sql, query, ""), "m.endpoint", query.prefix.as_deref());
    let sql = match after {
        Some((endpoint, device)) => {
            sql.text(" AND (m.endpoint, m.device_id) > (").bind(endpoint).text(", ").bind(device).text(")")
        }
        None => sql,
    };
    let limit = with_one_more(query.page.rows());
    let sql = sql.text(&format!(" ORDER BY m.endpoint, m.device_id LIMIT {limit})"));
    sql.text(OF_PLACE).text(" WHERE d.id = p.id")
}

/// Those without a live registration, the last heard first.
pub(super) fn at_rest(query: &DeviceQuery, after: Option<(i64, i64)>) -> Sql {
    let sql = Sql::new(LINE).text("(SELECT d.rested_at AS seen_at, d.id FROM ");
    let sql = of(sql, query, "").text(" AND d.state <> ").bind(DeviceState::Registered.word());
    let sql = with_prefix(sql, "m.endpoint", query.prefix.as_deref()).text(" AND d.rested_at IS NOT NULL");
    last_seen(seen_before(sql, "d.rested_at", "d.id", after), query)
}

/// Those with a live registration, the last heard first.
pub(super) fn live(query: &DeviceQuery, after: Option<(i64, i64)>) -> Sql {
    let sql = Sql::new(LINE).text("(SELECT l.seen_at, d.id FROM ");
    let sql = of(sql, query, " CROSS JOIN lease AS l").text(" AND l.device_id = d.id");
    let sql = with_prefix(sql, "m.endpoint", query.prefix.as_deref());
    last_seen(seen_before(sql, "l.seen_at", "d.id", after), query)
}

fn last_seen(sql: Sql, query: &DeviceQuery) -> Sql {
    debug_assert_eq!(query.order, DeviceOrder::LastSeen);
    let sql = sql.text(&format!(" ORDER BY seen_at DESC, id LIMIT {})", with_one_more(query.page.rows())));
    sql.text(OF_PLACE).text(" WHERE d.id = p.id")
}

/// From the rows that name the devices, and what else is asked of these.
fn of(sql: Sql, query: &DeviceQuery, joined: &str) -> Sql {
    let rows = if query.group.is_some() { "group_member" } else { "device_label" };
    let sql = sql.text(&format!("{rows} AS m CROSS JOIN device AS d{joined} WHERE d.id = m.device_id"));
    let sql = match (query.group, &query.label) {
        (Some(group), None) => sql.text(" AND m.group_id = ").bind(group.0),
        (Some(group), Some(label)) => {
            let sql = sql.text(" AND m.group_id = ").bind(group.0);
            let sql = sql.text(" AND EXISTS (SELECT 1 FROM device_label AS b WHERE b.device_id = d.id");
            labelled(sql, "b", label).text(")")
        }
        (None, Some(label)) => labelled(sql, "m", label),
        (None, None) => sql,
    };
    let sql = match query.state {
        Some(state) => sql.text(" AND d.state = ").bind(state.word()),
        None => sql.text(" AND d.state <> ").bind(DeviceState::Removed.word()),
    };
    let sql = match query.secured {
        Some(secured) => sql.text(" AND d.secured = ").bind(i64::from(secured)),
        None => sql,
    };
    match query.class {
        Some(class) => sql.text(" AND d.class_id = ").bind(class.0),
        None => sql,
    }
}

fn labelled(sql: Sql, rows: &str, label: &fleet::Label) -> Sql {
    let sql = sql.text(&format!(" AND {rows}.key = ")).bind(label.key.clone());
    if label.value.is_empty() {
        return sql;
    }
    sql.text(&format!(" AND {rows}.value = ")).bind(label.value.clone())
}
