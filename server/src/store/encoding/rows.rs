//! Rows of the tables as domain types, and back.

use std::sync::Arc;

use fleet::{
    AuditEntry, AuditRecord, Binding, Cause, ClassId, CredentialId, Delivery, Device, DeviceId, DeviceState,
    DomainId, EndpointName, Lifetime, NodeId, Observation, ObservationToken, OperationId, OperationRecord,
    OperationState, PasswordHash, PublicId, Reading, Registration, RegistrationId, RequestId, Role, Sender,
    Source, StoreError, StoredReading, TimelineEntry, TimelineKind, TimelineRecord, Timestamp, User, UserId,
    Verb, WebSession,
};

use super::{
    OrCorrupt, Word, format, format_column, links, operation, path, source, target, target_bytes, text,
    text_column, uuid, value,
};
use crate::store::entity;

/// In `rested_at` of a device that was never heard.
pub(in crate::store) const NEVER_HEARD: i64 = -1;

pub(in crate::store) fn device_row(device: &Device) -> entity::device::Model {
    entity::device::Model {
        id: device.id.0,
        public_id: device.public_id.0.as_bytes().to_vec(),
        domain_id: device.domain.0,
        class_id: device.class.0,
        endpoint: device.endpoint.as_str().to_owned(),
        created_at: device.created_at.0,
        removed_at: device.removed_at.map(|at| at.0),
        state: if device.removed_at.is_some() { DeviceState::Removed } else { DeviceState::Awaited }
            .word()
            .to_owned(),
        secured: 0,
        rested_at: Some(NEVER_HEARD),
    }
}

pub(in crate::store) fn device(row: entity::device::Model) -> Result<Device, StoreError> {
    Ok(Device {
        id: DeviceId(row.id),
        public_id: PublicId(uuid(&row.public_id).or_corrupt("device")?),
        domain: DomainId(row.domain_id),
        class: ClassId(row.class_id),
        endpoint: EndpointName::new(row.endpoint).or_corrupt("device")?,
        created_at: Timestamp(row.created_at),
        removed_at: row.removed_at.map(Timestamp),
    })
}

/// A registration that lives; its end is in the lease.
pub(in crate::store) fn registration_row(
    registration: &Registration,
    endpoint: String,
) -> entity::registration::Model {
    let Registration { binding, source, .. } = registration;
    entity::registration::Model {
        device_id: registration.device.0,
        location: registration.id.0.cast_signed(),
        endpoint,
        state: DeviceState::Registered.word().to_owned(),
        lwm2m: registration.lwm2m.to_string(),
        lifetime_s: i64::from(registration.lifetime.0),
        transports: text_column(&binding.transports),
        queue_mode: i64::from(binding.queue_mode),
        sms_number: registration.sms_number.as_deref().map(text_column),
        links: links::column(&registration.links),
        extra: serde_json::to_string(&registration.extra).expect("pairs of strings are always JSON"),
        listener: i64::from(source.listener.0),
        address: source.address.to_string(),
        registered_at: registration.registered_at.0,
        updated_at: registration.updated_at.0,
        ended_at: None,
        seen_at: None,
        node_id: registration.node.0,
        epoch: registration.epoch,
        credential_id: registration.credential.map(|credential| credential.0),
    }
}

pub(in crate::store) fn registration(
    row: entity::registration::Model,
    expires_at: Timestamp,
) -> Result<Registration, StoreError> {
    let read = || {
        Some(Registration {
            device: DeviceId(row.device_id),
            id: RegistrationId(row.location.cast_unsigned()),
            lwm2m: row.lwm2m.parse().ok()?,
            lifetime: Lifetime(u32::try_from(row.lifetime_s).ok()?),
            binding: binding(&row.transports, row.queue_mode),
            sms_number: row.sms_number.as_deref().map(text),
            links: Arc::new(links::links(&row.links)?),
            extra: serde_json::from_str(&row.extra).ok()?,
            source: source(row.listener, &row.address)?,
            credential: row.credential_id.map(CredentialId),
            registered_at: Timestamp(row.registered_at),
            updated_at: Timestamp(row.updated_at),
            expires_at,
            node: NodeId(row.node_id),
            epoch: row.epoch,
        })
    };
    read().or_corrupt("registration")
}

