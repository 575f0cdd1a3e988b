//! `/enrolment/import`: many devices by a file. It is looked at first; what was looked at is what is taken, by its digest.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Response},
};
use fleet::{FleetError, ImportFormat, ImportReport, Permission};
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    console::enrolment::tabs,
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::visible,
    ui::{Field, Filled, Tab, mend},
};

/// Row errors that a page shows.
const ERRORS: usize = 200;

/// An import that was looked at.
#[derive(Clone)]
pub(crate) struct Import {
    format: ImportFormat,
    /// Held until it is taken.
    bytes: Arc<[u8]>,
    stage: Stage,
}

#[derive(Clone)]
enum Stage {
    /// Nothing was changed yet.
    Looked(Arc<ImportReport>),
    /// It is being taken.
    UnderWay,
    Taken(Arc<ImportReport>),
    /// It was not taken, and why.
    Refused(String),
}

#[derive(Template)]
#[template(path = "enrolment/import.html")]
struct ImportPage {
    shell: Shell,
    tabs: Vec<Tab>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

#[derive(Template)]
#[template(path = "enrolment/imported.html")]
struct ImportedPage {
    shell: Shell,
    tabs: Vec<Tab>,
    digest: String,
    report: Option<Arc<ImportReport>>,
    errors: Vec<(u64, String)>,
    taken: bool,
    under_way: bool,
    refused: String,
    takeable: bool,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    Ok(Page(ImportPage::new(&app, &login, &Filled::default())))
}

pub(crate) async fn look(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let sent = fields.clone();
    let (work, context, user) = (Arc::clone(&app), login.context.clone(), login.user());
    let done = app.act(&login, &fields, "look at import", async move {
        let (format, bytes) = file_of(&sent)?;
        let report = work.fleet.import(&context, format, &bytes, true).await?;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let import = Import { format, bytes, stage: Stage::Looked(Arc::new(report)) };
        work.imports.put(digest.clone(), user, context.now, import);
        Ok(format!("/enrolment/import/{digest}"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            // The file itself is not sent back.
            let filled = mend(fields.without("text"), error)?;
            Ok(again(ImportPage::new(&app, &login, &filled)))
        }
    }
}

pub(crate) async fn looked(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(digest): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let import = app.imports.find(&digest, login.user(), app.now());
    let import = import.ok_or(WebError::NotFound("import; it may have been too long ago"))?;
    let shell = Shell::new(&app, &login, Area::Enrolment, "Import");
    let (report, taken, refused) = match import.stage {
        Stage::Looked(report) => (Some(report), false, String::new()),
        Stage::UnderWay => (None, false, String::new()),
        Stage::Taken(report) => (Some(report), true, String::new()),
        Stage::Refused(why) => (None, false, why),
    };
    let under_way = report.is_none() && refused.is_empty();
    let errors = report.iter().flat_map(|report| report.errors.iter().take(ERRORS));
    Ok(Page(ImportedPage {
        shell: Shell { refresh: under_way.then_some(2), ..shell },
        tabs: tabs("/import"),
        errors: errors.map(|error| (error.line, visible(error.reason.chars()))).collect(),
        takeable: !taken && report.as_ref().is_some_and(|report| report.added > 0),
        report,
        digest,
        taken,
        under_way,
        refused,
    }))
}

pub(crate) async fn take(
    State(app): State<Arc<App>>,
    Address(digest): Address<String>,
    Posted { login, .. }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let (now, user) = (app.now(), login.user());
    let import = app.imports.find(&digest, user, now);
    let import = import.ok_or(WebError::NotFound("import; it may have been too long ago"))?;
    if let Stage::Looked(_) = import.stage {
        let under_way = Import { stage: Stage::UnderWay, bytes: Arc::default(), ..import.clone() };
        app.imports.put(digest.clone(), user, now, under_way.clone());
        let (work, context, name) = (Arc::clone(&app), login.context.clone(), digest.clone());
        // In a task of its own: a hundred thousand rows take longer than a browser waits.
        tokio::spawn(async move {
            let stage = match work.fleet.import(&context, import.format, &import.bytes, false).await {
                Ok(report) => Stage::Taken(Arc::new(report)),
                Err(error) => Stage::Refused(crate::console::sentence(&error)),
            };
            work.imports.put(name, user, work.now(), Import { stage, ..under_way });
        });
    }
    Ok(axum::response::Redirect::to(&format!("/enrolment/import/{digest}")).into_response())
}

/// The file that was chosen, or the text that was pasted.
fn file_of(fields: &Fields) -> Result<(ImportFormat, Arc<[u8]>), FleetError> {
    // Browsers send what was pasted with CR LF at the ends of its lines.
    let pasted = fields.text("text").replace("\r\n", "\n");
    let bytes = fields.file("file").unwrap_or(pasted.as_bytes());
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let reason = "choose a file, or paste its lines".to_owned();
        return Err(FleetError::Invalid { field: "file", reason });
    }
    let json = match fields.text("format") {
        "csv" => false,
        "json" => true,
        // A line of JSON begins with a brace, a header line does not.
        _ => bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'),
    };
    Ok((if json { ImportFormat::JsonLines } else { ImportFormat::Csv }, bytes.into()))
}

impl ImportPage {
    fn new(app: &App, login: &SignedIn, filled: &Filled) -> Self {
        let formats = [("", "By its beginning"), ("csv", "CSV"), ("json", "JSON lines")];
        let fields = vec![
            Field::new("file", "File").kind("file"),
            Field::new("text", "Or its lines").kind("area"),
            Field::new("format", "Format")
                .select(formats.map(|(value, label)| (value.to_owned(), label.to_owned())).into()),
        ];
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        Self {
            shell: Shell::new(app, login, Area::Enrolment, "Import devices"),
            tabs: tabs("/import"),
            problems: filled.others(&fields),
            fields,
        }
    }
}
