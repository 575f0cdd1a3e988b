//! Secure sessions: opened, heard, given numbers, ended. All of a transaction in a statement each, in the order of their
//! rows: neighbours share a page.

use std::collections::{BTreeMap, btree_map::Entry};

use fleet::{CredentialId, SecureSession, SecureSessionId, SessionMark};
use sea_orm::Value;

use super::{Batch, chunk};
use crate::store::{
    encoding::secure::{records_column, session_row, session_row_number},
    entity::dtls_session,
    failure::Failure,
    sealed,
    sql::Sql,
};

/// What was collected of secure sessions, by their rows. They are written in this order.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    opened: BTreeMap<i64, dtls_session::Model>,
    heard: BTreeMap<i64, SessionMark>,
    reserved: BTreeMap<i64, i64>,
    /// Each with whether it is kept to be resumed.
    ended: BTreeMap<i64, bool>,
}

impl Batch<'_> {
    pub(super) async fn open_session(&mut self, session: &SecureSession) -> Result<(), Failure> {
        let row = session_row_number(session.id);
        // What was asked of an earlier one of that name is no business of this one.
        let Sessions { heard, reserved, ended, .. } = &self.sessions;
        if heard.contains_key(&row) || reserved.contains_key(&row) || ended.contains_key(&row) {
            self.write_sessions().await?;
        }
        let sealed = self.seal_in(sealed::SESSION, row, session.state.as_bytes())?;
        match self.sessions.opened.entry(row) {
            Entry::Vacant(vacant) => vacant.insert(session_row(session, self.node, sealed)),
            Entry::Occupied(_) => return Err(Failure::Conflict),
        };
        Ok(())
    }

    pub(super) fn hear_sessions(&mut self, marks: &[SessionMark]) {
        for mark in marks {
            let last = self.sessions.heard.entry(session_row_number(mark.id)).or_insert(*mark);
            if mark.received >= last.received {
                let placed = if mark.is_certain { mark } else { &*last };
                let (source, is_certain) = (placed.source, placed.is_certain);
                *last = SessionMark { at: mark.at.max(last.at), source, is_certain, ..*mark };
            }
        }
    }

    pub(super) fn reserve_session(&mut self, id: SecureSessionId, upto: u64) {
        let upto = records_column(upto);
        let last = self.sessions.reserved.entry(session_row_number(id)).or_insert(upto);
        *last = upto.max(*last);
    }

    pub(super) fn end_session(&mut self, id: SecureSessionId, resumable: bool) {
        let kept = self.sessions.ended.entry(session_row_number(id)).or_insert(resumable);
        *kept &= resumable;
    }

    /// Those that these credentials have opened.
    pub(super) async fn drop_sessions(&mut self, credentials: &[CredentialId]) -> Result<(), Failure> {
        self.write_sessions().await?;
        for credentials in credentials.chunks(chunk(1)) {
            let sql = Sql::new("DELETE FROM dtls_session WHERE credential_id IN ");
            self.run(sql.list(credentials.iter().map(|credential| credential.0))).await?;
        }
        Ok(())
    }

    /// Writes what was collected, so that what follows may refer to it.
    pub(super) async fn write_sessions(&mut self) -> Result<(), Failure> {
        let Sessions { opened, heard, reserved, ended } = std::mem::take(&mut self.sessions);
        let opened: Vec<_> = opened.into_values().collect();
        for opened in opened.chunks(chunk(14)) {
            let rows = self.run(opening(opened, self.node.0)).await?;
            // One whose credential opens nothing is not among them.
            if rows != opened.len() as u64 {
                return Err(Failure::Conflict);
            }
        }
        let heard: Vec<_> = heard.into_iter().collect();
        for heard in heard.chunks(chunk(5)) {
            self.run(hearing(heard)).await?;
        }
        let reserved: Vec<_> = reserved.into_iter().collect();
        for reserved in reserved.chunks(chunk(2) - 1) {
            self.run(reserving(reserved, self.node.0)).await?;
        }
        let (kept, gone): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(_, resumable)| *resumable);
        for kept in kept.chunks(chunk(1)) {
            self.run(resting(kept)).await?;
        }
        for gone in gone.chunks(chunk(1)) {
            let sql = Sql::new("DELETE FROM dtls_session WHERE id IN ");
            self.run(sql.list(gone.iter().map(|(row, _)| *row))).await?;
        }
        Ok(())
    }
}

