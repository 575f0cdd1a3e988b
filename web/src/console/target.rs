//! A device as its pages look at it: what the fleet knows of it, under the names of its object models.

use std::sync::Arc;

use fleet::{DeviceDetail, DeviceState, Permission, Presence, PublicId, Registration, Timestamp};
use objects::{ObjectId, ObjectModel, Path, Registry, ResourceModel, Version, link::ObjectLinks};

use crate::{app::App, error::WebError, session::SignedIn, show::visible, ui::Tab};

/// A device, at one moment.
pub(crate) struct Target {
    pub(crate) id: PublicId,
    pub(crate) detail: DeviceDetail,
    pub(crate) now: Timestamp,
    /// What it registered; nothing where it never did.
    pub(crate) links: Arc<ObjectLinks>,
    registry: Arc<Registry>,
    /// Whether they who look may ask something of it.
    may_operate: bool,
}

/// A node and where its page is.
pub(crate) struct NodeLink {
    pub(crate) url: String,
    pub(crate) path: Path,
    pub(crate) name: String,
}

/// What an operation or an observation is about, and where its page is.
pub(crate) struct AboutLink {
    pub(crate) url: String,
    pub(crate) path: fleet::Target,
    pub(crate) name: String,
}

impl Target {
    pub(crate) async fn load(app: &App, login: &SignedIn, id: &str) -> Result<Self, WebError> {
        Self::of(app, login, public_id(id)?).await
    }

    pub(crate) async fn of(app: &App, login: &SignedIn, id: PublicId) -> Result<Self, WebError> {
        let detail = app.fleet.device(&login.context, id).await?;
        let registration = detail.view.registration.as_ref();
        let links = registration.map_or_else(Arc::default, |registration| Arc::clone(&registration.links));
        Ok(Self {
            id,
            detail,
            now: app.now(),
            links,
            registry: app.fleet.registry(),
            may_operate: login.may(Permission::Operate),
        })
    }

    pub(crate) fn endpoint(&self) -> String {
        visible(self.detail.view.device.endpoint.as_str().chars())
    }

    pub(crate) fn registration(&self) -> Option<&Registration> {
        self.detail.view.registration.as_ref()
    }

    pub(crate) fn lwm2m(&self) -> Version {
        self.registration().map_or(Version::V1_1, |registration| registration.lwm2m)
    }

    /// Whether operations can be asked of it, now or when it wakes up.
    pub(crate) fn registered(&self) -> bool {
        self.detail.view.state == DeviceState::Registered && self.detail.presence != Presence::NotRegistered
    }

    /// Whether operations can be asked of it by whoever looks.
    pub(crate) fn operable(&self) -> bool {
        self.registered() && self.may_operate
    }

    /// Whether whoever looks may take operations out of its queue.
    pub(crate) fn may_operate(&self) -> bool {
        self.may_operate
    }

    /// Whether it may sleep, so that an operation may have to wait.
    pub(crate) fn sleeps(&self) -> bool {
        self.registration().is_some_and(|registration| registration.binding.queue_mode)
    }

    pub(crate) fn version_of(&self, object: ObjectId) -> Version {
        self.links.version_of(object, self.lwm2m())
    }

    pub(crate) fn object(&self, object: ObjectId) -> Option<&ObjectModel> {
        self.registry.object(object, self.version_of(object))
    }

    /// The definition of the resource that a path names or lies in.
    pub(crate) fn resource(&self, path: &Path) -> Option<&ResourceModel> {
        self.object(path.object()?)?.resource(path.resource()?)
    }

    pub(crate) fn observed(&self, path: &Path) -> bool {
        let named = |observation: &fleet::Observation| observation.target.paths().contains(path);
        self.detail.observations.iter().any(named)
    }

    /// Whether it was removed: it is kept as a name and, perhaps, its data.
    pub(crate) fn removed(&self) -> bool {
        self.detail.view.state == DeviceState::Removed
    }

    /// Its row of tabs, with this one marked.
    pub(crate) fn tabs(&self, login: &SignedIn, here: &str) -> Vec<Tab> {
        let mut pages = vec![
            ("", "Summary"),
            ("/objects", "Objects"),
            ("/values", "Values"),
            ("/configuration", "Configuration"),
            ("/access", "Access rights"),
            ("/firmware", "Firmware"),
            ("/credentials", "Credentials"),
            ("/security", "Security"),
            ("/operations", "Queue"),
            ("/timeline", "Events"),
        ];
        if login.may(Permission::Administer) && !self.removed() {
            pages.push(("/danger", "Danger zone"));
        }
        Tab::row(&self.url(), &pages, here)
    }

    pub(crate) fn url(&self) -> String {
        format!("/devices/{}", self.id)
    }

    pub(crate) fn node_url(&self, path: &Path) -> String {
        match path {
            Path::Root => self.url(),
            path => format!("/devices/{}/nodes{path}", self.id),
        }
    }

    pub(crate) fn link(&self, path: Path) -> NodeLink {
        NodeLink { url: self.node_url(&path), path, name: self.name(&path) }
    }

    pub(crate) fn about(&self, about: fleet::Target) -> AboutLink {
        let (url, name) = match &about {
            fleet::Target::One(path) => (self.node_url(path), self.name(path)),
            fleet::Target::Several(paths) => {
                let listed: Vec<String> = paths.iter().map(Path::to_string).collect();
                (
                    format!("{}/several?paths={}", self.url(), listed.join(",")),
                    format!("{} nodes", paths.len()),
                )
            }
        };
        AboutLink { url, path: about, name }
    }

    /// What a node is called by the models, or its level and number.
    pub(crate) fn name(&self, path: &Path) -> String {
        let object = |object: ObjectId| {
            self.object(object).map_or_else(|| format!("Object {object}"), |model| model.name.clone())
        };
        match *path {
            Path::Root => "Device".to_owned(),
            Path::Object(id) => object(id),
            Path::Instance(id, instance) => format!("{}, instance {instance}", object(id)),
            Path::Resource(_, _, resource) => {
                self.resource(path).map_or_else(|| format!("Resource {resource}"), |model| model.name.clone())
            }
            Path::ResourceInstance(_, _, resource, instance) => {
                let name = self
                    .resource(path)
                    .map_or_else(|| format!("Resource {resource}"), |model| model.name.clone());
                format!("{name} [{instance}]")
            }
        }
    }
}

/// Reads a device's name in an address.
pub(crate) fn public_id(text: &str) -> Result<PublicId, WebError> {
    text.parse().map_err(|_| WebError::NotFound("device"))
}

/// Reads the paths of one node or of several in an address, which have lost their first slash.
pub(crate) fn about_path(text: &str) -> Result<fleet::Target, WebError> {
    let mut parts = text.split(',').map(|part| node_path(part.trim_start_matches('/')));
    match (parts.next(), parts.next()) {
        (Some(one), None) => Ok(one?.into()),
        (Some(one), Some(two)) => {
            let all: fleet::Paths = [one, two].into_iter().chain(parts).collect::<Result<_, _>>()?;
            Ok(all.into())
        }
        (None, _) => Err(WebError::NotFound("object, instance or resource")),
    }
}

/// Reads a node's path in an address, which has lost its first slash.
pub(crate) fn node_path(text: &str) -> Result<Path, WebError> {
    match format!("/{text}").parse() {
        Ok(Path::Root) | Err(_) => Err(WebError::NotFound("object, instance or resource")),
        Ok(path) => Ok(path),
    }
}
