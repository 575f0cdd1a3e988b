//! What the engine asks of a device, what became of it, and what is known of the device.

use std::{collections::BTreeMap, sync::Arc};

use objects::Path;

use super::{WAITS, lock};
use crate::{
    Change, DeviceId, DeviceState, Failure, Fleet, FleetError, OperationId, OperationState, Order, Outcome,
    Presence, Priority, StoreError, Taken, Timestamp,
    configuration::{
        AccountTerms, Asked, Asking, ConfigurationChange, Configured, Desired, Known, Listening, Request,
        Seen, Want, Writer, overwritten, who_wrote,
    },
    store::{Candidate, PageRequest},
};

/// How many operations of a device are looked at for who has written.
const LOOKS_BACK: usize = 50;

impl Fleet {
    /// Asks something of a device. What came of it is in the store; only what was never taken on is given back.
    pub(super) async fn ask_configured(
        &self,
        row: Configured,
        request: Request,
        candidate: Candidate,
        now: &(impl Fn() -> Timestamp + Send + Sync),
    ) -> Result<Option<(Asking, Asked)>, FleetError> {
        let Request { ask, lines, operation } = request;
        let context = self.configurator(now());
        let device = row.device;
        let asked_for = lines.clone();
        let also = move |operation| {
            let asking = Some(Asking { operation, ask, lines });
            let row = Configured { asking, ..row };
            vec![Change::Configuration(ConfigurationChange::Saved(Box::new(row)))]
        };
        let begun = self.begin_for(&context, candidate.view, operation, WAITS, Box::new(also)).await;
        let not_taken = |asked: Asked| {
            let operation = OperationId::new(context.now, [0; 10]);
            Ok(Some((Asking { operation, ask, lines: asked_for.clone() }, asked)))
        };
        let begun = match begun {
            Ok(begun) => begun,
            Err(error @ FleetError::Store(_)) => return Err(error),
            Err(error @ FleetError::BadOperation(_)) => return not_taken(Asked::Refused(error.to_string())),
            Err(_) => return not_taken(Asked::Away),
        };
        lock(&self.configuring.agenda).waits_for(device, Some(begun.id()));
        match self.carry_out(&context, begun).await {
            Ok(_) | Err(FleetError::NotRegistered | FleetError::QueueFull) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes what is not shown, by an operation of which no row is kept.
    pub(super) async fn write_secret(
        &self,
        device: DeviceId,
        request: Request,
        now: Timestamp,
    ) -> Result<(Asking, Asked), FleetError> {
        let context = self.configurator(now);
        let Request { ask, lines, operation } = request;
        let id = self.operation_id(&context);
        let asking = Asking { operation: id, ask, lines };
        let order = Order {
            id,
            device,
            operation,
            request: context.request,
            stored: false,
            expires_at: now.after(WAITS),
            priority: Priority::Background,
        };
        let asked = match self.downlink.send(order).await {
            Taken::Ended { outcome: Outcome::Success { .. } | Outcome::Local, .. } => Asked::Done,
            Taken::Ended { outcome: Outcome::Failed(Failure::Cancelled | Failure::Expired), .. } => {
                Asked::Away
            }
            Taken::Ended { outcome, .. } => Asked::failed(outcome.result()),
            Taken::Stopping => return Err(StoreError::Unavailable.into()),
            Taken::Queued | Taken::Asleep | Taken::NotRegistered | Taken::QueueFull => Asked::Away,
        };
        Ok((asking, asked))
    }

    pub(super) async fn what_became_of(&self, row: &Configured) -> Result<Option<Asked>, FleetError> {
        let Some(asking) = &row.asking else { return Ok(None) };
        let Some(record) = self.store.operation(asking.operation).await? else { return Ok(None) };
        Ok(Some(match record.state {
            OperationState::Queued | OperationState::Sent => Asked::UnderWay,
            OperationState::Done => Asked::Done,
            // The end of a registration takes what waited along; a person who cancels it is asked no more.
            // What somebody else has asked since is looked at as what the device has.
            OperationState::Cancelled | OperationState::Expired | OperationState::Superseded => {
                return Ok(None);
            }
            _ => Asked::failed(record.result.unwrap_or_default()),
        }))
    }

    pub(super) async fn seen_for_configuration(
        &self,
        candidate: &Candidate,
        desired: &Desired,
        (row, asked): (&Configured, Option<Asked>),
        was_written: bool,
    ) -> Result<Seen, FleetError> {
        let view = &candidate.view;
        let values: BTreeMap<Path, Known> = candidate
            .values
            .iter()
            .map(|stored| {
                let known = Known { value: stored.reading.value.clone(), at: stored.received_at };
                (stored.reading.path, known)
            })
            .collect();
        let live = view.registration.as_ref().filter(|_| view.state == DeviceState::Registered);
        let registered = match live {
            Some(registration) => {
                let registry = self.registry();
                let is_blind = |path: &Path| {
                    let version = |object| registration.links.version_of(object, registration.lwm2m);
                    let models = objects::Models { registry: &registry, versions: &version };
                    models.resource_at(path).is_some_and(|model| !model.operations.read)
                };
                let blind = desired.lines.keys().map(|key| key.path).filter(is_blind).collect();
                Some(Listening {
                    id: registration.id,
                    lwm2m: registration.lwm2m,
                    terms: AccountTerms::of(registration),
                    composites: self.answers_composites(registration).await?,
                    awake: self.downlink.presence(view.device.id).await == Presence::Awake,
                    links: Arc::clone(&registration.links),
                    blind,
                })
            }
            None => None,
        };
        let mut writers = BTreeMap::new();
        let wrong: Vec<(Path, &Known)> = desired
            .lines
            .values()
            .filter_map(|wanted| match &wanted.line.want {
                Want::Value(value) => {
                    let known = values.get(&wanted.line.path)?;
                    (known.value != *value).then_some((wanted.line.path, known))
                }
                Want::Secret(_) | Want::Attributes(_) => None,
            })
            .collect();
        let mut others = BTreeMap::new();
        if was_written || !wrong.is_empty() {
            let page = self.store.operations(view.device.id, &PageRequest::first(LOOKS_BACK)).await?;
            if was_written {
                others = overwritten(desired, &page.rows);
            }
            writers.extend(wrong.into_iter().filter_map(|(path, known)| {
                match who_wrote(path, &known.value, &page.rows) {
                    Writer::Operation { operation, who } => {
                        Some((path, Writer::Operation { operation, who }))
                    }
                    // Whether it was so before is known by the row.
                    _ => None,
                }
            }));
        }
        let wished = if row.has_to_take_back() {
            let kept = self.store.kept_wishes(view.device.id).await?.written;
            kept.into_iter().map(|(path, written)| (path, written.attributes)).collect()
        } else {
            BTreeMap::new()
        };
        Ok(Seen { registered, values, writers, overwritten: others, wished, asked })
    }
}
