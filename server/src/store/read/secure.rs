//! Authorities, the certificates of devices, and secure sessions. Here the server's own keys are opened.

use std::collections::BTreeMap;

use fleet::{
    Authority, ClassId, CredentialId, CredentialKind, Fingerprint, KeyPair, NodeId, OwnKey, SecureSession,
    SecureSessionId, SeenCertificate, SessionState, StoreError,
};
use sea_orm::{EntityTrait as _, QueryOrder as _};

use super::Reader;
use crate::store::{
    encoding::{
        OrCorrupt as _, Word as _,
        secure::{self, SessionRow},
    },
    entity::{authority, own_key, seen_certificate},
    sealed,
    sql::{Sql, chunk},
};

/// A credential's row.
#[derive(sea_orm::FromQueryResult)]
struct Row {
    id: i64,
}

impl Reader {
    pub(in crate::store) async fn credentials_of_class(
        &self,
        class: ClassId,
        kinds: &[CredentialKind],
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError> {
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<Row> = self.rows(&self.connection(), of_class(class, kinds, after, limit)).await?;
        Ok(rows.into_iter().map(|row| CredentialId(row.id)).collect())
    }

    pub(in crate::store) async fn seen_certificates(
        &self,
        credentials: &[CredentialId],
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError> {
        let mut seen = Vec::new();
        for credentials in credentials.chunks(chunk(1)) {
            let rows: Vec<seen_certificate::Model> =
                self.rows(&self.connection(), seen_with(credentials)).await?;
            seen.extend(rows.into_iter().map(secure::seen).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(seen)
    }

    pub(in crate::store) async fn certificates_issued_by(
        &self,
        issuer_name: Fingerprint,
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError> {
        let snapshot = self.snapshot().await?;
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut found = BTreeMap::new();
        for column in ["issuer_name", "anchor_name"] {
            let rows: Vec<seen_certificate::Model> =
                self.rows(&snapshot, issued_by(column, issuer_name, after, rows)).await?;
            found.extend(rows.into_iter().map(secure::seen).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found.into_iter().take(limit).collect())
    }

    pub(in crate::store) async fn authorities(&self) -> Result<Vec<Authority>, StoreError> {
        let query = authority::Entity::find().order_by_asc(authority::Column::CreatedAt);
        let rows = self.all(query.order_by_asc(authority::Column::Id)).await?;
        rows.into_iter().map(secure::authority).collect()
    }

    pub(in crate::store) async fn own_key(&self, key: OwnKey) -> Result<Option<KeyPair>, StoreError> {
        let row = self.one(own_key::Entity::find_by_id(secure::own_key_row(key))).await?;
        row.map(|row| {
            let what = "key of the server's own";
            let plain = self.open_in(sealed::OWN_KEY, row.id, &row.sealed, what)?;
            KeyPair::from_bytes(&plain).or_corrupt(what)
        })
        .transpose()
    }

    /// One that can't be read is left out, and said so: its device shakes hands anew.
    pub(in crate::store) async fn secure_sessions(
        &self,
        after: Option<SecureSessionId>,
        limit: usize,
    ) -> Result<Vec<SecureSession>, StoreError> {
        let sql = live_sessions(NodeId::SINGLE, after, limit.min(SecureSession::MAX_READ));
        let rows: Vec<SessionRow> = self.rows(&self.connection(), sql).await?;
        Ok(rows.iter().filter_map(|row| self.session_of(row).ok()).collect())
    }

    pub(in crate::store) async fn secure_session(
        &self,
        id: SecureSessionId,
    ) -> Result<Option<SecureSession>, StoreError> {
        let rows: Vec<SessionRow> = self.rows(&self.connection(), one_session(id)).await?;
        rows.first().map(|row| self.session_of(row)).transpose()
    }

    fn session_of(&self, row: &SessionRow) -> Result<SecureSession, StoreError> {
        let state = self.open_in(sealed::SESSION, row.id, &row.sealed, "secure session")?;
        secure::session(row, SessionState::new(state.to_vec()))
            .inspect_err(|error| tracing::error!(row = row.id, %error, "a secure session was left out"))
    }
}

/// Walks the credentials in the order of their rows: whoever asks goes through all of a class anyway. What opens sessions is
/// put so that no index over names is taken, whose order is another.
pub(in crate::store) fn of_class(
    class: ClassId,
    kinds: &[CredentialKind],
    after: Option<CredentialId>,
    limit: i64,
) -> Sql {
    let after = after.map_or(i64::MIN, |after| after.0);
    let sql = Sql::new("SELECT c.id FROM credential AS c WHERE c.id > ").bind(after);
    let sql = sql
        .text(" AND c.state NOT IN ('retired', 'revoked') AND c.kind IN ")
        .list(kinds.iter().map(|kind| kind.word()));
    let sql = sql.text(" AND ").bind(class.0).text(
        " = COALESCE((SELECT d.class_id FROM device AS d WHERE d.id = c.device_id), \
         (SELECT k.class_id FROM claim AS k WHERE k.id = c.claim_id)) ORDER BY c.id",
    );
    sql.text(&format!(" LIMIT {limit}"))
}

pub(in crate::store) fn seen_with(credentials: &[CredentialId]) -> Sql {
    let sql = Sql::new("SELECT * FROM seen_certificate WHERE credential_id IN ");
    sql.list(credentials.iter().map(|credential| credential.0))
}

pub(in crate::store) fn issued_by(
    column: &str,
    name: Fingerprint,
    after: Option<CredentialId>,
    limit: i64,
) -> Sql {
    let sql = Sql::new(&format!(
        "SELECT s.* FROM seen_certificate AS s CROSS JOIN credential AS c WHERE s.{column} = "
    ));
    let sql = sql.bind(name.0.to_vec()).text(" AND s.credential_id > ");
    let sql = sql.bind(after.map_or(i64::MIN, |after| after.0));
    sql.text(&format!(
        " AND c.id = s.credential_id AND c.state IN ('staged', 'live') ORDER BY s.credential_id LIMIT {limit}"
    ))
}

/// In the order of their ids, with what is reserved as the last start has raised it.
pub(in crate::store) fn live_sessions(node: NodeId, after: Option<SecureSessionId>, limit: usize) -> Sql {
    let reserved = "s.reserved + (SELECT session_ahead FROM node WHERE id = ";
    let sql = Sql::new(&format!("SELECT {}, {reserved}", SessionRow::COLUMNS)).bind(node.0);
    let sql = sql.text(") FROM dtls_session AS s WHERE s.live = 1 AND s.node_id = ").bind(node.0);
    let sql = match after {
        None => sql,
        Some(after) => sql.text(" AND s.id > ").bind(secure::session_row_number(after)),
    };
    sql.text(&format!(" ORDER BY s.id LIMIT {limit}"))
}

pub(in crate::store) fn one_session(id: SecureSessionId) -> Sql {
    let reserved = "s.reserved + s.live * (SELECT session_ahead FROM node AS n WHERE n.id = s.node_id)";
    let sql =
        Sql::new(&format!("SELECT {}, {reserved} FROM dtls_session AS s WHERE s.id = ", SessionRow::COLUMNS));
    sql.bind(secure::session_row_number(id))
}
