//! An object while its elements come in, in whatever order.

use std::collections::BTreeMap;

use super::{Fault, MAX_DDF_RESOURCES};
use crate::{
    DataType, ObjectId, ResourceId, Version,
    registry::{ObjectModel, Operations, ResourceModel},
};

#[derive(Default)]
pub(super) struct ObjectDraft {
    id: Option<u16>,
    name: String,
    urn: String,
    descriptions: [String; 2],
    version: Option<Version>,
    lwm2m_version: Option<Version>,
    multiple: bool,
    mandatory: bool,
    resources: BTreeMap<ResourceId, ResourceModel>,
    item: Option<ResourceModel>,
}

/// An element whose text is read.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Name,
    Description1,
    Description2,
    ObjectId,
    ObjectUrn,
    ObjectVersion,
    Lwm2mVersion,
    MultipleInstances,
    Mandatory,
    Operations,
    Type,
    RangeEnumeration,
    Units,
    Description,
}

impl Field {
    pub(super) fn of_object(element: &str) -> Option<Self> {
        Some(match element {
            "Name" => Self::Name,
            "Description1" => Self::Description1,
            "Description2" => Self::Description2,
            "ObjectID" => Self::ObjectId,
            "ObjectURN" => Self::ObjectUrn,
            "ObjectVersion" => Self::ObjectVersion,
            "LWM2MVersion" => Self::Lwm2mVersion,
            "MultipleInstances" => Self::MultipleInstances,
            "Mandatory" => Self::Mandatory,
            _ => return None,
        })
    }

    pub(super) fn of_item(element: &str) -> Option<Self> {
        Some(match element {
            "Name" => Self::Name,
            "Operations" => Self::Operations,
            "MultipleInstances" => Self::MultipleInstances,
            "Mandatory" => Self::Mandatory,
            "Type" => Self::Type,
            "RangeEnumeration" => Self::RangeEnumeration,
            "Units" => Self::Units,
            "Description" => Self::Description,
            _ => return None,
        })
    }
}

impl ObjectDraft {
    pub(super) fn set(&mut self, field: Field, text: &str) -> Result<(), Fault> {
        match field {
            Field::Name => self.name = one_line(text),
            Field::Description1 => self.descriptions[0] = paragraph(text),
            Field::Description2 => self.descriptions[1] = paragraph(text),
            Field::ObjectId => self.id = Some(id("ObjectID", text)?),
            Field::ObjectUrn => self.urn = one_line(text),
            Field::ObjectVersion => self.version = version("ObjectVersion", text)?,
            Field::Lwm2mVersion => self.lwm2m_version = version("LWM2MVersion", text)?,
            Field::MultipleInstances => self.multiple = multiple(text)?,
            Field::Mandatory => self.mandatory = mandatory(text)?,
            Field::Operations | Field::Type | Field::RangeEnumeration | Field::Units | Field::Description => {
            }
        }
        Ok(())
    }

    pub(super) fn open_item(&mut self, id_text: Option<&str>) -> Result<(), Fault> {
        let id = ResourceId(id("Item ID", id_text.ok_or(Fault::Missing { element: "Item ID" })?)?);
        if self.resources.len() >= MAX_DDF_RESOURCES {
            return Err(Fault::TooManyResources);
        }
        self.item = Some(ResourceModel {
            id,
            name: String::new(),
            operations: Operations::default(),
            multiple: false,
            mandatory: false,
            data_type: None,
            range: String::new(),
            units: String::new(),
            description: String::new(),
        });
        if self.resources.contains_key(&id) {
            return Err(Fault::RepeatedResource);
        }
        Ok(())
    }

