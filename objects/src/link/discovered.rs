//! The answer to a Discover.

use std::fmt;

use super::{Link, LinkAttribute, LinkError, raw};
use crate::{Attribute, Attributes, Path, Version};

/// The answer to a Discover or Bootstrap-Discover.
///
/// ```
/// use objects::link::Discovered;
///
/// let found = Discovered::parse(b"</3/0>;pmin=10,</3/0/6>;dim=2,</3/0/9>;gt=80").unwrap();
/// assert_eq!(found.links[0].attributes.pmin, Some(10));
/// assert_eq!(found.links[1].dimension, Some(2));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discovered {
    /// The enabler version that the answer to a Bootstrap-Discover names.
    pub lwm2m: Option<Version>,
    /// In the order of the answer.
    pub links: Vec<DiscoveredLink>,
    /// Links that name no node of the data model, in their order.
    pub foreign: Vec<Link>,
}

/// A node that a device says it has.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveredLink {
    /// Which node.
    pub path: Path,
    /// The notification attributes set there, for the server that asks.
    pub attributes: Attributes,
    /// `ver`: the object's version.
    pub version: Option<Version>,
    /// `dim`: how many resource instances there are.
    pub dimension: Option<u32>,
    /// `ssid`: the short server id, of a Security, Server or OSCORE instance.
    pub ssid: Option<u16>,
    /// `uri`: the server's address, of a Security instance.
    pub uri: Option<String>,
    /// Any other attribute, and a known one whose value is not of its form.
    pub other: Vec<LinkAttribute>,
}

impl Discovered {
    /// Reads the answer of a device whose objects lie at the root.
    pub fn parse(bytes: &[u8]) -> Result<Self, LinkError> {
        Self::parse_below(None, bytes)
    }

    /// Reads the answer of a device whose objects lie below `root`, as [`ObjectLinks::root`](super::ObjectLinks::root)
    /// has it. Links that leave the root out are taken, too.
    pub fn parse_below(root: Option<&str>, bytes: &[u8]) -> Result<Self, LinkError> {
        let (lwm2m, text) = split_bare_version(raw::text(bytes)?);
        let mut found = Self { lwm2m, ..Self::default() };
        for link in raw::links(text)? {
            match path(root.unwrap_or_default(), &link.target) {
                Some(path) => found.take(DiscoveredLink::of(path), link.attributes),
                None => found.foreign.push(link),
            }
        }
        Ok(found)
    }

    fn take(&mut self, mut link: DiscoveredLink, attributes: Vec<LinkAttribute>) {
        let mut is_version_only = false;
        for (name, value) in attributes {
            let version = value.as_deref().and_then(|value| value.parse().ok());
            if link.path == Path::Root && name == "lwm2m" && self.lwm2m.is_none() && version.is_some() {
                self.lwm2m = version;
                is_version_only = true;
            } else {
                link.take(name, value);
            }
        }
        if !(is_version_only && link == DiscoveredLink::of(Path::Root)) {
            self.links.push(link);
        }
    }
}

impl DiscoveredLink {
    /// A node about which nothing is said.
    pub fn of(path: Path) -> Self {
        Self {
            path,
            attributes: Attributes::default(),
            version: None,
            dimension: None,
            ssid: None,
            uri: None,
            other: Vec::new(),
        }
    }

    fn take(&mut self, name: String, value: Option<String>) {
        let text = value.as_deref().unwrap_or_default();
        let taken = match name.as_str() {
            "ver" => fill(&mut self.version, text.parse().ok()),
            "dim" => fill(&mut self.dimension, text.parse().ok()),
            "ssid" => fill(&mut self.ssid, text.parse().ok()),
            "uri" => fill(&mut self.uri, value.clone()),
            _ => match Attribute::from_name(&name) {
                Some(attribute) => {
                    self.attributes.text(attribute).is_none() && self.attributes.set(attribute, text).is_ok()
                }
                None => false,
            },
        };
        if !taken {
            self.other.push((name, value));
        }
    }
}

/// Puts a value where there is none yet, and says whether it did.
fn fill<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let taken = place.is_none() && value.is_some();
    if taken {
        *place = value;
    }
    taken
}

/// LwM2M 1.0 puts `lwm2m="1.0"` in front of the links as if it were one (LwM2M 1.0.2 §5.2.7.3).
fn split_bare_version(text: &str) -> (Option<Version>, &str) {
    let Some(rest) = text.trim_start().strip_prefix("lwm2m=") else { return (None, text) };
    let (version, links) = rest.split_once(',').unwrap_or((rest, ""));
    match version.trim().trim_matches('"').parse() {
        Ok(version) => (Some(version), links),
        Err(_) => (None, text),
    }
}

fn path(root: &str, target: &str) -> Option<Path> {
    let below = target.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match below.unwrap_or(target) {
        "" => Some(Path::Root),
        below if below.starts_with('/') => below.parse().ok(),
        below => format!("/{below}").parse().ok(),
    }
}

impl fmt::Display for Discovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut next = |f: &mut fmt::Formatter<'_>| f.write_str(std::mem::replace(&mut separator, ","));
        if let Some(lwm2m) = self.lwm2m {
            next(f)?;
            write!(f, "</>;lwm2m={lwm2m}")?;
        }
        for link in &self.links {
            next(f)?;
            link.fmt(f)?;
        }
        for link in &self.foreign {
            next(f)?;
            link.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for DiscoveredLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.path)?;
        if let Some(version) = self.version {
            write!(f, ";ver={version}")?;
        }
        if let Some(dimension) = self.dimension {
            write!(f, ";dim={dimension}")?;
        }
        if let Some(ssid) = self.ssid {
            write!(f, ";ssid={ssid}")?;
        }
        if let Some(uri) = &self.uri {
            // The specification writes it in quotes.
            write!(f, ";uri=\"{}\"", uri.replace('\\', "\\\\").replace('"', "\\\""))?;
        }
        for attribute in self.attributes.to_queries() {
            write!(f, ";{attribute}")?;
        }
        raw::write_attributes(f, &self.other)
    }
}

#[cfg(test)]
mod tests;
