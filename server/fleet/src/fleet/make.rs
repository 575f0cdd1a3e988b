//! Credentials as they are made: what is given is read, and what is left out is made.

use crate::{
    Authority, Certificate, CertificateError, CertificateName, CertificateSubject, Class, Context,
    CredentialName, CredentialState, EndpointName, Fingerprint, Fleet, FleetError, GivenCertificate,
    GivenCredential, GivenKey, GivenPsk, IssueError, Issuer, KeyPair, Mapping, OwnKey, PskIdentity, Public,
    Secret, Timestamp, Validity, certificate,
};

/// What makes a credential.
pub(super) struct Made {
    pub(super) name: CredentialName,
    pub(super) secret: Secret,
    /// What was issued for a key that only the device holds.
    pub(super) issued: Vec<Vec<u8>>,
    /// Until when it is good, where a certificate says that.
    pub(super) valid_to: Option<Timestamp>,
}

impl Made {
    /// One without an end of its own.
    pub(super) fn of(name: CredentialName, secret: Secret) -> Self {
        Self { name, secret, issued: Vec::new(), valid_to: None }
    }
}

impl Fleet {
    /// Makes a credential for a device of a class. With `named` a PSK identity that is left out is the endpoint name, if it
    /// is free.
    pub(super) async fn make(
        &self,
        context: &Context,
        given: GivenCredential,
        endpoint: &EndpointName,
        class: &Class,
        named: bool,
    ) -> Result<Made, FleetError> {
        let kind = given.kind();
        if !class.policy.allows(kind) {
            return Err(FleetError::Invalid { field: "kind", reason: not_let_in(class, kind.name()) });
        }
        match given {
            GivenCredential::Psk(given) => self.psk(given, named.then_some(endpoint)).await,
            GivenCredential::RawPublicKey(given) => self.raw_public_key(given).await,
            GivenCredential::Certificate(GivenCertificate::Mapped { value }) => {
                let name = mapped(class.policy.mapping, value, endpoint)?;
                self.free(&name, None).await?;
                Ok(Made::of(name, Secret::None))
            }
            GivenCredential::Certificate(GivenCertificate::Pinned(given)) => {
                self.pinned(&given, context.now).await
            }
            GivenCredential::Certificate(GivenCertificate::Issued { public_key }) => {
                self.issued(context, endpoint, public_key).await
            }
        }
    }

    /// The identity and key of a new pre-shared key: those given, and others made; `wished` is taken if nothing is given and
    /// it is free.
    pub(super) async fn psk(
        &self,
        given: GivenPsk,
        wished: Option<&EndpointName>,
    ) -> Result<Made, FleetError> {
        let identity = match given.identity {
            Some(identity) => {
                match self.store.credential_by_name(&identity.clone().into()).await? {
                    Some((other, _)) if other.state.opens() => {
                        return Err(FleetError::AlreadyThere("credential"));
                    }
                    // Whoever it was taken from may still have it.
                    Some((other, secret))
                        if other.state == CredentialState::Revoked
                            && given.key.is_some()
                            && given.key.as_ref() == secret.psk() =>
                    {
                        return Err(revoked("key"));
                    }
                    _ => {}
                }
                identity
            }
            None => {
                let wished = wished.and_then(|endpoint| PskIdentity::new(endpoint.as_str()).ok());
                match wished {
                    Some(identity) if !self.is_taken(&identity).await? => identity,
                    _ => self.random_identity(),
                }
            }
        };
        let key = given.key.unwrap_or_else(|| self.random_key());
        Ok(Made::of(identity.into(), Secret::Psk(key)))
    }

    async fn raw_public_key(&self, given: GivenKey) -> Result<Made, FleetError> {
        match given {
            GivenKey::Generated => {
                let pair = self.issuer()?.key_pair()?;
                let name = CredentialName::PublicKey(Fingerprint::of(pair.leaf()));
                Ok(Made::of(name, Secret::KeyPair(pair)))
            }
            GivenKey::Public(given) => {
                let der = certificate::public_key(&given).map_err(|error| unreadable("public_key", error))?;
                let name = CredentialName::PublicKey(Fingerprint::of(&der));
                self.free(&name, Some("public_key")).await?;
                Ok(Made::of(name, Secret::None))
            }
        }
    }

    async fn pinned(&self, given: &[u8], now: Timestamp) -> Result<Made, FleetError> {
        let (name, facts) = pin(given, now)?;
        self.free(&name, Some("certificate")).await?;
        Ok(Made { valid_to: Some(facts.not_after), ..Made::of(name, Secret::None) })
    }

