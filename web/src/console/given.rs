//! Credentials as forms give them: the fields of each kind, and what was typed into them. What is left out is made.

use fleet::{
    CredentialKind, FleetError, GivenCertificate, GivenCredential, GivenKey, GivenPsk, PskIdentity, PskKey,
    certificate,
};

use crate::{
    form::Fields,
    ui::{Field, Filled},
};

/// What the fields of a credential are called in a form.
pub(crate) struct Names {
    kind: &'static str,
    identity: &'static str,
    key: &'static str,
    public_key: &'static str,
    certificate: &'static str,
    named: &'static str,
}

/// The fields of a credential: those of every kind, and those that go with keys and certificates alone.
pub(crate) struct CredentialFields {
    pub(crate) first: Vec<Field>,
    pub(crate) more: Vec<Field>,
}

/// The only credential of a form, or its bootstrap credential.
pub(crate) const OWN: Names = Names {
    kind: "kind",
    identity: "identity",
    key: "key",
    public_key: "public_key",
    certificate: "certificate",
    named: "named",
};

/// Beside that: the management credential.
pub(crate) const MANAGEMENT: Names = Names {
    kind: "management_kind",
    identity: "management_identity",
    key: "management_key",
    public_key: "management_public_key",
    certificate: "management_certificate",
    named: "management_named",
};

/// What people call a kind.
pub(crate) fn kind_label(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Psk => "Pre-shared key",
        CredentialKind::RawPublicKey => "Raw public key",
        CredentialKind::Certificate => "X.509 certificate",
    }
}

/// The kinds as choices.
pub(crate) fn kind_choices() -> Vec<(String, String)> {
    CredentialKind::ALL.map(|kind| (kind.name().to_owned(), kind_label(kind).to_owned())).into()
}

/// The kind of a word.
pub(crate) fn kind_of(word: &str) -> Option<CredentialKind> {
    CredentialKind::ALL.into_iter().find(|kind| kind.name() == word)
}

/// The identity and the key that were typed.
pub(crate) fn given_psk(fields: &Fields, names: &Names) -> Result<GivenPsk, FleetError> {
    let digits =
        |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect() };
    let invalid = |field, error: fleet::PskError| FleetError::Invalid { field, reason: error.to_string() };
    let identity = typed(fields, names.identity).map(PskIdentity::from_text).transpose();
    let key = typed(fields, names.key).map(|text| PskKey::from_hex(&digits(text))).transpose();
    Ok(GivenPsk {
        identity: identity.map_err(|error| invalid(names.identity, error))?,
        key: key.map_err(|error| invalid(names.key, error))?,
    })
}

/// The credential that was chosen and typed.
pub(crate) fn given(fields: &Fields, names: &Names) -> Result<GivenCredential, FleetError> {
    let kind = kind_of(fields.text(names.kind)).unwrap_or(CredentialKind::Psk);
    let elsewhere: &[&'static str] = match kind {
        CredentialKind::Psk => &[names.public_key, names.certificate, names.named],
        CredentialKind::RawPublicKey => &[names.identity, names.key, names.certificate, names.named],
        CredentialKind::Certificate => &[names.identity, names.key],
    };
    if let Some(field) = elsewhere.iter().find(|field| typed(fields, field).is_some()) {
        let reason = format!("leave this empty, or choose another kind than {}", kind_label(kind));
        return Err(FleetError::Invalid { field, reason });
    }
    let public_key = typed(fields, names.public_key).map(|text| certificate::public_key(text.as_bytes()));
    let public_key = public_key
        .transpose()
        .map_err(|error| FleetError::Invalid { field: names.public_key, reason: error.to_string() })?;
    Ok(match kind {
        CredentialKind::Psk => given_psk(fields, names)?.into(),
        CredentialKind::RawPublicKey => {
            GivenCredential::RawPublicKey(public_key.map_or(GivenKey::Generated, GivenKey::Public))
        }
        CredentialKind::Certificate => GivenCredential::Certificate(x509(fields, names, public_key)?),
    })
}

/// The fields to give one in. `identity` is filled in.
pub(crate) fn fields(names: &Names, identity: String, identity_hint: &str) -> CredentialFields {
    let first = vec![
        Field::new(names.kind, "Kind").select(kind_choices()).value(CredentialKind::Psk.name()),
        Field::new(names.identity, "PSK identity").value(identity).hint(identity_hint),
        Field::new(names.key, "Pre-shared key, in hexadecimal digits")
            .hint("16 to 64 bytes. Leave empty to have one made: the next page shows it once."),
    ];
    let more = vec![
        Field::new(names.public_key, "Public key of the device").kind("area").hint(
            "PEM; the device keeps its private key. Leave empty to have a key pair made, which is shown once. For a certificate, one is issued for this key.",
        ),
        Field::new(names.certificate, "Certificate of the device").kind("area").hint(
            "PEM: this very certificate is let in, whoever has issued it. Leave empty to have one issued by the server’s own authority.",
        ),
        Field::new(names.named, "Name in its certificates").hint(
            "For certificates of another trusted authority: what stands where the class looks for it, such as the common name.",
        ),
    ];
    CredentialFields { first, more }
}

impl Names {
    /// What the domain says of a credential, said of these fields.
    pub(crate) fn located(&self, filled: Filled) -> Filled {
        let fields = [
            ("kind", self.kind),
            ("identity", self.identity),
            ("public_key", self.public_key),
            ("certificate", self.certificate),
        ];
        fields.into_iter().fold(filled, |filled, (of, field)| filled.at(of, field))
    }
}

impl CredentialFields {
    pub(crate) fn map(self, change: impl Fn(Field) -> Field) -> Self {
        let change = |fields: Vec<Field>| fields.into_iter().map(&change).collect();
        Self { first: change(self.first), more: change(self.more) }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Field> {
        self.first.iter().chain(&self.more)
    }

    /// Whether somebody has used one of the further fields, or is to mend it.
    pub(crate) fn open(&self) -> bool {
        self.more.iter().any(|field| field.problem.is_some() || !field.value.is_empty())
    }
}

fn x509(fields: &Fields, names: &Names, public_key: Option<Vec<u8>>) -> Result<GivenCertificate, FleetError> {
    let one_of = || FleetError::Invalid {
        field: names.certificate,
        reason: "give one of a public key, a certificate and a name, and leave the others empty".to_owned(),
    };
    match (public_key, typed(fields, names.certificate), typed(fields, names.named)) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => Err(one_of()),
        (_, Some(text), _) => {
            let der = certificate::certificate(text.as_bytes()).map_err(|error| FleetError::Invalid {
                field: names.certificate,
                reason: error.to_string(),
            })?;
            Ok(GivenCertificate::Pinned(der))
        }
        (_, _, Some(name)) => Ok(GivenCertificate::Mapped { value: Some(name.to_owned()) }),
        (public_key, None, None) => Ok(GivenCertificate::Issued { public_key }),
    }
}

fn typed<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let text = fields.text(name).trim();
    (!text.is_empty()).then_some(text)
}
