//! The object tree of a device: what it registered, under the models' names, with the latest values.

use std::collections::BTreeMap;

use askama::{Template, filters::HtmlSafe};
use fleet::StoredReading;
use objects::{ObjectId, Path, ResourceId, ResourceModel, Version};

use crate::{
    console::target::{NodeLink, Target},
    show::{Moment, Shown},
};

/// What a device has.
pub(crate) struct Tree {
    pub(crate) objects: Vec<ObjectBranch>,
}

/// One object with its instances.
pub(crate) struct ObjectBranch {
    pub(crate) link: NodeLink,
    pub(crate) version: Version,
    /// False for an object that no model describes: it is shown as it came.
    pub(crate) known: bool,
    pub(crate) instances: Vec<InstanceBranch>,
    /// Instances beyond [`Tree::INSTANCES`], by their link alone.
    pub(crate) beyond: Vec<NodeLink>,
    /// How many of its resources have a value.
    pub(crate) read: usize,
    pub(crate) open: bool,
}

/// One instance with its resources.
pub(crate) struct InstanceBranch {
    pub(crate) link: NodeLink,
    pub(crate) observed: bool,
    pub(crate) rows: Rows,
}

/// The body of an instance's table: takes its own place when a value of an unknown resource arrives.
#[derive(Template)]
#[template(path = "fragments/rows.html")]
pub(crate) struct Rows {
    anchor: String,
    rows: Vec<Row>,
    registered: bool,
}

struct Row {
    anchor: String,
    link: NodeLink,
    kind: String,
    range: String,
    about: String,
    mandatory: bool,
    read: bool,
    write: bool,
    execute: bool,
    observed: bool,
    cell: Cell,
}

/// The latest value of a resource: takes its own place when it changes.
#[derive(Template)]
#[template(path = "fragments/cell.html")]
pub(crate) struct Cell {
    anchor: String,
    values: Vec<CellValue>,
    unit: String,
    at: Option<Moment>,
    executable: bool,
}

struct CellValue {
    key: Option<u16>,
    shown: Shown,
}

impl Tree {
    /// Instances a page shows with their resources; the others have a page of their own.
    const INSTANCES: usize = 40;
    /// Rows up to which all objects are shown unfolded; beyond, only those with values are.
    const UNFOLDED: usize = 40;

    pub(crate) fn new(target: &Target) -> Self {
        let readings = by_resource(&target.detail.readings);
        let (mut shown, mut rows) = (0, 0);
        let mut objects: Vec<ObjectBranch> = Vec::new();
        for (&object, entry) in &target.links.objects {
            let mut branch = ObjectBranch {
                link: target.link(Path::Object(object)),
                version: target.version_of(object),
                known: target.object(object).is_some(),
                instances: Vec::new(),
                beyond: Vec::new(),
                read: 0,
                open: true,
            };
            for &instance in &entry.instances {
                let path = Path::Instance(object, instance);
                if shown == Self::INSTANCES {
                    branch.beyond.push(target.link(path));
                    continue;
                }
                shown += 1;
                let instance = InstanceBranch::new(target, path, &readings);
                rows += instance.rows.rows.len();
                branch.read += instance.rows.rows.iter().filter(|row| !row.cell.values.is_empty()).count();
                branch.instances.push(instance);
            }
            objects.push(branch);
        }
        if rows > Self::UNFOLDED {
            objects.iter_mut().for_each(|object| object.open = object.read > 0);
        }
        Self { objects }
    }
}

impl InstanceBranch {
    pub(crate) fn new(target: &Target, path: Path, readings: &ByResource<'_>) -> Self {
        Self {
            link: target.link(path),
            observed: target.observed(&path),
            rows: Rows::new(target, path, readings),
        }
    }

    /// The instance at or above `path`, if the device has registered it.
    pub(crate) fn at(target: &Target, path: Path) -> Option<Self> {
        let (object, instance) = (path.object()?, path.instance()?);
        let entry = target.links.objects.get(&object)?;
        let path = Path::Instance(object, instance);
        entry
            .instances
            .contains(&instance)
            .then(|| Self::new(target, path, &by_resource(&target.detail.readings)))
    }
}

impl Rows {
    pub(crate) fn new(target: &Target, instance: Path, readings: &ByResource<'_>) -> Self {
        let model = instance.object().and_then(|object| target.object(object));
        let mut resources: BTreeMap<ResourceId, Option<&ResourceModel>> = BTreeMap::new();
        if let Some(model) = model {
            resources.extend(model.resources.iter().map(|(id, resource)| (*id, Some(resource))));
        }
        // Paths order by level first: all resources stand together, those of one instance in a row.
        let first = instance.child(0).unwrap_or(instance);
        let given =
            readings.range(first..).map(|(path, _)| path).take_while(|path| path.is_within(&instance));
        for id in given.filter_map(Path::resource) {
            resources.entry(id).or_insert(None);
        }
        let rows = resources.into_iter().filter_map(|(id, model)| {
            let path = instance.child(id.0)?;
            Some(Row::new(target, path, model, readings.get(&path).map_or(&[][..], Vec::as_slice)))
        });
        Self { anchor: anchor("i", &instance), rows: rows.collect(), registered: target.operable() }
    }

