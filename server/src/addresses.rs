//! Where devices reach the server: what is bound, and what they are told of it.

use std::net::SocketAddr;

use ::fleet::{BootstrapSettings, ServerKeys, update::Scheme};
use web::Places;

use crate::{
    config::{Config, DownloadUri, Profile, PublicHost},
    downloads::Depot,
    endpoint::doors::Doors,
    welcome::uris,
};

/// The addresses that sockets for devices are bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Management, over DTLS.
    pub coaps: Vec<SocketAddr>,
    /// Bootstrap, over DTLS.
    pub coaps_bootstrap: Vec<SocketAddr>,
    /// Management, over plain CoAP.
    pub coap: Vec<SocketAddr>,
    /// Bootstrap, over plain CoAP.
    pub coap_bootstrap: Vec<SocketAddr>,
    /// Downloads, over DTLS.
    pub coaps_downloads: Vec<SocketAddr>,
    /// Downloads, over plain CoAP.
    pub coap_downloads: Vec<SocketAddr>,
}

/// What devices are told of listeners for downloads, without the key: the address that is configured, or that of the first.
pub(crate) fn offer(
    scheme: Scheme,
    bound: &[SocketAddr],
    public: Option<&DownloadUri>,
    host: &PublicHost,
) -> Option<(Scheme, String)> {
    let first = uris(scheme.name(), host, bound).into_iter().next()?;
    let base = public.map_or(first, ToString::to_string);
    Some((scheme, Depot::before_key(&base)))
}

impl Addresses {
    pub(crate) fn of(doors: &Doors) -> Self {
        Self {
            coaps: doors.management.secure_addresses(),
            coaps_bootstrap: doors.bootstrap.secure_addresses(),
            coap: doors.management.plain_addresses(),
            coap_bootstrap: doors.bootstrap.plain_addresses(),
            coaps_downloads: doors.downloads.secure_addresses(),
            coap_downloads: doors.downloads.plain_addresses(),
        }
    }

    /// By what devices may fetch packages from the sockets bound here.
    pub(crate) fn offers(&self, config: &Config) -> Vec<(Scheme, String)> {
        let (downloads, host) = (&config.downloads, &config.public_host);
        [
            (Scheme::Coaps, &self.coaps_downloads, &downloads.coaps.public_uri),
            (Scheme::Coap, &self.coap_downloads, &downloads.coap.public_uri),
        ]
        .into_iter()
        .filter_map(|(scheme, bound, public)| offer(scheme, bound, public.as_ref(), host))
        .collect()
    }

    /// The URIs that devices are managed at, those with security first.
    pub(crate) fn management_uris(&self, host: &PublicHost) -> Vec<String> {
        [uris("coaps", host, &self.coaps), uris("coap", host, &self.coap)].concat()
    }

    /// The URIs that devices bootstrap at, likewise.
    pub(crate) fn bootstrap_uris(&self, host: &PublicHost) -> Vec<String> {
        [uris("coaps", host, &self.coaps_bootstrap), uris("coap", host, &self.coap_bootstrap)].concat()
    }

    /// What people are told who connect a device.
    pub(crate) fn for_people(&self, config: &Config) -> Places {
        let first =
            |scheme, bound: &[SocketAddr]| uris(scheme, &config.public_host, bound).into_iter().next();
        Places {
            coaps: first("coaps", &self.coaps),
            coaps_bootstrap: first("coaps", &self.coaps_bootstrap),
            coap: first("coap", &self.coap),
            coap_bootstrap: first("coap", &self.coap_bootstrap),
            short_server_id: config.short_server_id.number(),
        }
    }

    /// What bootstrap writes into devices.
    pub(crate) fn for_bootstrap(&self, config: &Config, keys: ServerKeys) -> BootstrapSettings {
        let first =
            |scheme, bound: &[SocketAddr]| uris(scheme, &config.public_host, bound).into_iter().next();
        BootstrapSettings {
            uri: first("coaps", &self.coaps),
            plain_uri: first("coap", &self.coap),
            bootstrap_uri: first("coaps", &self.coaps_bootstrap),
            short_server_id: config.short_server_id.number(),
            keys,
            lab: config.profile == Profile::Lab,
        }
    }
}
