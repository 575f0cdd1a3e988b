//! Wishes and what came of them as rows.

use fleet::{
    ClassId, DeviceId, RegistrationId, StoreError, Target, Timestamp,
    wish::{Kept, NoComposites, Owned, Trouble, Wishes, Written},
};
use objects::{Attributes, Path};

use super::{OrCorrupt as _, path, path_bytes, target, target_bytes, text, text_column};
use crate::store::entity::{class_wish, device_wish, no_composite};

pub(in crate::store) fn wishes_row(class: ClassId, wishes: &Wishes) -> class_wish::Model {
    class_wish::Model { class_id: class.0, lines: wishes.to_string() }
}

pub(in crate::store) fn wishes(row: class_wish::Model) -> Result<(ClassId, Wishes), StoreError> {
    Ok((ClassId(row.class_id), Wishes::parse(&row.lines).or_corrupt("class wish")?))
}

pub(in crate::store) fn written_row(device: DeviceId, path: Path, written: &Written) -> device_wish::Model {
    let Written { attributes, registration, trouble } = written;
    let row = kept_row(device, *registration, trouble.as_ref());
    device_wish::Model { path: path_bytes(path), attributes: attributes.to_queries().join("&"), ..row }
}

pub(in crate::store) fn owned_row(device: DeviceId, target: &Target, owned: &Owned) -> device_wish::Model {
    let row = kept_row(device, owned.registration, owned.trouble.as_ref());
    device_wish::Model { observes: 1, path: target_bytes(target), ..row }
}

fn kept_row(
    device: DeviceId,
    registration: Option<RegistrationId>,
    trouble: Option<&Trouble>,
) -> device_wish::Model {
    device_wish::Model {
        device_id: device.0,
        observes: 0,
        path: Vec::new(),
        attributes: String::new(),
        location: registration.map(|id| id.0.cast_signed()),
        failed: trouble.map_or(0, |trouble| trouble.times.into()),
        failed_at: trouble.map_or(0, |trouble| trouble.at.0),
        reason: trouble.map_or_else(String::new, |trouble| text_column(&trouble.reason)),
    }
}

pub(in crate::store) fn kept(rows: Vec<device_wish::Model>) -> Result<Kept, StoreError> {
    let mut kept = Kept::default();
    for row in rows {
        let registration = row.location.map(|id| RegistrationId(id.cast_unsigned()));
        let times = u32::try_from(row.failed).or_corrupt("device wish")?;
        let trouble =
            (times > 0).then(|| Trouble { times, at: Timestamp(row.failed_at), reason: text(&row.reason) });
        if row.observes != 0 {
            let target = target(&row.path).or_corrupt("device wish")?;
            kept.owned.insert(target, Owned { registration, trouble });
        } else {
            let queries = row.attributes.split('&').filter(|query| !query.is_empty());
            let (attributes, _) = Attributes::parse_queries(queries).or_corrupt("device wish")?;
            let path = path(&row.path).or_corrupt("device wish")?;
            kept.written.insert(path, Written { attributes, registration, trouble });
        }
    }
    Ok(kept)
}

pub(in crate::store) fn no_composites_row(device: DeviceId, known: &NoComposites) -> no_composite::Model {
    no_composite::Model {
        device_id: device.0,
        at: known.at.0,
        lwm2m: known.lwm2m.to_string(),
        reason: text_column(&known.reason),
    }
}

pub(in crate::store) fn no_composites(row: no_composite::Model) -> Result<NoComposites, StoreError> {
    Ok(NoComposites {
        at: Timestamp(row.at),
        lwm2m: row.lwm2m.parse().or_corrupt("composite memory")?,
        reason: text(&row.reason),
    })
}
