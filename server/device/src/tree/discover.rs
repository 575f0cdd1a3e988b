//! What a device says about the shape of its tree: the links of a Register and of a Discover.

use std::{collections::BTreeSet, sync::Arc};

use objects::{
    Attribute, Attributes, ContentFormat, ObjectId, Path, Resource, ResourceId, Version,
    link::{Discovered, DiscoveredLink, ObjectEntry, ObjectLinks},
};

use super::Tree;
use crate::refusal::Refusal;

impl Tree {
    /// The objects and instances, as a Register names them (LwM2M Core 1.1.1 §6.2.1).
    pub(crate) fn object_links(&self, root: Option<&str>) -> ObjectLinks {
        // Security and OSCORE are not named.
        let named = self.objects.iter().filter(|(id, _)| !matches!(id, ObjectId(0 | 21)));
        let entry = |(id, object): (&ObjectId, &Arc<objects::Object>)| {
            let instances = object.instances.keys().copied().collect();
            (
                *id,
                ObjectEntry { version: self.versions.get(id).copied(), instances, ..ObjectEntry::default() },
            )
        };
        // Every device takes the formats of LwM2M 1.0; those since 1.1 are named.
        let formats = self.content_formats().iter().filter(|_| self.lwm2m >= Version::V1_1);
        let structured =
            formats.filter(|format| !matches!(**format, ContentFormat::TEXT | ContentFormat::OPAQUE));
        ObjectLinks {
            root: root.map(str::to_owned),
            content_formats: structured.map(|format| format.0).collect(),
            objects: named.map(entry).collect(),
            ..ObjectLinks::default()
        }
    }

    /// What a Discover of a path finds (LwM2M Core 1.1.1 §6.3.2): the nodes down to the resources, or below a resource its
    /// instances. What is asked about is shown with the attributes it inherits, the rest with its own.
    pub(crate) fn discover(&self, path: &Path) -> Result<Discovered, Refusal> {
        if path.depth() > 3 {
            return Err(Refusal::NotAllowed { path: *path });
        }
        if !self.exists(path) {
            return Err(Refusal::NotFound { path: *path });
        }
        let mut links =
            vec![DiscoveredLink { attributes: self.effective_attributes(path), ..self.link(*path) }];
        self.collect(path, &mut links);
        Ok(Discovered { links, ..Discovered::default() })
    }

    /// Sets and unsets notification attributes (LwM2M Core 1.1.1 §6.3.4 and §7.3).
    pub(crate) fn write_attributes(&mut self, path: &Path, queries: &[String]) -> Result<(), Refusal> {
        if !self.exists(path) {
            return Err(Refusal::NotFound { path: *path });
        }
        let (set, unset) = Attributes::parse_queries(queries.iter().map(String::as_str))?;
        let data_type = self.model_at(path).and_then(|model| model.data_type);
        let executable = self.operations(path).execute;
        for attribute in set.names().chain(unset.iter().copied()) {
            let fits = data_type.is_none_or(|data_type| attribute.fits(data_type));
            if !fits || executable || !attribute.applies_to(path, self.lwm2m) {
                return Err(Refusal::AttributeMisplaced { attribute, path: *path });
            }
        }
        let mut own = set.merged_over(&self.own_attributes(path));
        unset.into_iter().for_each(|attribute: Attribute| own.unset(attribute));
        let inherited = path.parent().map(|parent| self.effective_attributes(&parent)).unwrap_or_default();
        own.merged_over(&inherited).check()?;
        self.attributes.insert(*path, own);
        Ok(())
    }

    fn own_attributes(&self, path: &Path) -> Attributes {
        self.attributes.get(path).copied().unwrap_or_default()
    }

    fn collect(&self, path: &Path, links: &mut Vec<DiscoveredLink>) {
        let children: Vec<u16> = match *path {
            Path::Object(o) => {
                self.objects.get(&o).into_iter().flat_map(|o| o.instances.keys()).map(|id| id.0).collect()
            }
            Path::Instance(o, i) => {
                let present = self.instance(o, i).into_iter().flat_map(|instance| instance.resources.keys());
                let model = self.object_model(o).into_iter().flat_map(|model| model.resources.values());
                let executable =
                    model.filter(|resource| resource.operations.execute).map(|resource| resource.id);
                present
                    .copied()
                    .chain(executable)
                    .collect::<BTreeSet<ResourceId>>()
                    .iter()
                    .map(|id| id.0)
                    .collect()
            }
            Path::Resource(..) => match self.resource(path) {
                Some(Resource::Multiple(values)) if self.lwm2m >= Version::V1_1 => {
                    values.keys().map(|id| id.0).collect()
                }
                _ => Vec::new(),
            },
            Path::Root | Path::ResourceInstance(..) => Vec::new(),
        };
        for child in children.into_iter().filter_map(|id| path.child(id)) {
            links.push(self.link(child));
            if child.depth() < 3 {
                self.collect(&child, links);
            }
        }
    }

    pub(super) fn link(&self, path: Path) -> DiscoveredLink {
        let dimension = match self.resource(&path) {
            Some(Resource::Multiple(values)) if path.depth() == 3 => u32::try_from(values.len()).ok(),
            _ => None,
        };
        let version = match path {
            Path::Object(o) => Some(self.version(o)).filter(|version| *version != Version::V1_0),
            _ => None,
        };
        DiscoveredLink {
            attributes: self.own_attributes(&path),
            dimension,
            version,
            ..DiscoveredLink::of(path)
        }
    }
}