    pub(super) fn set_of_item(&mut self, field: Field, text: &str) -> Result<(), Fault> {
        let Some(item) = &mut self.item else { return Ok(()) };
        match field {
            Field::Name => item.name = one_line(text),
            Field::Operations => item.operations = operations(text)?,
            Field::MultipleInstances => item.multiple = multiple(text)?,
            Field::Mandatory => item.mandatory = mandatory(text)?,
            Field::Type => item.data_type = data_type(text)?,
            Field::RangeEnumeration => item.range = one_line(text),
            Field::Units => item.units = one_line(text),
            Field::Description => item.description = paragraph(text),
            Field::Description1
            | Field::Description2
            | Field::ObjectId
            | Field::ObjectUrn
            | Field::ObjectVersion
            | Field::Lwm2mVersion => {}
        }
        Ok(())
    }

    pub(super) fn close_item(&mut self) -> Result<(), Fault> {
        let Some(item) = self.item.take() else { return Ok(()) };
        if item.name.is_empty() {
            self.item = Some(item);
            return Err(Fault::Missing { element: "Name" });
        }
        self.resources.insert(item.id, item);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<ObjectModel, Fault> {
        let id = self.id.ok_or(Fault::Missing { element: "ObjectID" })?;
        if self.name.is_empty() {
            return Err(Fault::Missing { element: "Name" });
        }
        let descriptions: Vec<_> = self.descriptions.into_iter().filter(|text| !text.is_empty()).collect();
        Ok(ObjectModel {
            id: ObjectId(id),
            version: self.version.unwrap_or(Version::V1_0),
            lwm2m_version: self.lwm2m_version.unwrap_or(Version::V1_0),
            name: self.name,
            urn: self.urn,
            description: descriptions.join("\n\n"),
            multiple: self.multiple,
            mandatory: self.mandatory,
            resources: self.resources,
        })
    }

    pub(super) fn id(&self) -> Option<u16> {
        self.id
    }

    pub(super) fn open_resource(&self) -> Option<u16> {
        self.item.as_ref().map(|item| item.id.0)
    }
}

fn id(element: &'static str, text: &str) -> Result<u16, Fault> {
    let text = text.trim();
    // 65535 is reserved at every level (MAX_ID, LwM2M Core 1.1.1 §7.2).
    match text.parse() {
        Ok(id) if id != u16::MAX && text.bytes().all(|b| b.is_ascii_digit()) => Ok(id),
        _ => Err(invalid(element, text, "a number from 0 to 65534")),
    }
}

fn version(element: &'static str, text: &str) -> Result<Option<Version>, Fault> {
    match text.trim() {
        "" => Ok(None),
        text => {
            text.parse().map(Some).map_err(|_| invalid(element, text, "a version such as 1.1, or nothing"))
        }
    }
}

fn multiple(text: &str) -> Result<bool, Fault> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("Multiple") => Ok(true),
        text if text.is_empty() || text.eq_ignore_ascii_case("Single") => Ok(false),
        text => Err(invalid("MultipleInstances", text, "Single or Multiple")),
    }
}

fn mandatory(text: &str) -> Result<bool, Fault> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("Mandatory") => Ok(true),
        text if text.is_empty() || text.eq_ignore_ascii_case("Optional") => Ok(false),
        text => Err(invalid("Mandatory", text, "Mandatory or Optional")),
    }
}

fn operations(text: &str) -> Result<Operations, Fault> {
    let mut operations = Operations::default();
    for letter in text.trim().chars() {
        match letter.to_ascii_uppercase() {
            'R' => operations.read = true,
            'W' => operations.write = true,
            'E' => operations.execute = true,
            _ => return Err(invalid("Operations", text, "letters of R, W and E, or nothing")),
        }
    }
    Ok(operations)
}

fn data_type(text: &str) -> Result<Option<DataType>, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let named = DataType::ALL.into_iter().find(|data_type| data_type.name().eq_ignore_ascii_case(text));
    named.map(Some).ok_or_else(|| invalid("Type", text, "one of the data types of LwM2M, or nothing"))
}

fn invalid(element: &'static str, found: &str, expected: &'static str) -> Fault {
    Fault::Invalid { element, found: found.to_owned(), expected }
}

/// Names, ranges and units are one line, however the file breaks them.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Descriptions keep their lines, without the blanks at the ends.
fn paragraph(text: &str) -> String {
    text.trim().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