/// Only those whose credential opens sessions.
pub(in crate::store) fn opening(sessions: &[dtls_session::Model], node: i64) -> Sql {
    let rows = sessions.iter().map(|row| -> [Value; 13] {
        [
            row.id.into(),
            row.credential_id.into(),
            row.device_id.into(),
            row.claim_id.into(),
            row.purpose.as_str().into(),
            row.listener.into(),
            row.address.as_str().into(),
            row.reserved.into(),
            row.received.into(),
            row.began_at.into(),
            row.heard_at.into(),
            row.check_at.into(),
            row.sealed.clone().into(),
        ]
    });
    Sql::new(
        "INSERT INTO dtls_session (id, node_id, credential_id, device_id, claim_id, purpose, listener, address, reserved, \
         received, live, began_at, heard_at, check_at, sealed) SELECT k.column1, n.id, k.column2, k.column3, k.column4, \
         k.column5, k.column6, k.column7, k.column8 - n.session_ahead, k.column9, 1, k.column10, k.column11, k.column12, \
         k.column13 FROM ",
    )
    .rows(rows)
    .text(
        " AS k CROSS JOIN node AS n CROSS JOIN credential AS c WHERE c.id = k.column2 AND c.state IN ('staged', 'live') \
         AND n.id = ",
    )
    .bind(node)
}

/// Only forward: a mark that tells of fewer records than are known is late.
pub(in crate::store) fn hearing(marks: &[(i64, SessionMark)]) -> Sql {
    let rows = marks.iter().map(|(row, mark)| -> [Value; 5] {
        let SessionMark { received, source, is_certain, at, .. } = mark;
        let certain = is_certain.then_some(source);
        [
            (*row).into(),
            records_column(*received).into(),
            certain.map(|source| i64::from(source.listener.0)).into(),
            certain.map(|source| source.address.to_string()).into(),
            at.0.into(),
        ]
    });
    let sql = Sql::new(
        "UPDATE dtls_session SET received = k.column2, listener = COALESCE(k.column3, dtls_session.listener), \
         address = COALESCE(k.column4, dtls_session.address), heard_at = \
         CASE WHEN k.column5 > dtls_session.heard_at THEN k.column5 ELSE dtls_session.heard_at END FROM ",
    );
    sql.rows(rows).text(" AS k WHERE dtls_session.id = k.column1 AND dtls_session.received <= k.column2")
}

pub(in crate::store) fn reserving(reserved: &[(i64, i64)], node: i64) -> Sql {
    let rows = reserved.iter().map(|&(row, upto)| -> [Value; 2] { [row.into(), upto.into()] });
    let sql =
        Sql::new("UPDATE dtls_session SET reserved = k.column2 - dtls_session.live * n.session_ahead FROM ")
            .rows(rows);
    let sql = sql.text(" AS k CROSS JOIN node AS n WHERE n.id = ").bind(node);
    sql.text(
        " AND dtls_session.id = k.column1 AND dtls_session.node_id = n.id \
         AND dtls_session.reserved < k.column2 - dtls_session.live * n.session_ahead",
    )
}

/// What a start raises no more says what it is.
pub(in crate::store) fn resting(sessions: &[(i64, bool)]) -> Sql {
    let sql = Sql::new(
        "UPDATE dtls_session SET live = 0, reserved = reserved + \
         (SELECT session_ahead FROM node AS n WHERE n.id = dtls_session.node_id) WHERE live = 1 AND id IN ",
    );
    sql.list(sessions.iter().map(|(row, _)| *row))
}
