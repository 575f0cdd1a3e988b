//! `POST /enrolment/classes/{class}/policy`: by what the devices of a class may prove who they are.

use std::sync::Arc;

use axum::{
    extract::{Path as Address, State},
    response::Response,
};
use fleet::{ClassPolicy, CredentialKind, FleetError, Mapping, Permission};

use crate::{
    app::App,
    console::{
        enrolment::classes::{ClassPage, Typed, find, url_of},
        given::{kind_choices, kind_label, kind_of},
    },
    error::WebError,
    form::{Fields, Posted},
    page::again,
    ui::{Field, Filled, mend},
};

/// The form of a policy.
pub(crate) struct PolicyForm {
    pub(crate) action: String,
    pub(crate) kinds: Vec<Field>,
    pub(crate) fields: Vec<Field>,
    pub(crate) problems: Vec<String>,
}

/// The box of each kind.
const KINDS: [(CredentialKind, &str); 3] = [
    (CredentialKind::Psk, "kind_psk"),
    (CredentialKind::RawPublicKey, "kind_rpk"),
    (CredentialKind::Certificate, "kind_x509"),
];

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(name): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let sent = fields.clone();
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), class.id, url_of(&class));
    let done = app.act(&login, &fields, format!("policy of class {}", class.name), async move {
        work.fleet.set_class_policy(&context, id, policy_of(&sent)?).await?;
        Ok(format!("{url}?done=policy-saved"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = Typed { policy: mend(fields, error)?, ..Typed::default() };
            Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

/// The kinds that a class lets in, in a line.
pub(crate) fn kinds_of(policy: &ClassPolicy) -> String {
    let kinds: Vec<&str> = policy.kinds.iter().copied().map(kind_label).collect();
    if kinds.len() == CredentialKind::ALL.len() { "all".to_owned() } else { kinds.join(", ") }
}

fn policy_of(fields: &Fields) -> Result<ClassPolicy, FleetError> {
    let unknown = |field| FleetError::Invalid { field, reason: "choose one of the list".to_owned() };
    let mapping = Mapping::ALL.into_iter().find(|mapping| mapping.name() == fields.text("mapping"));
    Ok(ClassPolicy {
        kinds: KINDS.into_iter().filter(|(_, name)| fields.has(name)).map(|(kind, _)| kind).collect(),
        mapping: mapping.ok_or_else(|| unknown("mapping"))?,
        provision: kind_of(fields.text("provision")).ok_or_else(|| unknown("provision"))?,
    })
}

fn mapping_label(mapping: Mapping) -> &'static str {
    match mapping {
        Mapping::CommonName => "Its common name (CN)",
        Mapping::SubjectAltName => "A subject alternative name (SAN): host name, URI or mail address",
        Mapping::SerialNumber => "Its serial number",
        Mapping::PublicKey => "Its key alone: certificates are pinned",
    }
}

impl PolicyForm {
    pub(crate) fn new(action: String, policy: &ClassPolicy, filled: &Filled) -> Self {
        let kinds = KINDS
            .map(|(kind, name)| Field::new(name, kind_label(kind)).check(policy.allows(kind)).filled(filled));
        let mappings = Mapping::ALL.map(|one| (one.name().to_owned(), mapping_label(one).to_owned()));
        let fields = [
            Field::new("mapping", "What of a certificate names its device")
                .select(mappings.into())
                .value(policy.mapping.name())
                .hint("For certificates of trusted authorities. A pinned one always counts by its key."),
            Field::new("provision", "What bootstrap gives them")
                .select(kind_choices())
                .value(policy.provision.name())
                .hint("The kind of the management credential. It must be let in."),
        ];
        let fields = fields.map(|field| field.filled(filled));
        Self {
            action,
            problems: filled.others(kinds.iter().chain(&fields)),
            kinds: kinds.into(),
            fields: fields.into(),
        }
    }
}
