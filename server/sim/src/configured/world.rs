//! What happens around the baselines: people who say what is wanted, and others who change devices.

use std::{collections::BTreeMap, time::Duration};

use device::{Event, Profile};
use fleet::{
    ClassId, Fleet, FleetError, PublicId,
    configuration::{ConfiguredState, Draft, Effect, LevelName, Line, Mode, Want},
    store::PageRequest,
};
use objects::{Path, Value, Version};
use rand::RngExt;

use super::{Account, Configured, Fate, Report, fate};
use crate::yard::{Play, Yard};

/// Within which the devices come.
const COME_WITHIN: Duration = Duration::from_secs(240);
/// Within which somebody changes values.
const CHANGE_WITHIN: Duration = Duration::from_secs(600);
/// How long after it was put right the value of a device is changed again that does not stay as it is to be.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often devices are looked at.
const CHECK_EVERY: Duration = Duration::from_secs(600);
/// It is over then.
const LIMIT: Duration = Duration::from_secs(24 * 3_600);
const CLASS: &str = "other";
const PAGE: usize = 200;

/// Plays it to its end.
pub(super) fn play(configured: &Configured) -> Report {
    let mut yard = Yard::new(configured.seed, configured.kills.clone());
    for number in 0..configured.devices {
        let mut profile = Profile::sensor(&format!("configured-{number}"), Version::V1_1);
        profile.retry = Duration::from_secs(yard.random.random_range(2..20));
        Fate::equip(number, &mut profile);
        yard.add(profile, configured.loss);
    }
    let devices = configured.devices;
    let mut world = World {
        ids: Vec::new(),
        foreseen: vec![BTreeMap::new(); devices],
        then: Vec::new(),
        change_at: vec![None; devices],
        stage: Stage::Reporting,
    };
    yard.live_through(&mut world);
    let accounts = (0..devices).map(|device| world.account(&yard, device)).collect();
    let violation = yard.bench.violation().map(|violation| violation.text);
    Report { accounts, lives: yard.lives, lasted: yard.now(), violation }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// What is wanted is said, and nothing is written.
    Reporting,
    /// It is written.
    Repairing,
    /// Somebody changes values.
    Changing,
}

struct World {
    ids: Vec<PublicId>,
    /// What the dry runs have said would be written, by device.
    foreseen: Vec<BTreeMap<Path, String>>,
    /// What devices had when all was written.
    then: Vec<BTreeMap<Path, i64>>,
    /// When somebody changes a value of a device.
    change_at: Vec<Option<Duration>>,
    stage: Stage,
}

impl Play for World {
    const LOOK_EVERY: Duration = Duration::from_secs(20);

    async fn set_up(&mut self, yard: &mut Yard, fleet: &Fleet) -> Result<(), FleetError> {
        let class = fleet.add_class(&yard.context(), CLASS).await?.id;
        for device in 0..self.foreseen.len() {
            let class = if fate::is_of_class(device) { class } else { ClassId::DEFAULT };
            self.ids.push(yard.enrol(fleet, device, class).await?);
        }
        for (level, values) in self.levels() {
            fleet.set_baseline(&yard.context(), &level, draft(values, Mode::Report), None).await?;
        }
        for device in 0..self.foreseen.len() {
            yard.start_within(device, COME_WITHIN);
        }
        Ok(())
    }

    fn told(&mut self, yard: &mut Yard, device: usize, event: &Event) {
        let is_again = self.stage == Stage::Changing && Fate::of(device) == Fate::Flaps;
        if is_again && matches!(event, Event::Written { .. }) {
            self.change_at[device] = Some(yard.now() + AGAIN_AFTER);
        }
    }

    async fn look(&mut self, yard: &mut Yard, fleet: &Fleet) -> Result<bool, FleetError> {
        if yard.now() >= LIMIT {
            let counts = counts(yard);
            yard.bench.violate("configured", format!("{:?} is not over in time: {counts:?}", self.stage));
            return Ok(true);
        }
        self.change(yard);
        let devices = 0..self.foreseen.len();
        let of = |fate| devices.clone().filter(|device| Fate::of(*device) == fate).count() as u64;
        let all = devices.len() as u64;
        let counts = counts(yard);
        let are = |state| counts.get(&state).copied().unwrap_or_default();
        let refused = are(ConfiguredState::Refused) == of(Fate::Refuses);
        match self.stage {
            Stage::Reporting if are(ConfiguredState::Drifted) == all => {
                self.put_to_work(yard, fleet).await?;
                self.stage = Stage::Repairing;
            }
            Stage::Repairing if refused && are(ConfiguredState::InLine) == all - of(Fate::Refuses) => {
                self.then = devices.clone().map(|device| has(yard, device)).collect();
                for device in devices {
                    if matches!(Fate::of(device), Fate::Changed | Fate::Flaps) {
                        let after = CHANGE_WITHIN.mul_f64(yard.random.random());
                        self.change_at[device] = Some(yard.now() + after);
                    }
                }
                self.stage = Stage::Changing;
            }
            Stage::Changing => {
                let flapping = of(Fate::Flaps);
                let is_so = refused
                    && are(ConfiguredState::Flapping) == flapping
                    && are(ConfiguredState::InLine) == all - of(Fate::Refuses) - flapping;
                let changed = |device: &usize| Fate::of(*device) == Fate::Changed;
                let is_found = |device| !self.account(yard, device).findings.is_empty();
                return Ok(is_so
                    && self.change_at.iter().all(Option::is_none)
                    && devices.clone().filter(changed).all(is_found));
            }
            _ => {}
        }
        Ok(false)
    }
}

