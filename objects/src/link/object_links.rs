//! The objects of a Register or Update.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Link, LinkAttribute, LinkError, MAX_LINK_ATTRIBUTES, MAX_LINK_BYTES, MAX_LINKS, raw, version};
use crate::{InstanceId, ObjectId, Path, Version};

/// The objects and instances that a device says it has, and how it can be spoken to about them.
///
/// Its [`Display`](fmt::Display) is the canonical text: root link first, then objects and instances by number, then
/// foreign links. It is what a store keeps and a device sends, and reads back as the same thing.
///
/// ```
/// use objects::{ObjectId, Version, link::ObjectLinks};
///
/// let links = ObjectLinks::parse(br#"</>;ct="60 110", </1/0>,</3>;ver="1.1",</3/0>"#).unwrap();
/// assert_eq!(links.content_formats, [60, 110]);
/// assert_eq!(links.version_of(ObjectId(3), Version::V1_0), Version::V1_1);
/// assert_eq!(links.to_string(), r#"</>;rt="oma.lwm2m";ct="60 110",</1/0>,</3>;ver=1.1,</3/0>"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectLinks {
    /// The path below which all objects lie, such as `/lwm2m`, as it stands in the link; none where that is the root.
    pub root: Option<String>,
    /// The content formats the device names for all its objects, as CoAP numbers, in its order. May be empty.
    pub content_formats: Vec<u16>,
    /// Other attributes of the root link, kept and given no meaning.
    pub attributes: Vec<LinkAttribute>,
    /// By their id.
    pub objects: BTreeMap<ObjectId, ObjectEntry>,
    /// Links that name no object or instance, in their order.
    pub foreign: Vec<Link>,
}

/// One object of [`ObjectLinks`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectEntry {
    /// The version the device names; see [`ObjectLinks::version_of`] where it names none.
    pub version: Option<Version>,
    /// Other attributes of the object's link, kept and given no meaning.
    pub attributes: Vec<LinkAttribute>,
    /// Its instances. May be empty.
    pub instances: BTreeSet<InstanceId>,
    /// The attributes of the instances' links, where they have any; kept and given no meaning.
    pub instance_attributes: BTreeMap<InstanceId, Vec<LinkAttribute>>,
}

impl ObjectLinks {
    /// Reads the payload of a Register or Update. No links at all is fine here; whether it is fine there is said there.
    pub fn parse(bytes: &[u8]) -> Result<Self, LinkError> {
        let links = raw::links(raw::text(bytes)?)?;
        let roomy = bytes.len() <= MAX_LINK_BYTES / 4
            && links.len() <= MAX_LINKS / 4
            && links.iter().all(|link| link.attributes.len() <= MAX_LINK_ATTRIBUTES / 4);
        let parsed = Self::of(links)?;
        if !roomy {
            // The canonical text can be longer. What is accepted has to be readable again.
            raw::links(raw::text(parsed.to_string().as_bytes())?)?;
        }
        Ok(parsed)
    }

    /// Which version of an object the device has: the one it names, else the one that its LwM2M version has for its own
    /// objects, else 1.0. `lwm2m` is what it registers with as `lwm2m=`.
    // LwM2M Core 1.1.1 §7.2.2
    pub fn version_of(&self, object: ObjectId, lwm2m: Version) -> Version {
        self.objects
            .get(&object)
            .and_then(|entry| entry.version)
            .unwrap_or_else(|| version_of_enabler(object, lwm2m))
    }

    fn of(links: Vec<Link>) -> Result<Self, LinkError> {
        let mut parsed = Self::default();
        let root = links
            .iter()
            .position(is_lwm2m_root)
            .or_else(|| links.iter().position(|link| rooted(&link.target).is_empty()));
        parsed.root = root.map(|at| rooted(&links[at].target)).filter(|root| !root.is_empty());
        if let Some(at) = root {
            parsed.take_root(&links[at].attributes, true);
        }
        let mut versions_of_instances = BTreeMap::new();
        for (at, link) in links.into_iter().enumerate() {
            if Some(at) == root {
                continue;
            }
            match parsed.path(&link.target) {
                Some(Path::Root) => parsed.take_root(&link.attributes, false),
                Some(Path::Object(object)) => {
                    let (version, attributes) = split_version(object, link.attributes)?;
                    let entry = parsed.objects.entry(object).or_default();
                    entry.version = entry.version.or(version);
                    if entry.attributes.is_empty() {
                        entry.attributes = attributes;
                    }
                }
                Some(Path::Instance(object, instance)) => {
                    let (version, attributes) = split_version(object, link.attributes)?;
                    if let Some(version) = version {
                        versions_of_instances.entry(object).or_insert(version);
                    }
                    let entry = parsed.objects.entry(object).or_default();
                    if entry.instances.insert(instance) && !attributes.is_empty() {
                        entry.instance_attributes.insert(instance, attributes);
                    }
                }
                Some(Path::Resource(..) | Path::ResourceInstance(..)) | None => parsed.foreign.push(link),
            }
        }
        // Some devices put `ver` on the instance.
        for (object, version) in versions_of_instances {
            let entry = parsed.objects.entry(object).or_default();
            entry.version = entry.version.or(Some(version));
        }
        Ok(parsed)
    }