    /// The element's id.
    pub(crate) fn anchor(&self) -> &str {
        &self.anchor
    }
}

impl Row {
    fn new(target: &Target, path: Path, model: Option<&ResourceModel>, readings: &[&StoredReading]) -> Self {
        // What no model describes may be anything: let the device decide.
        let operations = model.map(|model| model.operations);
        let kind = match model {
            Some(model) => kind(model),
            None => readings
                .first()
                .map_or(String::new(), |reading| reading.reading.value.data_type().to_string()),
        };
        Self {
            anchor: anchor("r", &path),
            link: target.link(path),
            kind,
            range: model.map(|model| model.range.clone()).unwrap_or_default(),
            about: model.map(|model| short(&model.description)).unwrap_or_default(),
            mandatory: model.is_some_and(|model| model.mandatory),
            read: operations.is_none_or(|operations| operations.read),
            write: operations.is_none_or(|operations| operations.write),
            execute: operations.is_some_and(|operations| operations.execute),
            observed: target.observed(&path),
            cell: Cell::new(target, path, readings),
        }
    }
}

impl Cell {
    fn new(target: &Target, path: Path, readings: &[&StoredReading]) -> Self {
        let model = target.resource(&path);
        let value = |reading: &&StoredReading| CellValue {
            key: reading.reading.path.resource_instance().map(|id| id.0),
            shown: Shown::new(&reading.reading.value, Shown::SHORT),
        };
        Self {
            anchor: anchor("v", &path),
            values: readings.iter().take(Self::VALUES).map(value).collect(),
            unit: model.map(|model| model.units.clone()).unwrap_or_default(),
            at: readings.iter().map(|reading| reading.at()).max().map(|at| Moment::new(at, target.now)),
            executable: model.is_some_and(|model| model.operations.execute),
        }
    }

    /// How many resource instances a cell shows.
    const VALUES: usize = 32;

    /// The element's id.
    pub(crate) fn anchor(&self) -> &str {
        &self.anchor
    }

    /// The cell of one resource that has just changed.
    pub(crate) fn of(target: &Target, resource: Path) -> Self {
        let readings = by_resource(&target.detail.readings);
        let readings = readings.get(&resource).map_or(&[][..], Vec::as_slice);
        Self::new(target, resource, readings)
    }
}

/// Readings by the resource they belong to.
pub(crate) type ByResource<'a> = BTreeMap<Path, Vec<&'a StoredReading>>;

pub(crate) fn by_resource(readings: &[StoredReading]) -> ByResource<'_> {
    let mut found = ByResource::new();
    for reading in readings {
        if let Some(resource) = resource_of(&reading.reading.path) {
            found.entry(resource).or_default().push(reading);
        }
    }
    found
}

/// The resource a value belongs to.
pub(crate) fn resource_of(path: &Path) -> Option<Path> {
    match path {
        Path::Resource(..) => Some(*path),
        Path::ResourceInstance(..) => path.parent(),
        _ => None,
    }
}

/// The type of a resource's values, in words.
pub(crate) fn kind(model: &ResourceModel) -> String {
    match model.data_type {
        Some(data_type) if model.multiple => format!("{data_type}, several"),
        Some(data_type) => data_type.to_string(),
        None => "Executable".to_owned(),
    }
}

/// The first sentence or so of a description.
fn short(description: &str) -> String {
    const LONGEST: usize = 140;
    let first = description.lines().next().unwrap_or_default().trim();
    if first.chars().count() <= LONGEST {
        return first.to_owned();
    }
    let cut: String = first.chars().take(LONGEST).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

fn anchor(kind: &str, path: &Path) -> String {
    path.ids().iter().fold(kind.to_owned(), |anchor, id| format!("{anchor}-{id}"))
}

/// Whether the models of a device describe this resource.
pub(crate) fn is_described(target: &Target, resource: &Path) -> bool {
    target.resource(resource).is_some()
}

/// Whether an object is among those the device registered.
pub(crate) fn has_object(target: &Target, object: ObjectId) -> bool {
    target.links.objects.contains_key(&object)
}

// Templates escape what they show, so that one may stand within another.
impl HtmlSafe for Rows {}
impl HtmlSafe for Cell {}
