//! The verbs on authorities: whom the server trusts to name devices, and its own one.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use super::{claims::named, taken};
use crate::{
    AuditEntry, Authority, AuthorityId, Certificate, CertificateSubject, Change, Commit, Context,
    CredentialId, Fingerprint, Fleet, FleetError, KeyPair, OwnKey, Permission, Public, PublicId,
    RevocationList, SeenCertificate, ServerKeys, Timestamp, Validity, Verb, certificate,
};

impl Fleet {
    /// The authorities, oldest first.
    pub async fn authorities(&self, context: &Context) -> Result<Vec<Authority>, FleetError> {
        self.demand(context, Permission::View, "authorities").await?;
        Ok(self.store.authorities().await?)
    }

    /// Trusts an authority, whose certificate is given in any of the writings of [`certificate::certificate`].
    pub async fn add_authority(
        &self,
        context: &Context,
        name: &str,
        certificate: &[u8],
    ) -> Result<Authority, FleetError> {
        self.demand(context, Permission::Administer, "add authority").await?;
        let invalid = |reason: String| FleetError::Invalid { field: "certificate", reason };
        let name = named(name, Authority::MAX_NAME)?;
        let der = certificate::certificate(certificate).map_err(|error| invalid(error.to_string()))?;
        let facts = Certificate::parse(&der).map_err(|error| invalid(error.to_string()))?;
        if !facts.is_authority {
            let reason = "it may issue no others (its basic constraints say so): to trust one certificate, pin it to its device";
            return Err(invalid(reason.to_owned()));
        }
        if facts.not_after <= context.now {
            return Err(invalid("it is past its time".to_owned()));
        }
        if self.store.authorities().await?.len() >= Authority::MAX {
            return Err(FleetError::TooMany { what: "authorities", max: Authority::MAX });
        }
        let authority = self.new_authority(context.actor.name(), context.now, name, der, &facts);
        let object = format!("{}; {facts}; {}", authority.name, Fingerprint::of(&authority.certificate));
        let commit = Commit {
            changes: vec![Change::AuthoritySaved(Box::new(authority.clone()))],
            audit: vec![AuditEntry::by(context, Verb::AddAuthority, None, object)],
        };
        self.store.commit(commit).await.map_err(|error| taken(error, "authority"))?;
        self.trust_changed();
        Ok(authority)
    }

