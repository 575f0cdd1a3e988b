//! What the cases are made of: devices, registrations and the like by a number, and short words for commits.

use std::sync::Arc;

use objects::{
    ContentFormat, InstanceId, ObjectId, Path, Value, Version,
    link::{Link, ObjectEntry, ObjectLinks},
};
use uuid::Uuid;

use crate::{
    Binding, Change, Claim, ClaimId, ClassId, Commit, Committed, Credential, CredentialId, CredentialKind,
    CredentialName, CredentialState, Delivery, Device, DeviceId, DiaryCause, DiaryId, DiaryNote, DomainId,
    EndpointName, Holder, Incident, Lifetime, ListenerId, NewCredential, NodeId, Observation,
    ObservationToken, Operation, OperationId, OperationRecord, OperationState, Priority, PskIdentity, PskKey,
    PublicId, Purpose, Reading, Registration, RegistrationId, RequestId, Secret, Sender, Source, Store,
    StoreError, TimelineEntry, TimelineKind, Timestamp,
    store::{Cursor, DeviceView, Page, PageRequest},
};

/// When the cases begin: 2023-11-14T22:13:20Z.
pub(super) const START: Timestamp = Timestamp(1_700_000_000_000);

/// `seconds` after [`START`].
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp(START.0 + seconds * 1_000)
}

pub(super) fn path(text: &str) -> Path {
    text.parse().unwrap()
}

pub(super) fn device(number: i64) -> Device {
    named(number, &format!("node-{number:04}"))
}

pub(super) fn named(number: i64, endpoint: &str) -> Device {
    Device {
        id: DeviceId(number),
        public_id: public_id(number),
        domain: DomainId::ROOT,
        class: ClassId::DEFAULT,
        endpoint: EndpointName::new(endpoint).unwrap(),
        created_at: START,
        removed_at: None,
    }
}

pub(super) fn public_id(number: i64) -> PublicId {
    PublicId(Uuid::from_u128(0xd0_0000 + u128::try_from(number).unwrap()))
}

pub(super) fn request(number: u128) -> RequestId {
    RequestId(Uuid::from_u128(number))
}

/// A registration with something in every field.
pub(super) fn registration(number: i64) -> Registration {
    Registration {
        device: DeviceId(number),
        id: RegistrationId(u64::MAX - u64::try_from(number).unwrap()),
        lwm2m: Version::V1_1,
        lifetime: Lifetime(300),
        binding: Binding { transports: "UT".into(), queue_mode: true },
        sms_number: Some("+31 6 12345".into()),
        links: Arc::new(links()),
        extra: vec![("vendor".into(), "ä&=\"'".into()), ("flag".into(), String::new())],
        credential: None,
        source: source(number),
        registered_at: START,
        updated_at: START,
        expires_at: at(300),
        node: NodeId::SINGLE,
        epoch: 1,
    }
}

pub(super) fn links() -> ObjectLinks {
    let entry = |version, instances: &[u16]| ObjectEntry {
        version,
        instances: instances.iter().copied().map(InstanceId).collect(),
        ..ObjectEntry::default()
    };
    let mut position = entry(Some(Version { major: 2, minor: 10 }), &[]);
    position.attributes = vec![("title".into(), Some("where \"it\" is".into())), ("obs".into(), None)];
    let mut device = entry(None, &[0]);
    device.instance_attributes.insert(InstanceId(0), vec![("ct".into(), Some("11542".into()))]);
    ObjectLinks {
        root: Some("/lwm2m".into()),
        content_formats: vec![ContentFormat::TLV.0, ContentFormat::SENML_CBOR.0],
        attributes: vec![("rt".into(), Some("oma.lwm2m".into()))],
        objects: [
            (ObjectId(1), entry(Some(Version::V1_1), &[0, 1, 65_534])),
            (ObjectId(3), device),
            (ObjectId(6), position),
            (ObjectId(65_535), entry(None, &[7])),
        ]
        .into(),
        foreign: vec![Link { target: "/.well-known/core".into(), attributes: vec![("ct".into(), None)] }],
    }
}

pub(super) fn source(number: i64) -> Source {
    let port = 5_000 + u16::try_from(number).unwrap();
    let address = if number % 2 == 0 { format!("127.0.0.1:{port}") } else { format!("[2001:db8::1]:{port}") };
    Source { listener: ListenerId(u16::try_from(number % 3).unwrap()), address: address.parse().unwrap() }
}

pub(super) fn delivery(number: u16) -> Delivery {
    let token = number.to_be_bytes().to_vec();
    Delivery { sender: Sender::At(source(1)), message_id: number, token, observe: None }
}

pub(super) fn observation(number: i64, at_path: &str) -> Observation {
    let path = path(at_path);
    let token: Vec<u8> = path.ids().iter().flat_map(|id| id.to_be_bytes()).collect();
    Observation {
        device: DeviceId(number),
        target: path.into(),
        token: ObservationToken::new(&token).unwrap(),
        format: Some(ContentFormat::TLV),
        since: START,
        number: None,
    }
}

pub(super) fn reading(at_path: &str, value: i64) -> Reading {
    Reading { path: path(at_path), value: Value::Integer(value), device_time: None }
}

pub(super) fn report(number: i64, received_at: Timestamp, readings: Vec<Reading>) -> Change {
    Change::Report { device: DeviceId(number), received_at, delivery: None, readings }
}