impl World {
    fn levels(&self) -> Vec<(LevelName, &'static [(Path, i64)])> {
        let own = (0..self.ids.len()).filter(|device| fate::has_its_own(*device));
        let own = own.map(|device| (LevelName::Device(self.ids[device]), &fate::OF_DEVICE[..]));
        let class = (LevelName::Class(CLASS.to_owned()), &fate::OF_CLASS[..]);
        [(LevelName::Fleet, &fate::OF_FLEET[..]), class].into_iter().chain(own).collect()
    }

    /// Says by dry runs what would be written, and then lets it be written.
    async fn put_to_work(&mut self, yard: &Yard, fleet: &Fleet) -> Result<(), FleetError> {
        let numbers: BTreeMap<PublicId, usize> =
            self.ids.iter().enumerate().map(|(number, id)| (*id, number)).collect();
        let levels = self.levels();
        for (level, values) in &levels {
            let mut after = None;
            loop {
                let page = PageRequest { after, limit: PAGE };
                let run = fleet.dry_run(&yard.context(), level, draft(values, Mode::Repair), &page).await?;
                for device in run.devices {
                    let written = device.differences.into_iter().filter(|one| one.effect == Effect::Write);
                    let written = written.filter_map(|one| Some((one.key.path, one.wanted?)));
                    self.foreseen[numbers[&device.device.public_id]].extend(written);
                }
                after = run.next;
                if after.is_none() {
                    break;
                }
            }
        }
        for (level, values) in levels {
            fleet.set_baseline(&yard.context(), &level, draft(values, Mode::Repair), None).await?;
        }
        Ok(())
    }

    /// Somebody changes values at devices.
    fn change(&mut self, yard: &mut Yard) {
        let now = yard.now();
        for device in 0..self.change_at.len() {
            if self.change_at[device].take_if(|at| *at <= now).is_some() {
                let other = Value::Integer(fate::OTHER);
                let changed = yard.call(self, device, |device, now| device.set(now, fate::CHANGED, other));
                changed.expect("it is an integer");
            }
        }
    }

    fn account(&self, yard: &Yard, device: usize) -> Account {
        let endpoint = &yard.devices()[device].endpoint;
        let view = yard.store.durable(|store| store.device_by_endpoint(endpoint)).ok().flatten();
        let id = view.expect("every device was added").device.id;
        let row = yard.store.durable(|store| store.configured(id)).ok().flatten();
        let mut findings = BTreeMap::new();
        for finding in row.iter().flat_map(|row| &row.findings) {
            *findings.entry(finding.key.path).or_default() += 1;
        }
        Account {
            number: device,
            fate: Fate::of(device),
            state: row.as_ref().map_or(ConfiguredState::Waiting, |row| row.state),
            detail: row.map_or_else(|| "nothing is wanted of it".to_owned(), |row| row.detail),
            foreseen: self.foreseen[device].clone(),
            then: self.then.get(device).cloned().unwrap_or_default(),
            has: has(yard, device),
            findings,
        }
    }
}

/// How many devices stand where.
fn counts(yard: &Yard) -> BTreeMap<ConfiguredState, u64> {
    yard.store.durable(|store| store.configuration_counts()).unwrap_or_default()
}

/// What a device has, whatever it says.
fn has(yard: &Yard, device: usize) -> BTreeMap<Path, i64> {
    let objects = yard.devices()[device].node.device.objects();
    let number = |path: &Path| match objects.get(path) {
        Some(Value::Integer(number)) => *number,
        other => panic!("{path} is {other:?}"),
    };
    [fate::CHANGED, fate::REFUSED].into_iter().map(|path| (path, number(&path))).collect()
}

fn draft(values: &[(Path, i64)], mode: Mode) -> Draft {
    let line = |(path, value): &(Path, i64)| Line { path: *path, want: Want::Value(Value::Integer(*value)) };
    Draft { lines: values.iter().map(line).collect(), mode, check_every: CHECK_EVERY, ..Draft::default() }
}
