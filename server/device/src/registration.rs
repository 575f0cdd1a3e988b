//! What a device tells its server of itself: the requests of the registration interface (LwM2M Core 1.1.1 §6.2,
//! Transport 1.1.1 §6.4.3).

use coap::{Method, Request};
use objects::{ContentFormat, ResourceId, Value, Version};

use crate::{Profile, Tree};

/// What a server is told, and has to be told anew when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Seconds.
    pub(crate) lifetime: u32,
    binding: String,
    links: String,
}

impl Registration {
    /// What there is to tell at present.
    pub(crate) fn of(profile: &Profile, tree: &Tree) -> Self {
        let lifetime = match tree.account(LIFETIME) {
            Some(Value::Integer(seconds)) => u32::try_from(*seconds).unwrap_or(profile.lifetime),
            _ => profile.lifetime,
        };
        let binding = match tree.account(BINDING) {
            Some(Value::String(binding)) => binding.clone(),
            _ => profile.binding.clone(),
        };
        Self { lifetime, binding, links: tree.object_links(profile.root.as_deref()).to_string() }
    }

    pub(crate) fn register(&self, profile: &Profile) -> Request {
        let mut request = Request::new(Method::Post, "/rd");
        if profile.names_itself {
            request.queries.push(format!("ep={}", profile.endpoint));
        }
        request.queries.push(format!("lt={}", self.lifetime));
        request.queries.push(format!("lwm2m={}", profile.objects.lwm2m()));
        self.add_binding(profile, &mut request);
        self.add_links(&mut request);
        request
    }

    /// An Update with what differs from what the server knows.
    pub(crate) fn update(&self, profile: &Profile, known: &Self, location: &[String]) -> Request {
        let mut request = Request::new(Method::Post, "/");
        request.path = location.to_vec();
        if self.lifetime != known.lifetime {
            request.queries.push(format!("lt={}", self.lifetime));
        }
        if self.binding != known.binding {
            self.add_binding(profile, &mut request);
        }
        if self.links != known.links {
            self.add_links(&mut request);
        }
        request
    }

    /// LwM2M 1.0 has queue mode in the binding, 1.1 has a parameter of its own for it.
    fn add_binding(&self, profile: &Profile, request: &mut Request) {
        let queue = profile.queue_mode && profile.objects.lwm2m() < Version::V1_1;
        let mode = if queue && !self.binding.contains('Q') { "Q" } else { "" };
        request.queries.push(format!("b={}{mode}", self.binding));
        if profile.queue_mode && profile.objects.lwm2m() >= Version::V1_1 {
            request.queries.push("Q".to_owned());
        }
    }

    fn add_links(&self, request: &mut Request) {
        request.content_format = Some(ContentFormat::LINK.0);
        request.payload = self.links.clone().into_bytes();
    }
}

/// Resources of the Server object.
pub(crate) const LIFETIME: ResourceId = ResourceId(1);
pub(crate) const DEFAULT_PMIN: ResourceId = ResourceId(2);
pub(crate) const DEFAULT_PMAX: ResourceId = ResourceId(3);
pub(crate) const DISABLE_TIMEOUT: ResourceId = ResourceId(5);
pub(crate) const BINDING: ResourceId = ResourceId(7);
pub(crate) const LAST_BOOTSTRAPPED: ResourceId = ResourceId(12);
pub(crate) const BOOTSTRAP_ON_FAILURE: ResourceId = ResourceId(16);
pub(crate) const RETRY_COUNT: ResourceId = ResourceId(17);
pub(crate) const RETRY_TIMER: ResourceId = ResourceId(18);
pub(crate) const SEQUENCE_DELAY: ResourceId = ResourceId(19);
pub(crate) const SEQUENCE_COUNT: ResourceId = ResourceId(20);
pub(crate) const MUTE_SEND: ResourceId = ResourceId(23);