    /// The attributes of the root link, or of a further link to the same place, which fills gaps.
    fn take_root(&mut self, attributes: &[LinkAttribute], first: bool) {
        let mut seen_resource_type = !first;
        for (name, value) in attributes {
            match (name.as_str(), value) {
                ("ct", value) if self.content_formats.is_empty() => {
                    self.content_formats = content_formats(value.as_deref().unwrap_or_default());
                }
                ("ct", _) => {}
                ("rt", value) => {
                    let implied = value.as_deref().is_some_and(|value| value.trim() == RESOURCE_TYPE);
                    if !seen_resource_type && !implied {
                        self.attributes.push((name.clone(), value.clone()));
                    }
                    seen_resource_type = true;
                }
                _ if first => self.attributes.push((name.clone(), value.clone())),
                _ => {}
            }
        }
    }

    /// Where a link leads, seen from the root of the objects.
    fn path(&self, target: &str) -> Option<Path> {
        let target = rooted(target);
        let below = match &self.root {
            Some(root) => target.strip_prefix(root.as_str())?,
            None => &target,
        };
        if below.is_empty() { Some(Path::Root) } else { below.parse().ok() }
    }

    fn write_root(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.root.as_deref().unwrap_or("/"))?;
        if self.attributes.iter().all(|(name, _)| name != "rt") {
            write!(f, ";rt=\"{RESOURCE_TYPE}\"")?;
        }
        match self.content_formats.as_slice() {
            [] => {}
            [one] => write!(f, ";ct={one}")?,
            several => {
                let several: Vec<_> = several.iter().map(u16::to_string).collect();
                write!(f, ";ct=\"{}\"", several.join(" "))?;
            }
        }
        raw::write_attributes(f, &self.attributes)
    }
}

/// The versions of the objects that LwM2M itself defines, where a device names none.
///
/// Those of 1.1 and 1.2 are the ones in the appendices of LwM2M Core 1.1.1 and 1.2, as Leshan has them for 1.1.
fn version_of_enabler(object: ObjectId, lwm2m: Version) -> Version {
    let minor = |minor| Version { major: 1, minor };
    match (object.0, lwm2m) {
        (_, lwm2m) if lwm2m < Version::V1_1 => Version::V1_0,
        (0 | 1 | 3, Version::V1_1) => minor(1),
        (4, Version::V1_1) => minor(2),
        (_, Version::V1_1) => Version::V1_0,
        (0 | 1 | 3, _) => minor(2),
        (2 | 5, _) => minor(1),
        (4, _) => minor(3),
        (21, _) => Version { major: 2, minor: 0 },
        _ => Version::V1_0,
    }
}

const RESOURCE_TYPE: &str = "oma.lwm2m";

fn is_lwm2m_root(link: &Link) -> bool {
    let resource_type = link.attributes.iter().find(|(name, _)| name == "rt");
    resource_type
        .and_then(|(_, value)| value.as_deref())
        .is_some_and(|value| value.split_whitespace().any(|one| one == RESOURCE_TYPE))
}

/// A target with a slash at its start, and neither slash nor blank at its end; the root is empty.
fn rooted(target: &str) -> String {
    let inner = target.trim_matches(|c| c == '/' || raw::BLANKS.contains(&c));
    if inner.is_empty() { String::new() } else { format!("/{inner}") }
}

fn content_formats(text: &str) -> Vec<u16> {
    let mut seen = BTreeSet::new();
    let numbers = text.split([' ', ',', '\t']).filter_map(|number| number.parse().ok());
    numbers.filter(|number| seen.insert(*number)).collect()
}

/// Takes `ver` out of the attributes of an object's or instance's link.
fn split_version(
    object: ObjectId,
    mut attributes: Vec<LinkAttribute>,
) -> Result<(Option<Version>, Vec<LinkAttribute>), LinkError> {
    let found = attributes.iter().find(|(name, _)| name == "ver").and_then(|(_, value)| value.clone());
    attributes.retain(|(name, _)| name != "ver");
    Ok((found.map(|text| version(object, &text)).transpose()?, attributes))
}

impl fmt::Display for ObjectLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut next = |f: &mut fmt::Formatter<'_>| f.write_str(std::mem::replace(&mut separator, ","));
        // A foreign link might pass for the root link where there is none.
        if self.root.is_some()
            || !self.content_formats.is_empty()
            || !self.attributes.is_empty()
            || !self.foreign.is_empty()
        {
            next(f)?;
            self.write_root(f)?;
        }
        let root = self.root.as_deref().unwrap_or_default();
        for (object, entry) in &self.objects {
            if entry.version.is_some() || !entry.attributes.is_empty() || entry.instances.is_empty() {
                next(f)?;
                write!(f, "<{root}/{object}>")?;
                if let Some(version) = entry.version {
                    write!(f, ";ver={version}")?;
                }
                raw::write_attributes(f, &entry.attributes)?;
            }
            for instance in &entry.instances {
                next(f)?;
                write!(f, "<{root}/{object}/{instance}>")?;
                let attributes = entry.instance_attributes.get(instance);
                raw::write_attributes(f, attributes.map_or(&[], Vec::as_slice))?;
            }
        }
        for link in &self.foreign {
            next(f)?;
            link.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
