//! Pages: a template is a response, and every page has the same shell.

use askama::Template;
use axum::{
    Extension,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use fleet::{Permission, store::Trouble};

use crate::{app::App, assets, error::Finished, session::SignedIn, ui};

/// A template, answered as HTML.
pub(crate) struct Page<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A template that shows a form again, with what is wrong with it.
pub(crate) fn again<T: Template>(page: T) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Extension(Finished), Page(page)).into_response()
}

/// What stands around the content of a page.
pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) area: Area,
    pub(crate) banner: Option<String>,
    /// What keeps the store from taking writes.
    pub(crate) trouble: Option<Trouble>,
    pub(crate) version: String,
    pub(crate) css: &'static str,
    pub(crate) js: &'static str,
    pub(crate) icon: &'static str,
    /// The name of whoever is logged in.
    pub(crate) user: Option<String>,
    /// Proves that a form was made for this session.
    pub(crate) csrf: String,
    /// Names this rendering of the page's forms, so that one of them sent twice acts once.
    pub(crate) once: String,
    /// Whether they may change identities, accounts and settings.
    pub(crate) administers: bool,
    /// What was done just now.
    pub(crate) done: Option<&'static str>,
    /// The stream that keeps the page up to date.
    pub(crate) live: Option<String>,
    /// Reload after so many seconds.
    pub(crate) refresh: Option<u32>,
}

/// Which part of the console a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Overview,
    Devices,
    Groups,
    Configuration,
    Firmware,
    Enrolment,
    Diary,
    Artefacts,
    Models,
    Security,
    Audit,
    Settings,
    None,
}

impl Shell {
    /// For whoever is logged in.
    pub(crate) fn new(app: &App, login: &SignedIn, area: Area, title: impl Into<String>) -> Self {
        Self {
            user: Some(login.name.clone()),
            csrf: login.csrf.clone(),
            once: app.token(),
            administers: login.may(Permission::Administer),
            area,
            ..Self::outside(app, title)
        }
    }

    /// For nobody in particular.
    pub(crate) fn outside(app: &App, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            area: Area::None,
            banner: app.settings.profile_banner.clone(),
            trouble: app.fleet.trouble(),
            version: app.settings.version.clone(),
            css: &assets::STYLESHEET.url,
            js: &assets::SCRIPT.url,
            icon: &assets::ICON.url,
            user: None,
            csrf: String::new(),
            once: String::new(),
            administers: false,
            done: None,
            live: None,
            refresh: None,
        }
    }

    /// With the sentence for what `?done=` names.
    pub(crate) fn done(mut self, word: &str) -> Self {
        self.done = ui::done(word);
        self
    }

    pub(crate) fn live(mut self, url: impl Into<String>) -> Self {
        self.live = Some(url.into());
        self
    }
}
