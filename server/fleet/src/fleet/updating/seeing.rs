//! What is known of a device that is updated, and what became of what it was asked.

use std::time::Duration;

use objects::Value;

use super::super::updates::{MAX_FAILED, RESTS_FOR};
use crate::{
    DeviceId, DeviceState, Fleet, FleetError, OperationState, StoredReading, Timestamp,
    store::DeviceView,
    update::{Asked, DownloadKey, Known, Offered, Registered, Seen, Update, UpdatePhase, UpdateTarget},
};

impl Fleet {
    /// What is known of a device.
    pub(super) async fn seen_of(
        &self,
        update: &Update,
        asked: Option<Asked>,
        view: &DeviceView,
        now: Timestamp,
    ) -> Result<Seen, FleetError> {
        let target = update.target;
        let live = view.registration.as_ref().filter(|_| view.state == DeviceState::Registered);
        let registered = live.map(|registration| Registered {
            id: registration.id,
            at: registration.registered_at,
            has_target: registration.covers(target.instance()),
        });
        let readings = self.store.latest(update.device, target.instance()).await?;
        let device = self.store.latest(update.device, UpdateTarget::DEVICE_VERSION).await?;
        // What is being fetched is looked at as long as there may be something left of it.
        let is_open = matches!(update.phase, UpdatePhase::Waiting | UpdatePhase::Delivering)
            && (!update.delivered || update.download.is_some());
        let cleared = match is_open {
            true => {
                Some(self.clear_artefact(update.artefact, update.device, target.instance_id(), now).await)
            }
            false => None,
        };
        let misfit = match cleared {
            None | Some(Ok(_)) => None,
            Some(Err(FleetError::Misfit(misfit))) => Some(misfit.to_string()),
            Some(Err(error @ FleetError::NotFound(_))) => Some(error.to_string()),
            Some(Err(error)) => return Err(error),
        };
        let rests_until = match update.phase {
            UpdatePhase::Waiting => self.rests_until(update.device, now).await?,
            _ => None,
        };
        let key = DownloadKey(self.random());
        let offered = if is_open { self.offered(view, &key).await? } else { Offered::default() };
        let at = |path| readings.iter().find(|reading| reading.reading.path == path);
        let listed = |path: objects::Path| {
            let below = readings.iter().filter(|reading| reading.reading.path.is_within(&path));
            below.filter_map(integer).map(|known| known.value).collect()
        };
        Ok(Seen {
            registered,
            is_revoked: view.state == DeviceState::Revoked,
            state: at(target.state()).and_then(integer),
            result: at(target.result()).and_then(integer),
            package_version: at(target.version()).and_then(text),
            device_version: device.first().and_then(text),
            protocols: target.protocols().map(listed).unwrap_or_default(),
            delivery: target.delivery().and_then(at).and_then(integer).map(|known| known.value),
            asked,
            misfit,
            rests_until,
            offered,
            download: Some(key.digest()),
        })
    }

    /// Until when a device rests, having failed so often.
    async fn rests_until(&self, device: DeviceId, now: Timestamp) -> Result<Option<Timestamp>, FleetError> {
        let failed = self.store.failed_updates(device, before(now, RESTS_FOR), MAX_FAILED).await?;
        Ok((failed.len() >= MAX_FAILED).then(|| failed[0].after(RESTS_FOR)))
    }

    pub(super) async fn asked(&self, update: &Update) -> Result<Option<Asked>, FleetError> {
        let Some((operation, _)) = update.asking else { return Ok(None) };
        let Some(record) = self.store.operation(operation).await? else { return Ok(None) };
        Ok(Some(match record.state {
            OperationState::Queued | OperationState::Sent => Asked::UnderWay,
            OperationState::Done => Asked::Done,
            _ if record.was_cut_off() => Asked::CutOff,
            // The same was asked by somebody else since; it is asked anew if it is still to be known.
            OperationState::Superseded => return Ok(None),
            _ => Asked::Failed(record.result.unwrap_or_default()),
        }))
    }
}

fn before(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

fn integer(reading: &StoredReading) -> Option<Known<i64>> {
    let value = match reading.reading.value {
        Value::Integer(value) | Value::Time(value) => value,
        Value::Unsigned(value) => i64::try_from(value).ok()?,
        _ => return None,
    };
    Some(Known { value, at: reading.received_at })
}

fn text(reading: &StoredReading) -> Option<Known<String>> {
    let Value::String(value) = &reading.reading.value else { return None };
    Some(Known { value: value.clone(), at: reading.received_at })
}