pub(in crate::store) fn binding(transports: &str, queue_mode: i64) -> Binding {
    Binding { transports: text(transports), queue_mode: queue_mode != 0 }
}

pub(in crate::store) fn observation_row(observation: &Observation) -> entity::observation::Model {
    entity::observation::Model {
        device_id: observation.device.0,
        path: target_bytes(&observation.target),
        token: observation.token.as_bytes().to_vec(),
        format: format_column(observation.format),
        since: observation.since.0,
        number: observation.number.map(i64::from),
    }
}

pub(in crate::store) fn observation(row: entity::observation::Model) -> Result<Observation, StoreError> {
    Ok(Observation {
        device: DeviceId(row.device_id),
        target: target(&row.path).or_corrupt("observation")?,
        token: ObservationToken::new(&row.token).or_corrupt("observation")?,
        format: format(row.format).or_corrupt("observation")?,
        since: Timestamp(row.since),
        number: row.number.and_then(|number| number.try_into().ok()),
    })
}

pub(in crate::store) fn operation_row(record: &OperationRecord) -> entity::operation::Model {
    entity::operation::Model {
        id: record.id.0.as_bytes().to_vec(),
        device_id: record.device.0,
        operation: operation::column(&record.operation),
        requested_by: text_column(&record.requested_by),
        request: record.request.0.as_bytes().to_vec(),
        state: record.state.word().to_owned(),
        queued_at: record.queued_at.0,
        sent_at: record.sent_at.map(|at| at.0),
        ended_at: record.ended_at.map(|at| at.0),
        expires_at: record.expires_at.0,
        result: record.result.as_deref().map(text_column),
        priority: super::queue::priority_column(record.priority),
        superseded_by: record.superseded_by.map(|id| id.0.as_bytes().to_vec()),
    }
}

pub(in crate::store) fn operation_record(
    row: entity::operation::Model,
) -> Result<OperationRecord, StoreError> {
    let what = "operation";
    Ok(OperationRecord {
        id: OperationId(uuid(&row.id).or_corrupt(what)?),
        device: DeviceId(row.device_id),
        operation: operation::operation(&row.operation).or_corrupt(what)?,
        requested_by: text(&row.requested_by),
        request: RequestId(uuid(&row.request).or_corrupt(what)?),
        state: OperationState::from_word(&row.state).or_corrupt(what)?,
        queued_at: Timestamp(row.queued_at),
        sent_at: row.sent_at.map(Timestamp),
        ended_at: row.ended_at.map(Timestamp),
        expires_at: Timestamp(row.expires_at),
        result: row.result.as_deref().map(text),
        priority: super::queue::priority(row.priority).or_corrupt(what)?,
        superseded_by: row
            .superseded_by
            .map(|bytes| uuid(&bytes).map(OperationId).or_corrupt(what))
            .transpose()?,
    })
}

pub(in crate::store) fn latest(row: entity::value_latest::Model) -> Result<StoredReading, StoreError> {
    reading(&row.path, row.kind, row.value, row.device_time, row.received_at, row.sequence)
}

pub(in crate::store) fn history(row: entity::value_history::Model) -> Result<StoredReading, StoreError> {
    reading(&row.path, row.kind, row.value, row.device_time, row.received_at, row.sequence)
}

fn reading(
    path_bytes: &[u8],
    kind: i64,
    bytes: Vec<u8>,
    device_time: Option<i64>,
    received_at: i64,
    sequence: i64,
) -> Result<StoredReading, StoreError> {
    let path = path(path_bytes).or_corrupt("reading")?;
    let value = value::value(kind, bytes).or_corrupt("reading")?;
    let reading = Reading { path, value, device_time: device_time.map(Timestamp) };
    Ok(StoredReading { reading, received_at: Timestamp(received_at), sequence })
}

/// Of what came in a session, at whatever listener.
const NO_LISTENER: i64 = -1;