/// Operations are ordered by their ids, so by their numbers.
pub(super) fn operation_id(number: i64) -> OperationId {
    OperationId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::try_from(number).unwrap()))
}

pub(super) fn record(number: i64, of_device: i64, operation: Operation) -> OperationRecord {
    OperationRecord {
        id: operation_id(number),
        device: DeviceId(of_device),
        operation,
        requested_by: "Zoë".into(),
        request: request(7),
        priority: Priority::Normal,
        state: OperationState::Queued,
        queued_at: at(number),
        sent_at: None,
        ended_at: None,
        expires_at: at(number + 3_600),
        result: None,
        superseded_by: None,
    }
}

pub(super) fn reboot(number: i64, of_device: i64) -> OperationRecord {
    record(number, of_device, Operation::Execute { path: path("/3/0/4"), arguments: String::new() })
}

pub(super) fn queued(record: &OperationRecord) -> Change {
    Change::OperationQueued(Box::new(record.clone()))
}

pub(super) fn ended(number: i64, state: OperationState, at: Timestamp) -> Change {
    Change::OperationEnded { id: operation_id(number), state, at, result: "2.04 Changed".into() }
}

pub(super) fn entry(of_device: i64, number: i64) -> TimelineEntry {
    TimelineEntry {
        device: DeviceId(of_device),
        at: at(number),
        kind: TimelineKind::Updated,
        request: None,
        detail: format!("entry {number}"),
    }
}

pub(super) fn key(number: i64) -> Secret {
    Secret::Psk(PskKey::new(format!("a key of device {number:04}")).unwrap())
}

pub(super) fn identity(text: &str) -> CredentialName {
    PskIdentity::new(text).unwrap().into()
}

/// A staged management credential of a device, its identity named after its number.
pub(super) fn credential(number: i64, of_device: i64) -> Credential {
    Credential {
        id: CredentialId(number),
        public_id: public_id(0x1_0000 + number),
        holder: Holder::Device(DeviceId(of_device)),
        purpose: Purpose::Management,
        kind: CredentialKind::Psk,
        state: CredentialState::Staged,
        identity: identity(&format!("identity-{number}")),
        parent: None,
        valid_from: START,
        valid_to: None,
        created_by: "Zoë".into(),
        created_at: at(number),
        changed_at: at(number),
        last_used_at: None,
    }
}

pub(super) fn adds(credential: &Credential) -> Change {
    let secret = key(credential.id.0);
    Change::CredentialAdded(Box::new(NewCredential { credential: credential.clone(), secret }))
}

pub(super) fn claim(number: i64) -> Claim {
    Claim {
        id: ClaimId(number),
        public_id: public_id(0x2_0000 + number),
        name: format!("batch {number}"),
        class: ClassId::DEFAULT,
        quota: 2,
        used: 0,
        opens_at: START,
        closes_at: at(3_600),
        closed: false,
        created_by: "Zoë".into(),
        created_at: at(number),
    }
}

/// A note of one incident.
pub(super) fn note(number: i64, cause: DiaryCause, subject: &str) -> DiaryNote {
    let last = Incident {
        at: at(number),
        cause,
        subject: subject.into(),
        from: source(number % 1_000).address,
        listener: "coaps://0.0.0.0:5684".into(),
        device: None,
        detail: format!("incident {number}"),
    };
    let id = DiaryId(Uuid::from_u128(0xd1a_0000 + u128::try_from(number).unwrap()));
    DiaryNote { last, first_at: at(number), count: 1, id }
}

pub(super) fn noted(note: &DiaryNote) -> Change {
    Change::DiaryNoted(Box::new(note.clone()))
}

pub(super) async fn view(store: &dyn Store, number: i64) -> DeviceView {
    store.device(public_id(number)).await.unwrap().unwrap()
}

/// A commit of changes without audit entries.
pub(super) fn of(changes: impl IntoIterator<Item = Change>) -> Commit {
    Commit { changes: changes.into_iter().collect(), audit: Vec::new() }
}

pub(super) async fn commit(store: &dyn Store, changes: impl IntoIterator<Item = Change>) -> Committed {
    store.commit(of(changes)).await.unwrap()
}

pub(super) async fn refused(store: &dyn Store, changes: impl IntoIterator<Item = Change>) {
    assert_eq!(store.commit(of(changes)).await, Err(StoreError::Conflict));
}

/// Makes devices 1 to `count`, all registered.
pub(super) async fn register(store: &dyn Store, count: i64) {
    let changes = (1..=count).flat_map(|number| {
        [Change::DeviceAdded(device(number)), Change::Registered(Box::new(registration(number)))]
    });
    commit(store, changes).await;
}

/// Follows the cursors to the end and gives the rows of all pages.
pub(super) async fn all_pages<T, F>(limit: usize, page: impl Fn(PageRequest) -> F) -> Vec<T>
where
    F: Future<Output = Result<Page<T>, StoreError>>,
{
    let mut rows = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let found = page(PageRequest { after: after.clone(), limit }).await.unwrap();
        assert!(found.rows.len() <= limit, "a page is no longer than asked for");
        assert!(found.next.is_none() || found.rows.len() == limit, "only the last page is shorter");
        assert!(found.next.is_none() || found.next != after, "the cursor moves");
        rows.extend(found.rows);
        match found.next {
            Some(next) => after = Some(next),
            None => return rows,
        }
    }
}
