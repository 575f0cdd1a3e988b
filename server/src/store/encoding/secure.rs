//! Certificates, authorities and secure sessions as rows, and back.

use fleet::{
    Authority, AuthorityId, CredentialId, DomainId, Fingerprint, Identity, NodeId, OwnKey, PublicId, Purpose,
    RevocationList, SecureSession, SecureSessionId, SeenCertificate, SessionState, StoreError, Timestamp,
};

use super::{OrCorrupt, Word, identity, source, text, text_column, uuid};
use crate::store::entity;

pub(in crate::store) fn seen_row(
    credential: CredentialId,
    seen: &SeenCertificate,
) -> entity::seen_certificate::Model {
    entity::seen_certificate::Model {
        credential_id: credential.0,
        subject: text_column(&seen.subject),
        issuer: text_column(&seen.issuer),
        serial: text_column(&seen.serial),
        not_before: seen.not_before.0,
        not_after: seen.not_after.0,
        fingerprint: seen.fingerprint.0.to_vec(),
        issuer_name: seen.issuer_name.0.to_vec(),
        anchor_name: seen.anchor_name.0.to_vec(),
        der: seen.der.clone(),
        seen_at: seen.seen_at.0,
    }
}

pub(in crate::store) fn seen(
    row: entity::seen_certificate::Model,
) -> Result<(CredentialId, SeenCertificate), StoreError> {
    let fingerprint = |bytes: &[u8]| bytes.try_into().map(Fingerprint).or_corrupt("certificate");
    let seen = SeenCertificate {
        subject: text(&row.subject),
        issuer: text(&row.issuer),
        serial: text(&row.serial),
        not_before: Timestamp(row.not_before),
        not_after: Timestamp(row.not_after),
        fingerprint: fingerprint(&row.fingerprint)?,
        issuer_name: fingerprint(&row.issuer_name)?,
        anchor_name: fingerprint(&row.anchor_name)?,
        der: row.der,
        seen_at: Timestamp(row.seen_at),
    };
    Ok((CredentialId(row.credential_id), seen))
}

pub(in crate::store) fn authority_row(authority: &Authority) -> entity::authority::Model {
    let list = authority.revocations.as_ref();
    entity::authority::Model {
        id: authority.id.0,
        public_id: authority.public_id.0.as_bytes().to_vec(),
        domain_id: DomainId::ROOT.0,
        name: text_column(&authority.name),
        fingerprint: Fingerprint::of(&authority.certificate).0.to_vec(),
        certificate: authority.certificate.clone(),
        subject_name: authority.subject_name.0.to_vec(),
        own: authority.own.into(),
        not_after: authority.not_after.0,
        crl: list.map(|list| list.der.clone()),
        crl_number: list.and_then(|list| list.number.as_deref()).map(text_column),
        crl_this_update: list.map(|list| list.this_update.0),
        crl_next_update: list.and_then(|list| list.next_update).map(|at| at.0),
        crl_revoked: list.map(|list| list.revoked.into()),
        created_by: text_column(&authority.created_by),
        created_at: authority.created_at.0,
    }
}

pub(in crate::store) fn authority(row: entity::authority::Model) -> Result<Authority, StoreError> {
    let what = "authority";
    let revocations = match (row.crl, row.crl_this_update, row.crl_revoked) {
        (Some(der), Some(this_update), Some(revoked)) => Some(RevocationList {
            der,
            number: row.crl_number.as_deref().map(text),
            this_update: Timestamp(this_update),
            next_update: row.crl_next_update.map(Timestamp),
            revoked: revoked.try_into().or_corrupt(what)?,
        }),
        (None, None, None) => None,
        _ => return Err(StoreError::Corrupt { what }),
    };
    Ok(Authority {
        id: AuthorityId(row.id),
        public_id: PublicId(uuid(&row.public_id).or_corrupt(what)?),
        name: text(&row.name),
        certificate: row.certificate,
        subject_name: row.subject_name.as_slice().try_into().map(Fingerprint).or_corrupt(what)?,
        own: row.own != 0,
        not_after: Timestamp(row.not_after),
        revocations,
        created_by: text(&row.created_by),
        created_at: Timestamp(row.created_at),
    })
}