    /// By the server's own authority. It is known by its key, so that the one after it may have the same names.
    async fn issued(
        &self,
        context: &Context,
        endpoint: &EndpointName,
        public_key: Option<Vec<u8>>,
    ) -> Result<Made, FleetError> {
        let given = public_key.map(|given| certificate::public_key(&given)).transpose();
        let given = given.map_err(|error| unreadable("public_key", error))?;
        if let Some(key) = &given {
            let name = CertificateName::PublicKey(Fingerprint::of(key));
            self.free(&CredentialName::Certificate(name), Some("public_key")).await?;
        }
        let issuer = self.issuer()?;
        let authority = self.store.own_key(OwnKey::Authority).await?.ok_or_else(no_authority)?;
        let subject = CertificateSubject::Device(endpoint.clone());
        let to = context.now.after(Authority::DEVICE_VALID);
        // A device's clock may be a little behind.
        let from = Timestamp(context.now.0.saturating_sub(BACKDATED_MS));
        let issued = issuer.issue(&authority, &subject, given.as_deref(), Validity { from, to })?;
        let own = issued.chain.first().map_or(&[][..], Vec::as_slice);
        let facts = Certificate::parse(own).map_err(|error| IssueError { reason: error.to_string() })?;
        let name = CredentialName::Certificate(CertificateName::PublicKey(facts.key_fingerprint()));
        let valid_to = Some(facts.not_after);
        Ok(match issued.private {
            Some(private) => {
                let pair = KeyPair { private, public: Public::Chain(issued.chain) };
                Made { valid_to, ..Made::of(name, Secret::KeyPair(pair)) }
            }
            None => Made { valid_to, issued: issued.chain, ..Made::of(name, Secret::None) },
        })
    }

    /// Refuses a name that opens sessions already; and with `field` one whose key was revoked: whoever it was taken from
    /// still has it.
    async fn free(&self, name: &CredentialName, field: Option<&'static str>) -> Result<(), FleetError> {
        match (self.store.credential_by_name(name).await?, field) {
            (Some((other, _)), _) if other.state.opens() => Err(FleetError::AlreadyThere("credential")),
            (Some((other, _)), Some(field)) if other.state == CredentialState::Revoked => Err(revoked(field)),
            _ => Ok(()),
        }
    }

    async fn is_taken(&self, identity: &PskIdentity) -> Result<bool, FleetError> {
        let found = self.store.credential_by_name(&identity.clone().into()).await?;
        Ok(found.is_some_and(|(credential, _)| credential.state.opens()))
    }

    pub(super) fn issuer(&self) -> Result<&dyn Issuer, FleetError> {
        self.issuer.as_deref().ok_or_else(no_authority)
    }
}

/// A certificate that is known by its key: its name and its facts.
pub(super) fn pin(given: &[u8], now: Timestamp) -> Result<(CredentialName, Certificate), FleetError> {
    let invalid = |error| unreadable("certificate", error);
    let der = certificate::certificate(given).map_err(invalid)?;
    let facts = Certificate::parse(&der).map_err(invalid)?;
    certificate::public_key(&facts.public_key).map_err(invalid)?;
    if facts.not_after <= now {
        let reason = "it is past its time: no handshake would be done with it".to_owned();
        return Err(FleetError::Invalid { field: "certificate", reason });
    }
    Ok((CredentialName::Certificate(CertificateName::PublicKey(facts.key_fingerprint())), facts))
}

/// What the class says that a certificate names its device by.
pub(super) fn mapped(
    mapping: Mapping,
    value: Option<String>,
    endpoint: &EndpointName,
) -> Result<CredentialName, FleetError> {
    let invalid = |reason: String| FleetError::Invalid { field: "certificate", reason };
    let value = match (mapping, value) {
        (Mapping::PublicKey, _) => {
            let reason =
                "devices of this class are known by the keys of their certificates: give the certificate";
            return Err(invalid(reason.to_owned()));
        }
        (Mapping::SerialNumber, None) => {
            let reason =
                "devices of this class are known by the serial numbers of their certificates: give it";
            return Err(invalid(reason.to_owned()));
        }
        (_, Some(value)) => value,
        (_, None) => endpoint.to_string(),
    };
    let name = CertificateName::from_text(&format!("{}:{value}", mapping.name()));
    name.map(CredentialName::Certificate).map_err(|error| invalid(error.to_string()))
}

/// Why a class does not let somebody in, and what it does let in.
pub(super) fn not_let_in(class: &Class, kind: &str) -> String {
    let kinds: Vec<&str> = class.policy.kinds.iter().map(|kind| kind.name()).collect();
    format!("the class {} lets in {}, and not {kind}", class.name, kinds.join(", "))
}

fn revoked(field: &'static str) -> FleetError {
    FleetError::Invalid { field, reason: "this key was revoked: make a new one".to_owned() }
}

fn unreadable(field: &'static str, error: CertificateError) -> FleetError {
    FleetError::Invalid { field, reason: error.to_string() }
}

fn no_authority() -> FleetError {
    let reason = "this server has no authority of its own and makes no keys: give the public key".to_owned();
    FleetError::Invalid { field: "credential", reason }
}

/// An hour.
const BACKDATED_MS: i64 = 3_600_000;
