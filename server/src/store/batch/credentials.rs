//! Credentials, whose secrets are sealed before they come near a statement.

use std::collections::BTreeMap;

use fleet::{
    CredentialId, CredentialKind, CredentialState, DeviceId, Holder, NewCredential, StoreError, Timestamp,
};
use sea_orm::Value;

use super::{Batch, chunk};
use crate::{
    seal::NONCE,
    store::{
        encoding::{Word as _, identity},
        failure::Failure,
        sql::Sql,
    },
};

/// How many credentials of a device that open nothing any more are kept; the newest stay.
pub(in crate::store) const ENDED_PER_DEVICE: usize = 64;

impl Batch<'_> {
    /// Collects a new credential. What else its commit conflicts with is seen when it is written.
    pub(super) fn add_credential(&mut self, new: &NewCredential) -> Result<(), Failure> {
        let NewCredential { credential, secret } = new;
        let sealed = match secret.to_bytes() {
            nothing if nothing.is_empty() => Vec::new(),
            secret => self.seal(credential.id.0, &secret)?,
        };
        if let (Holder::Device(device), true) = (credential.holder, credential.state.opens()) {
            match self.enrolled.get_mut(&device.0) {
                Some(row) => row.secured = 1,
                None => drop(self.resecured.insert(device.0)),
            }
        }
        self.credentials.push(identity::credential_row(credential, sealed));
        Ok(())
    }

    pub(super) fn seal(&self, row: i64, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        self.seal_in("", row, plain)
    }

    pub(super) fn seal_in(&self, table: &str, row: i64, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| {
            tracing::error!(%error, "the system gives no randomness; no secret can be sealed");
            StoreError::Unavailable
        })?;
        Ok(self.sealer.seal_in(table, row, plain, nonce))
    }

    pub(super) async fn prove_credential(&mut self, id: CredentialId, at: Timestamp) -> Result<(), Failure> {
        let sql =
            forgets(Sql::new("UPDATE credential SET state = 'live', ")).text(", changed_at = ").bind(at.0);
        self.run(sql.text(" WHERE state = 'staged' AND id = ").bind(id.0)).await?;
        Ok(())
    }

    pub(super) async fn end_credential(
        &mut self,
        id: CredentialId,
        state: CredentialState,
        at: Timestamp,
    ) -> Result<(), Failure> {
        self.write_sessions().await?;
        let sql = Sql::new("UPDATE credential SET state = ").bind(state.word()).text(", ");
        let sql = forgets(sql).text(", changed_at = ").bind(at.0);
        let sql = sql.text(" WHERE id = ").bind(id.0).text(match state {
            CredentialState::Revoked => " AND state <> 'revoked' RETURNING device_id",
            _ => " AND state IN ('staged', 'live') RETURNING device_id",
        });
        for row in self.query(sql).await? {
            self.drop_sessions(&[id]).await?;
            if let Some(device) = row.try_get_by_index::<Option<i64>>(0)? {
                self.resecured.insert(device);
                self.drop_ended(device).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn revoke_credentials(
        &mut self,
        device: DeviceId,
        at: Timestamp,
    ) -> Result<(), Failure> {
        self.write_sessions().await?;
        let sql = Sql::new(
            "DELETE FROM dtls_session WHERE credential_id IN (SELECT id FROM credential WHERE device_id = ",
        );
        self.run(sql.bind(device.0).text(")")).await?;
        let sql =
            forgets(Sql::new("UPDATE credential SET state = 'revoked', ")).text(", changed_at = ").bind(at.0);
        self.run(sql.text(" WHERE state <> 'revoked' AND device_id = ").bind(device.0)).await?;
        self.resecured.insert(device.0);
        self.drop_ended(device.0).await
    }

    async fn drop_ended(&mut self, device: i64) -> Result<(), Failure> {
        let sql = Sql::new(
            "DELETE FROM credential WHERE id IN (SELECT id FROM credential WHERE state IN ('retired', 'revoked') \
             AND device_id = ",
        );
        let sql = sql.bind(device);
        // No more than one ends at a time; the limit is there because SQLite takes no offset without one.
        let rest = format!(" ORDER BY changed_at DESC, id DESC LIMIT 1000 OFFSET {ENDED_PER_DEVICE})");
        self.run(sql.text(&rest)).await?;
        Ok(())
    }

    pub(super) async fn use_credentials(
        &mut self,
        used: &[(CredentialId, Timestamp)],
    ) -> Result<(), Failure> {
        let mut last: BTreeMap<i64, i64> = BTreeMap::new();
        for (id, at) in used {
            let last = last.entry(id.0).or_insert(at.0);
            *last = at.0.max(*last);
        }
        let last: Vec<(i64, i64)> = last.into_iter().collect();
        for last in last.chunks(chunk(2)) {
            let rows = last.iter().map(|&(id, at)| -> [Value; 2] { [id.into(), at.into()] });
            let sql = Sql::new("UPDATE credential SET last_used_at = k.column2 FROM ").rows(rows).text(
                " AS k WHERE credential.id = k.column1 AND \
                 (credential.last_used_at IS NULL OR credential.last_used_at < k.column2)",
            );
            self.run(sql).await?;
        }
        Ok(())
    }

    /// Says of each device whether it has a credential that opens sessions.
    pub(super) async fn write_secured(&mut self) -> Result<(), Failure> {
        let devices: Vec<i64> = std::mem::take(&mut self.resecured).into_iter().collect();
        for devices in devices.chunks(chunk(1)) {
            let sql = Sql::new(
                "UPDATE device SET secured = CASE WHEN EXISTS (SELECT 1 FROM credential AS c WHERE \
                 c.device_id = device.id AND c.state IN ('staged', 'live')) THEN 1 ELSE 0 END WHERE id IN ",
            );
            self.run(sql.list(devices.iter().copied())).await?;
        }
        Ok(())
    }
}

/// A key pair that was made here is its device's alone once the credential has proved itself or opens nothing any more.
fn forgets(sql: Sql) -> Sql {
    let sql = sql.text("sealed = CASE WHEN kind = ").bind(CredentialKind::Psk.word());
    sql.text(" THEN sealed ELSE ").bind(Vec::<u8>::new()).text(" END")
}
