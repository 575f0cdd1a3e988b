//! The objects of a registration as JSON. Not as link format: what a device once registered must stay readable whatever
//! becomes of the reader of what devices send.

use objects::{
    InstanceId, ObjectId, Version,
    link::{Link, LinkAttribute, ObjectEntry, ObjectLinks},
};
use serde::{Deserialize, Serialize};

/// The column `links`.
pub(in crate::store) fn column(links: &ObjectLinks) -> String {
    serde_json::to_string(&Stored::from(links)).expect("strings, numbers and lists are always JSON")
}

pub(in crate::store) fn links(column: &str) -> Option<ObjectLinks> {
    serde_json::from_str::<Stored>(column).ok()?.links()
}

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    content_formats: Vec<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<LinkAttribute>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    objects: Vec<StoredObject>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    foreign: Vec<(String, Vec<LinkAttribute>)>,
}

#[derive(Serialize, Deserialize)]
struct StoredObject {
    id: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<LinkAttribute>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instances: Vec<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instance_attributes: Vec<(u16, Vec<LinkAttribute>)>,
}

impl From<&ObjectLinks> for Stored {
    fn from(links: &ObjectLinks) -> Self {
        let object = |(id, entry): (&ObjectId, &ObjectEntry)| StoredObject {
            id: id.0,
            version: entry.version.map(|version| version.to_string()),
            attributes: entry.attributes.clone(),
            instances: entry.instances.iter().map(|instance| instance.0).collect(),
            instance_attributes: entry
                .instance_attributes
                .iter()
                .map(|(id, of)| (id.0, of.clone()))
                .collect(),
        };
        Self {
            root: links.root.clone(),
            content_formats: links.content_formats.clone(),
            attributes: links.attributes.clone(),
            objects: links.objects.iter().map(object).collect(),
            foreign: links
                .foreign
                .iter()
                .map(|link| (link.target.clone(), link.attributes.clone()))
                .collect(),
        }
    }
}

impl Stored {
    fn links(self) -> Option<ObjectLinks> {
        let object = |object: StoredObject| {
            let version = object.version.map(|version| version.parse::<Version>());
            let entry = ObjectEntry {
                version: version.transpose().ok()?,
                attributes: object.attributes,
                instances: object.instances.into_iter().map(InstanceId).collect(),
                instance_attributes: object
                    .instance_attributes
                    .into_iter()
                    .map(|(id, of)| (InstanceId(id), of))
                    .collect(),
            };
            Some((ObjectId(object.id), entry))
        };
        Some(ObjectLinks {
            root: self.root,
            content_formats: self.content_formats,
            attributes: self.attributes,
            objects: self.objects.into_iter().map(object).collect::<Option<_>>()?,
            foreign: self
                .foreign
                .into_iter()
                .map(|(target, attributes)| Link { target, attributes })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_links_come_back_as_they_were() {
        let text = "</lwm2m>;rt=\"oma.lwm2m\";ct=\"60 110\";x,</lwm2m/1>;ver=1.1;title=\"a\\\"b\",</lwm2m/1/0>;obs,\
                    </lwm2m/3/0>,</foreign>;a=\"☃\"";
        for one in [ObjectLinks::parse(text.as_bytes()).unwrap(), ObjectLinks::default()] {
            let text = column(&one);
            assert_eq!(links(&text), Some(one), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_links_is_refused() {
        for text in
            ["", "{]", "</3/0>", r#"{"objects":[{"id":3,"version":"x"}]}"#, r#"{"objects":[{"id":-1}]}"#]
        {
            assert_eq!(links(text), None, "{text}");
        }
    }
}
