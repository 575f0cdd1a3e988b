//! Claims: the quota and the approvals are each judged and used up by one statement.

use fleet::{ClaimId, Claimed, DeviceId, Timestamp};

use super::Batch;
use crate::store::{encoding::identity, failure::Failure, sql::Sql};

impl Batch<'_> {
    pub(super) async fn use_claim(&mut self, claimed: &Claimed) -> Result<(), Failure> {
        let Claimed { claim, device, endpoint, at, .. } = claimed;
        let sql = Sql::new("UPDATE claimed SET again_until = NULL, device_id = ").bind(device.0);
        let sql = sql.text(", at = ").bind(at.0).text(" WHERE claim_id = ").bind(claim.0);
        let sql = sql.text(" AND endpoint = ").bind(endpoint.as_str()).text(" AND again_until > ").bind(at.0);
        if self.run(sql).await? > 0 {
            return Ok(());
        }
        let sql = Sql::new("UPDATE claim SET used = used + 1 WHERE used < quota AND id = ").bind(claim.0);
        if self.run(sql).await? == 0 {
            return Err(Failure::Conflict);
        }
        // A conflict if it has claimed before.
        self.insert(identity::claimed_row(claimed)).await
    }

    pub(super) async fn close_claim(&mut self, id: ClaimId) -> Result<(), Failure> {
        self.run(Sql::new("UPDATE claim SET closed = 1 WHERE id = ").bind(id.0)).await?;
        Ok(())
    }

    pub(super) async fn approve_claim(
        &mut self,
        claim: ClaimId,
        device: DeviceId,
        until: Timestamp,
    ) -> Result<(), Failure> {
        let sql = Sql::new("UPDATE claimed SET again_until = ")
            .bind(until.0)
            .text(" WHERE device_id = ")
            .bind(device.0);
        self.run(sql.text(" AND claim_id = ").bind(claim.0)).await?;
        Ok(())
    }
}