pub(in crate::store) fn delivery_row(
    device: DeviceId,
    delivery: &Delivery,
    received_at: Timestamp,
) -> entity::delivery::Model {
    let (listener, address) = match delivery.sender {
        Sender::At(Source { listener, address }) => (i64::from(listener.0), address.to_string()),
        Sender::In(session) => (NO_LISTENER, format!("{:016x}", session.0)),
    };
    entity::delivery::Model {
        device_id: device.0,
        message_id: i64::from(delivery.message_id),
        token: delivery.token.clone(),
        listener,
        address,
        received_at: received_at.0,
        observe: delivery.observe.map(i64::from),
    }
}

pub(in crate::store) fn timeline_row(entry: &TimelineEntry, ordinal: i64) -> entity::timeline::Model {
    entity::timeline::Model {
        device_id: entry.device.0,
        ordinal,
        at: entry.at.0,
        kind: entry.kind.word().to_owned(),
        request: entry.request.map(|request| request.0.as_bytes().to_vec()),
        detail: text_column(&entry.detail),
    }
}

pub(in crate::store) fn timeline(row: entity::timeline::Model) -> Result<TimelineRecord, StoreError> {
    let request = row.request.map(|bytes| uuid(&bytes).map(RequestId).or_corrupt("timeline entry"));
    let entry = TimelineEntry {
        device: DeviceId(row.device_id),
        at: Timestamp(row.at),
        kind: TimelineKind::from_word(&row.kind).or_corrupt("timeline entry")?,
        request: request.transpose()?,
        detail: text(&row.detail),
    };
    Ok(TimelineRecord { sequence: row.ordinal, entry })
}

pub(in crate::store) fn audit_row(entry: &AuditEntry, sequence: i64) -> entity::audit::Model {
    entity::audit::Model {
        sequence,
        domain_id: DomainId::ROOT.0,
        at: entry.at.0,
        actor: text_column(&entry.actor),
        cause: entry.cause.word().to_owned(),
        request: entry.request.0.as_bytes().to_vec(),
        verb: entry.verb.word().to_owned(),
        device_id: entry.device.map(|device| device.0),
        object: text_column(&entry.object),
        canonical: entry.canonical_bytes(),
    }
}

pub(in crate::store) fn audit(row: entity::audit::Model) -> Result<AuditRecord, StoreError> {
    let entry = AuditEntry {
        at: Timestamp(row.at),
        actor: text(&row.actor),
        cause: Cause::from_word(&row.cause).or_corrupt("audit entry")?,
        request: RequestId(uuid(&row.request).or_corrupt("audit entry")?),
        verb: Verb::from_word(&row.verb).or_corrupt("audit entry")?,
        device: row.device_id.map(DeviceId),
        object: text(&row.object),
    };
    Ok(AuditRecord { sequence: row.sequence, entry })
}

pub(in crate::store) fn user_row(user: &User) -> entity::user_account::Model {
    entity::user_account::Model {
        id: user.id.0,
        public_id: user.public_id.0.as_bytes().to_vec(),
        domain_id: DomainId::ROOT.0,
        name: text_column(&user.name),
        role: user.role.word().to_owned(),
        password: user.password.as_phc().to_owned(),
        created_at: user.created_at.0,
        disabled_at: user.disabled_at.map(|at| at.0),
        sessions_from: user.sessions_from.0,
    }
}

pub(in crate::store) fn user(row: entity::user_account::Model) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(row.id),
        public_id: PublicId(uuid(&row.public_id).or_corrupt("user")?),
        name: text(&row.name),
        role: Role::from_word(&row.role).or_corrupt("user")?,
        password: PasswordHash::from_phc(row.password).or_corrupt("user")?,
        created_at: Timestamp(row.created_at),
        disabled_at: row.disabled_at.map(Timestamp),
        sessions_from: Timestamp(row.sessions_from),
    })
}

pub(in crate::store) fn session_row(session: &WebSession) -> entity::web_session::Model {
    entity::web_session::Model {
        key: session.key.to_vec(),
        data: session.data.clone(),
        expires_at: session.expires_at.0,
    }
}

pub(in crate::store) fn session(row: entity::web_session::Model) -> Result<WebSession, StoreError> {
    Ok(WebSession {
        key: row.key.try_into().or_corrupt("session")?,
        data: row.data,
        expires_at: Timestamp(row.expires_at),
    })
}
