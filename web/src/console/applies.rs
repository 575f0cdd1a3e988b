//! What a group or a class applies to its devices, each with its page.

use fleet::{
    Class, Fleet, PlanScope, UpdatePolicy,
    configuration::{Baseline, LevelName},
};

use crate::{app::App, console::configuration::baselines, error::WebError, session::SignedIn, show::visible};

/// Something that devices get because they are of a group or a class.
pub(crate) struct Applied {
    pub(crate) what: String,
    pub(crate) url: String,
}

/// The newest baselines of the fleet, of classes and of groups.
pub(crate) struct Baselines(Vec<(LevelName, String, Baseline)>);

impl Baselines {
    pub(crate) async fn load(app: &App, login: &SignedIn) -> Result<Self, WebError> {
        Ok(Self(app.fleet.baselines(&login.context).await?))
    }

    /// That of a level, if it wants anything.
    pub(crate) fn of(&self, level: &LevelName) -> Option<Applied> {
        let (.., baseline) = self.0.iter().find(|(other, ..)| other == level)?;
        let lines = match baseline.draft.lines.len() {
            0 => return None,
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        let (version, mode) = (baseline.version, baseline.draft.mode.name());
        let what = format!("Baseline, version {version} ({lines}, {mode})");
        Some(Applied { what, url: baselines::url_of(level) })
    }
}

/// What a class applies beside by what its devices may prove who they are, which each class says: only what it says of its own.
pub(crate) async fn by_class(
    app: &App,
    login: &SignedIn,
    class: &Class,
    url: &str,
) -> Result<Vec<Applied>, WebError> {
    let (fleet, context) = (&app.fleet, &login.context);
    let level = LevelName::Class(class.name.clone());
    let mut applied: Vec<Applied> = Baselines::load(app, login).await?.of(&level).into_iter().collect();
    let mut add = |what: String, place: &str| applied.push(Applied { what, url: format!("{url}{place}") });
    match fleet.class_wishes(context, class.id).await?.iter().count() {
        0 => {}
        1 => add("Observations (1 line)".to_owned(), "#wishes-title"),
        lines => add(format!("Observations ({lines} lines)"), "#wishes-title"),
    }
    if fleet.plan(context, PlanScope::Class(class.id)).await?.is_some() {
        add("Bootstrap plan".to_owned(), "#plan-title");
    }
    if class.retention != fleet::Retention::default() {
        add("Retention of values".to_owned(), "#retention-title");
    }
    if fleet.class_awake_time(context, class.id).await?.is_some() {
        add("How long devices in queue mode listen".to_owned(), "#awake-title");
    }
    let (policy, keys) = fleet.update_policy(context, class.id).await?;
    let keys = keys.iter().filter(|key| key.revoked_at.is_none()).count();
    if keys > 0 || policy != UpdatePolicy::new(class.id) {
        add("Updates and who signs them".to_owned(), "/updates");
    }
    Ok(applied)
}

/// How many devices, as it is shown.
pub(crate) fn counted(size: Option<u64>) -> String {
    size.map_or_else(|| format!("more than {}", Fleet::CLASS_COUNTED), |size| size.to_string())
}

/// The names of what is applied, one after the other.
pub(crate) fn named(applied: &[Applied]) -> String {
    let names: Vec<String> = applied.iter().map(|one| visible(one.what.chars())).collect();
    names.join(", ")
}
