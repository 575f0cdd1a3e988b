//! Groups and labels as rows.

use fleet::{
    ClassId, ClassRule, DeviceId, DomainId, Group, GroupId, Label, Labels, PublicId, StoreError, Timestamp,
};

use objects::ObjectId;

use super::{OrCorrupt as _, text, text_column, uuid};
use crate::store::entity::{class_rule, device_group, device_label};

/// A new group has nobody in it.
pub(in crate::store) fn group_row(group: &Group) -> device_group::Model {
    device_group::Model {
        id: group.id.0,
        public_id: group.public_id.0.as_bytes().to_vec(),
        domain_id: DomainId::ROOT.0,
        name: text_column(&group.name),
        rule: text_column(&group.rule),
        rank: group.rank.into(),
        description: text_column(&group.description),
        members: 0,
        created_by: text_column(&group.created_by),
        created_at: group.created_at.0,
    }
}

pub(in crate::store) fn group(row: device_group::Model) -> Result<Group, StoreError> {
    Ok(Group {
        id: GroupId(row.id),
        public_id: PublicId(uuid(&row.public_id).or_corrupt("group")?),
        name: text(&row.name),
        rule: text(&row.rule),
        rank: row.rank.try_into().or_corrupt("group")?,
        description: text(&row.description),
        created_by: text(&row.created_by),
        created_at: Timestamp(row.created_at),
    })
}

pub(in crate::store) fn label_rows(
    device: DeviceId,
    endpoint: &str,
    labels: &Labels,
) -> Vec<device_label::Model> {
    let row = |(key, value): (&str, &str)| device_label::Model {
        device_id: device.0,
        key: key.to_owned(),
        value: value.to_owned(),
        endpoint: endpoint.to_owned(),
    };
    labels.iter().map(row).collect()
}

pub(in crate::store) fn labels(
    rows: impl IntoIterator<Item = device_label::Model>,
) -> Result<Labels, StoreError> {
    let mut labels = Labels::default();
    for device_label::Model { key, value, .. } in rows {
        labels.set(Label { key, value }).or_corrupt("label")?;
    }
    Ok(labels)
}

pub(in crate::store) fn class_rule_row(class: ClassId, rule: &ClassRule) -> class_rule::Model {
    let objects: Vec<u16> = rule.objects.iter().map(|object| object.0).collect();
    class_rule::Model {
        class_id: class.0,
        manufacturer: rule.manufacturer.as_deref().map(text_column),
        model: rule.model.as_deref().map(text_column),
        objects: serde_json::to_string(&objects).expect("numbers are always JSON"),
        labels: rule.labels.to_string(),
    }
}

pub(in crate::store) fn class_rule(row: class_rule::Model) -> Result<(ClassId, ClassRule), StoreError> {
    let objects: Vec<u16> = serde_json::from_str(&row.objects).or_corrupt("class rule")?;
    let rule = ClassRule {
        manufacturer: row.manufacturer.as_deref().map(text),
        model: row.model.as_deref().map(text),
        objects: objects.into_iter().map(ObjectId).collect(),
        labels: row.labels.parse().or_corrupt("class rule")?,
    };
    Ok((ClassId(row.class_id), rule))
}
