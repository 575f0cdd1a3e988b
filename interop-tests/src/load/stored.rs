//! What the server has kept, read from its database behind its back.

use std::collections::BTreeMap;

use objects::Path;
use sea_orm::{ConnectionTrait, Database, DbErr, Statement};

use super::member::{NOTIFIED, SENT};

/// What is stored of all devices, by their endpoint names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// Their registrations.
    pub rows: BTreeMap<String, Row>,
    /// What they have sent, oldest first.
    pub sent: BTreeMap<String, Vec<f64>>,
    /// What they have notified of, oldest first.
    pub notified: BTreeMap<String, Vec<f64>>,
}

/// A registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Such as `registered`.
    pub state: String,
    /// Such as `/rd/0123456789abcdef`.
    pub location: String,
    /// In seconds.
    pub lifetime: i64,
}

impl Stored {
    /// Reads it from a database such as `sqlite:///path/muster.db` or `postgres://…`. It is only read, and the server may run.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn read(url: &str) -> Result<Self, DbErr> {
        let database = Database::connect(url).await?;
        let backend = database.get_database_backend();
        let query = |sql: &str| Statement::from_string(backend, sql.to_owned());
        let mut stored = Self::default();
        let registrations = "SELECT d.endpoint, r.state, r.location, r.lifetime_s FROM registration r \
                             JOIN device d ON d.id = r.device_id";
        for row in database.query_all_raw(query(registrations)).await? {
            let location: i64 = row.try_get("", "location")?;
            let registration = Row {
                state: row.try_get("", "state")?,
                location: format!("/rd/{:016x}", location.cast_unsigned()),
                lifetime: row.try_get("", "lifetime_s")?,
            };
            stored.rows.insert(row.try_get("", "endpoint")?, registration);
        }
        let values = "SELECT d.endpoint, v.path, v.value FROM value_history v \
                      JOIN device d ON d.id = v.device_id ORDER BY v.device_id, v.path, v.at, v.sequence";
        for row in database.query_all_raw(query(values)).await? {
            let path: Vec<u8> = row.try_get("", "path")?;
            let of = match path {
                path if path == bytes(SENT) => &mut stored.sent,
                path if path == bytes(NOTIFIED) => &mut stored.notified,
                _ => continue,
            };
            let value: Vec<u8> = row.try_get("", "value")?;
            let value = value.try_into().map_or(f64::NAN, f64::from_be_bytes);
            of.entry(row.try_get("", "endpoint")?).or_default().push(value);
        }
        database.close().await?;
        Ok(stored)
    }
}

/// A path as the store writes it.
fn bytes(path: Path) -> Vec<u8> {
    path.ids().into_iter().flat_map(u16::to_be_bytes).collect()
}
