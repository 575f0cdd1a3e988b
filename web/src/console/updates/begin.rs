//! What is asked for when updates are begun, of one device or of many: with which artefact, how, and why.

use fleet::{Artefact, ArtefactKind, ClassId, FleetError, NewUpdate, store::PageRequest};

use super::terms;
use crate::{app::App, error::WebError, form::Fields, session::SignedIn, show::visible, ui::Field};

/// How many of the newest artefacts are looked through.
const LOOKED_AT: usize = PageRequest::MAX_LIMIT;

/// The fields that everybody fills in, for devices of one class or of any.
pub(crate) async fn fields(
    app: &App,
    login: &SignedIn,
    class: Option<ClassId>,
) -> Result<Vec<Field>, WebError> {
    let page = app.fleet.artefacts(&login.context, &PageRequest::first(LOOKED_AT)).await?;
    let fits = |artefact: &&Artefact| {
        artefact.withdrawn_at.is_none() && class.is_none_or(|class| class == artefact.class)
    };
    let found: Vec<&Artefact> = page.rows.iter().filter(fits).collect();
    let mut fields = vec![
        Field::new("artefact", "Artefact")
            .required()
            .select(found.iter().map(|artefact| (artefact.id.to_string(), named(artefact))).collect()),
    ];
    if found.iter().any(|artefact| artefact.kind == ArtefactKind::Software) {
        fields.push(
            Field::new("instance", "Instance of object 9")
                .kind("number")
                .hint("Which one takes the software. Left empty for firmware."),
        );
    }
    fields.push(Field::new("ticket", "Ticket").hint("The change it belongs to, such as CHG-1042."));
    Ok(fields)
}

/// What a list calls an artefact.
pub(crate) fn named(artefact: &Artefact) -> String {
    visible(format!("{} {}", artefact.name, artefact.version).chars())
}

/// What was typed.
pub(crate) fn read(fields: &Fields) -> Result<NewUpdate, FleetError> {
    let invalid = |field, reason: &str| FleetError::Invalid { field, reason: reason.to_owned() };
    let instance = match fields.text("instance").trim() {
        "" => None,
        text => Some(objects::InstanceId(
            text.parse().map_err(|_| invalid("instance", "expected a number up to 65534"))?,
        )),
    };
    Ok(NewUpdate {
        artefact: fields.text("artefact").parse().map_err(|_| invalid("artefact", "choose an artefact"))?,
        instance,
        terms: terms::read(fields)?,
        ticket: Some(fields.text("ticket").trim().to_owned()).filter(|ticket| !ticket.is_empty()),
    })
}