/// The row of a key of the server's own, which its sealing is bound to.
pub(in crate::store) fn own_key_row(key: OwnKey) -> i64 {
    match key {
        OwnKey::Authority => 1,
        OwnKey::Server => 2,
    }
}

/// Signed numbers in the order of the unsigned ones.
pub(in crate::store) fn session_row_number(id: SecureSessionId) -> i64 {
    (id.0 ^ FIRST_BIT).cast_signed()
}

fn session_id(row: i64) -> SecureSessionId {
    SecureSessionId(row.cast_unsigned() ^ FIRST_BIT)
}

const FIRST_BIT: u64 = 1 << 63;

/// A number of records. They have 48 bits (RFC 6347 §4.1), so that none is ever cut off.
pub(in crate::store) fn records_column(records: u64) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}

/// A live session; its `reserved` is still to be put in relation to its node's.
pub(in crate::store) fn session_row(
    session: &SecureSession,
    node: NodeId,
    sealed: Vec<u8>,
) -> entity::dtls_session::Model {
    let (device_id, claim_id) = identity::holder_columns(session.identity.holder);
    entity::dtls_session::Model {
        id: session_row_number(session.id),
        node_id: node.0,
        credential_id: session.identity.credential.0,
        device_id,
        claim_id,
        purpose: session.identity.purpose.word().to_owned(),
        listener: session.source.listener.0.into(),
        address: session.source.address.to_string(),
        reserved: records_column(session.reserved),
        received: records_column(session.received),
        live: 1,
        began_at: session.began_at.0,
        heard_at: session.heard_at.0,
        check_at: session.heard_at.after(SecureSession::KEPT).0,
        sealed,
    }
}

/// `ahead` is added to what the row says is reserved; `state` is what was sealed.
pub(in crate::store) fn session(row: &SessionRow, state: SessionState) -> Result<SecureSession, StoreError> {
    let what = "secure session";
    let holder = identity::holder(row.device_id, row.claim_id).or_corrupt(what)?;
    Ok(SecureSession {
        id: session_id(row.id),
        identity: Identity {
            credential: CredentialId(row.credential_id),
            holder,
            purpose: Purpose::from_word(&row.purpose).or_corrupt(what)?,
        },
        source: source(row.listener, &row.address).or_corrupt(what)?,
        reserved: row.reserved.try_into().or_corrupt(what)?,
        received: row.received.try_into().or_corrupt(what)?,
        state,
        began_at: Timestamp(row.began_at),
        heard_at: Timestamp(row.heard_at),
    })
}

/// What is read of a session: its columns by their place, for a start reads a million of them.
pub(in crate::store) struct SessionRow {
    pub(in crate::store) id: i64,
    credential_id: i64,
    device_id: Option<i64>,
    claim_id: Option<i64>,
    purpose: String,
    listener: i64,
    address: String,
    reserved: i64,
    received: i64,
    began_at: i64,
    heard_at: i64,
    pub(in crate::store) sealed: Vec<u8>,
}

impl SessionRow {
    /// What is selected, in the order in which it is read. The last but `sealed` is the caller's: what is reserved.
    pub(in crate::store) const COLUMNS: &str = "s.id, s.credential_id, s.device_id, s.claim_id, s.purpose, s.listener, \
         s.address, s.received, s.began_at, s.heard_at, s.sealed";
}

impl sea_orm::FromQueryResult for SessionRow {
    fn from_query_result(row: &sea_orm::QueryResult, _: &str) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            credential_id: row.try_get_by_index(1)?,
            device_id: row.try_get_by_index(2)?,
            claim_id: row.try_get_by_index(3)?,
            purpose: row.try_get_by_index(4)?,
            listener: row.try_get_by_index(5)?,
            address: row.try_get_by_index(6)?,
            received: row.try_get_by_index(7)?,
            began_at: row.try_get_by_index(8)?,
            heard_at: row.try_get_by_index(9)?,
            sealed: row.try_get_by_index(10)?,
            reserved: row.try_get_by_index(11)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_sessions_lie_in_the_order_of_their_ids() {
        let ids = [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX].map(SecureSessionId);
        let rows = ids.map(session_row_number);
        assert!(rows.is_sorted());
        assert_eq!(rows.map(session_id), ids);
    }
}