    /// Trusts an authority no more. The sessions that were opened by what it has issued end, but for those of pinned keys,
    /// which open new ones.
    pub async fn remove_authority(&self, context: &Context, id: PublicId) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "remove authority").await?;
        let authority = self.authority(id).await?;
        if authority.own {
            let reason = "this is the server's own authority, which has issued the server's own certificate"
                .to_owned();
            return Err(FleetError::Invalid { field: "authority", reason });
        }
        let commit = Commit {
            changes: vec![Change::AuthorityRemoved(authority.id)],
            audit: vec![AuditEntry::by(context, Verb::RemoveAuthority, None, authority.name.clone())],
        };
        self.store.commit(commit).await?;
        self.trust_changed();
        self.end_issued(authority.subject_name, |_| true).await
    }

    /// Takes an authority's revocation list, in any of the writings of [`certificate::revocation_list`]. The sessions that
    /// were opened by certificates which it takes back end.
    pub async fn set_revocation_list(
        &self,
        context: &Context,
        id: PublicId,
        list: &[u8],
    ) -> Result<Authority, FleetError> {
        self.demand(context, Permission::Administer, "set revocation list").await?;
        let invalid = |reason: String| FleetError::Invalid { field: "revocation list", reason };
        let authority = self.authority(id).await?;
        let der = certificate::revocation_list(list).map_err(|error| invalid(error.to_string()))?;
        let list = RevocationList::parse(&der, &authority.certificate);
        let list = list.map_err(|error| invalid(error.to_string()))?;
        if authority.revocations.as_ref().is_some_and(|before| !list.follows(before)) {
            return Err(invalid(crate::RevocationListError::Older.to_string()));
        }
        let serials = list.serials();
        let number = list.number.as_deref().unwrap_or("none");
        let object = format!("{}; number {number}; {} certificates taken back", authority.name, list.revoked);
        let authority = Authority { revocations: Some(list), ..authority };
        let commit = Commit {
            changes: vec![Change::AuthoritySaved(Box::new(authority.clone()))],
            audit: vec![AuditEntry::by(context, Verb::SaveRevocationList, None, object)],
        };
        self.store.commit(commit).await.map_err(|error| taken(error, "authority"))?;
        self.trust_changed();
        self.end_issued(authority.subject_name, |seen| is_revoked(seen, &authority, &serials)).await?;
        Ok(authority)
    }

    /// How devices know this server: its own certificate and public key; nothing where it has none.
    pub async fn server_keys(&self, context: &Context) -> Result<ServerKeys, FleetError> {
        self.demand(context, Permission::View, "server keys").await?;
        let own = self.store.own_key(OwnKey::Server).await?;
        Ok(own.as_ref().map(ServerKeys::of).unwrap_or_default())
    }

    /// Grows with each change of [`Fleet::trusted`].
    pub fn trust_version(&self) -> u64 {
        self.trust_version.load(Ordering::Acquire)
    }

    /// Whom the handshakes trust: the certificate of each authority, and its revocation list if there is one, in DER.
    pub async fn trusted(&self) -> Result<Vec<(Vec<u8>, Option<Vec<u8>>)>, FleetError> {
        let authorities = self.store.authorities().await?.into_iter();
        let trusted = authorities.map(|one| (one.certificate, one.revocations.map(|list| list.der)));
        Ok(trusted.collect())
    }

    /// The server's own key with its certificate. At the first start it is made, and the server's own authority before it;
    /// `names` are the host names and addresses by which devices reach this server.
    ///
    /// None where the server has no [`Issuer`](crate::Issuer).
    pub async fn own_keys(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<Option<(KeyPair, ServerKeys)>, FleetError> {
        let Ok(issuer) = self.issuer() else { return Ok(None) };
        if let Some(server) = self.store.own_key(OwnKey::Server).await? {
            let keys = ServerKeys::of(&server);
            return Ok(Some((server, keys)));
        }
        let valid = Validity { from: now, to: now.after(Authority::OWN_VALID) };
        let mut changes = Vec::new();
        let authority = match self.store.own_key(OwnKey::Authority).await? {
            Some(authority) => authority,
            None => {
                let pair = issuer.authority(Authority::OWN_NAME, valid)?;
                let facts = Certificate::parse(pair.leaf())
                    .map_err(|error| crate::IssueError { reason: error.to_string() })?;
                let der = pair.leaf().to_vec();
                let name = Authority::OWN_NAME.to_owned();
                let authority =
                    Authority { own: true, ..self.new_authority("server", now, name, der, &facts) };
                changes.push(Change::AuthoritySaved(Box::new(authority)));
                changes.push(Change::OwnKeySaved { key: OwnKey::Authority, pair: Box::new(pair.clone()) });
                pair
            }
        };
        let subject = CertificateSubject::Server(names.to_vec());
        let issued = issuer.issue(&authority, &subject, None, valid)?;
        let Some(private) = issued.private else {
            let reason = "the key of a new pair is missing".to_owned();
            return Err(crate::IssueError { reason }.into());
        };
        // Its authority goes with it: a device that trusts that alone is then served too.
        let mut chain = issued.chain;
        chain.push(authority.leaf().to_vec());
        let server = KeyPair { private, public: Public::Chain(chain) };
        changes.push(Change::OwnKeySaved { key: OwnKey::Server, pair: Box::new(server.clone()) });
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        self.trust_changed();
        let keys = ServerKeys::of(&server);
        Ok(Some((server, keys)))
    }

    fn trust_changed(&self) {
        self.trust_version.fetch_add(1, Ordering::AcqRel);
    }

    async fn authority(&self, id: PublicId) -> Result<Authority, FleetError> {
        let authorities = self.store.authorities().await?;
        authorities
            .into_iter()
            .find(|authority| authority.public_id == id)
            .ok_or(FleetError::NotFound("authority"))
    }

    fn new_authority(
        &self,
        by: &str,
        at: Timestamp,
        name: String,
        certificate: Vec<u8>,
        facts: &Certificate,
    ) -> Authority {
        Authority {
            id: AuthorityId(self.random_id()),
            public_id: PublicId::from_random(self.random()),
            name,
            certificate,
            subject_name: facts.subject_name,
            own: false,
            not_after: facts.not_after,
            revocations: None,
            created_by: by.to_owned(),
            created_at: at,
        }
    }

    /// Ends the sessions that were opened by certificates which an issuer has issued, or stands above.
    async fn end_issued(
        &self,
        issuer_name: Fingerprint,
        ends: impl Fn(&SeenCertificate) -> bool,
    ) -> Result<(), FleetError> {
        let mut after: Option<CredentialId> = None;
        loop {
            let found = self.store.certificates_issued_by(issuer_name, after, TOGETHER).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after = Some(*last);
            let ended: Vec<_> = found.iter().filter(|(_, seen)| ends(seen)).map(|(id, _)| *id).collect();
            self.drop_sessions(&ended).await?;
        }
    }
}

/// Whether an authority has taken a certificate back, or one of those between the two: of these nothing is known but that
/// they are there, so that all their certificates shake hands anew.
fn is_revoked(seen: &SeenCertificate, authority: &Authority, serials: &BTreeSet<String>) -> bool {
    seen.issuer_name != authority.subject_name || serials.contains(&seen.serial)
}

/// How many certificates are looked at in one go.
const TOGETHER: usize = 500;
