//! What happens around the updates: people, devices, and what comes of each.

use std::{collections::BTreeSet, time::Duration};

use device::{Event, FirmwareState, Profile, TestImage};
use fleet::{
    ArtefactKind, ClassId, DeviceId, Fleet, FleetError, NewArtefact, NewUpdate, Sends, UpdatePolicy,
    store::{PageRequest, UpdateQuery},
    update::UpdateTerms,
};
use objects::Version;
use rand::RngExt;

use super::{Account, Behaviour, Field, Report, VERSION};
use crate::yard::{Play, Yard};

/// It is over then, whatever has not ended.
const LIMIT: Duration = Duration::from_secs(4 * 3_600);
/// Within which the devices come.
const COME_WITHIN: Duration = Duration::from_secs(60);

/// Plays it, until every update has ended.
pub(super) fn play(field: &Field) -> Report {
    let mut yard = Yard::new(field.seed, field.kills.clone());
    for number in 0..field.devices {
        let mut profile = Profile::sensor(&format!("field-{number}"), Version::V1_1);
        profile.lifetime = 300;
        profile.retry = Duration::from_secs(yard.random.random_range(2..20));
        profile.boot_time = Duration::from_millis(yard.random.random_range(500..5_000));
        Behaviour::of(number).equip(&mut profile, field.image);
        yard.add(profile, field.loss);
    }
    let mut updates = Updates { field: field.clone(), touched: BTreeSet::new() };
    yard.live_through(&mut updates);
    let accounts = (0..field.devices).map(|device| updates.account(&yard, device)).collect();
    let violation = yard.bench.violation().map(|violation| violation.text);
    Report { accounts, lives: yard.lives, lasted: yard.now(), violation }
}

struct Updates {
    field: Field,
    /// Whom a byte of a package has reached.
    touched: BTreeSet<usize>,
}

impl Play for Updates {
    const LOOK_EVERY: Duration = Duration::from_secs(10);

    /// Somebody adds all devices, uploads an image and asks for all updates, before any of them has come. Then a class is not
    /// to have it any more.
    async fn set_up(&mut self, yard: &mut Yard, fleet: &Fleet) -> Result<(), FleetError> {
        let context = yard.context();
        let forbidden = fleet.add_class(&context, "forbidden").await?.id;
        let takes = |class, unsigned| UpdatePolicy { unsigned, ..UpdatePolicy::new(class) };
        let mut images = Vec::new();
        for class in [ClassId::DEFAULT, forbidden] {
            fleet.set_update_policy(&context, takes(class, true)).await?;
            let mut upload = fleet.begin_upload(&context).await?;
            upload.append(&TestImage::bytes(VERSION, self.field.image)).await?;
            let new = NewArtefact {
                name: "field".to_owned(),
                kind: Some(ArtefactKind::Firmware),
                version: Some(VERSION.to_owned()),
                class,
                not_after: None,
                signed: None,
                sends: Sends::Image,
            };
            images.push((class, fleet.add_artefact(&context, new, Some(upload), None).await?.id, Vec::new()));
        }
        for device in 0..self.field.devices {
            let of = usize::from(Behaviour::of(device) == Behaviour::Forbidden);
            let added = yard.enrol(fleet, device, images[of].0).await?;
            images[of].2.push(added);
        }
        for (_, artefact, devices) in &images {
            let new = NewUpdate { artefact: *artefact, instance: None, terms: terms(), ticket: None };
            for begun in fleet.begin_updates(&yard.context(), &new, devices).await? {
                begun.update?;
            }
        }
        fleet.set_update_policy(&yard.context(), takes(forbidden, false)).await?;
        for device in (0..self.field.devices).filter(|device| Behaviour::of(*device).comes()) {
            yard.start_within(device, COME_WITHIN);
        }
        Ok(())
    }

    fn told(&mut self, _: &mut Yard, device: usize, event: &Event) {
        if matches!(event, Event::Firmware { state, .. } if *state != FirmwareState::Idle) {
            self.touched.insert(device);
        }
    }

    async fn look(&mut self, yard: &mut Yard, _: &Fleet) -> Result<bool, FleetError> {
        let counts = yard.store.durable(|store| store.update_counts(None)).unwrap_or_default();
        let ended: u64 = counts.iter().filter(|(phase, _)| phase.is_final()).map(|(_, count)| count).sum();
        Ok(yard.now() >= LIMIT || ended == self.field.devices as u64)
    }
}

impl Updates {
    fn account(&self, yard: &Yard, device: usize) -> Account {
        let resident = &yard.devices()[device];
        let endpoint = &resident.endpoint;
        let row = yard.store.durable(|store| store.device_by_endpoint(endpoint)).ok().flatten();
        let row: DeviceId = row.expect("every device was added").device.id;
        let page = PageRequest { after: None, limit: 10 };
        let query = UpdateQuery { device: Some(row), ..UpdateQuery::all(page) };
        let updates = yard.store.durable(|store| store.updates(&query)).map(|page| page.rows);
        let updates = updates.unwrap_or_default();
        let [update] = &updates[..] else { panic!("{endpoint} has {} updates", updates.len()) };
        let firmware = resident.node.device.firmware();
        Account {
            behaviour: Behaviour::of(device),
            phase: update.phase,
            detail: update.detail.clone(),
            notes: update.notes.iter().map(|note| note.text.clone()).collect(),
            installs: firmware.map_or(0, |firmware| firmware.installs),
            runs: firmware.map_or_else(|| "1.0".to_owned(), |firmware| firmware.version.to_owned()),
            touched: self.touched.contains(&device) || firmware.is_some_and(|firmware| firmware.received > 0),
        }
    }
}

fn terms() -> UpdateTerms {
    UpdateTerms {
        quiet: Duration::from_secs(120),
        download_within: Duration::from_secs(600),
        install_within: Duration::from_secs(300),
        defer_up_to: Some(Duration::from_secs(600)),
        give_up_after: Duration::from_secs(2 * 3_600),
        ..UpdateTerms::default()
    }
}
