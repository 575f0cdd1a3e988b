//! Changes: what a decision wants the store to keep. A [`Commit`] is one transaction.

use crate::{
    ApiToken, ArtefactChange, AuditEntry, Authority, AuthorityId, BootstrapRecord, Claim, ClaimId, Claimed,
    Class, ClassId, CredentialId, CredentialState, Delivered, Device, DeviceId, DeviceState, DiaryId,
    DiaryNote, GroupChange, KeyPair, NewCredential, Observation, OperationId, OperationRecord,
    OperationState, OwnKey, Plan, PlanScope, PublicId, Reading, Registration, SecureSession, SecureSessionId,
    SeenCertificate, SessionMark, Source, TimelineEntry, Timestamp, User, WebSession, Webhook, WebhookSecret,
    configuration::ConfigurationChange, queue::QueueChange, update::UpdateChange, wish::WishChange,
};

/// What is to become durable together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// In order.
    pub changes: Vec<Change>,
    /// What people did, in the same transaction.
    pub audit: Vec<AuditEntry>,
}

/// What the store says of a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Its [`Change::Report`] had been stored before: nothing of that report was stored twice.
    pub duplicate: bool,
    /// The operation of its last [`Change::OperationEnded`] had ended before, in this state, which it keeps.
    pub ended_before: Option<OperationState>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A device is known from now on.
    DeviceAdded(Device),
    /// A device that was removed is known again, under its row and its name. A conflict if it is not removed.
    DeviceEnrolledAgain {
        /// Which.
        device: DeviceId,
        /// As what.
        class: ClassId,
    },
    /// A device belongs to another class.
    DeviceClassified {
        /// Which.
        device: DeviceId,
        /// To which.
        class: ClassId,
    },
    /// A device is removed: its credentials are revoked with it, and its secure sessions are gone. Its row stays, so that its name is not taken for a new one.
    DeviceRemoved {
        /// Which.
        device: DeviceId,
        /// When.
        at: Timestamp,
        /// Whether its registration, values, timeline and operations are kept; otherwise they are deleted, and so are the
        /// rows of its credentials but for their identities.
        keep_data: bool,
    },
    /// A class is known from now on.
    ClassAdded(Class),
    /// A class is called otherwise or has another policy. A conflict if it is not there, or its name is another one's.
    ClassSaved(Class),
    /// A plan is set, or taken back.
    PlanSaved {
        /// For whom.
        scope: PlanScope,
        /// Which; none to take it back.
        plan: Option<Box<Plan>>,
    },
    /// A credential is known from now on. A conflict if its identity is that of one that opens sessions.
    CredentialAdded(Box<NewCredential>),
    /// A staged credential has proved itself and is live; where its key pair was made here, that is forgotten
    /// ([`Secret::None`](crate::Secret)). Nothing if it is not staged.
    CredentialProved {
        /// Which.
        id: CredentialId,
        /// When.
        at: Timestamp,
    },
    /// A credential opens nothing any more; its secure sessions are gone, and a key pair that was made here is forgotten.
    /// Nothing if it does not already, but that a retired one may be revoked.
    CredentialEnded {
        /// Which.
        id: CredentialId,
        /// How: retired or revoked.
        state: CredentialState,
        /// When.
        at: Timestamp,
    },
    /// Credentials have opened sessions: written in batches.
    CredentialsUsed(Vec<(CredentialId, Timestamp)>),
    /// A device has come with this certificate; it replaces the one before it. Nothing if the credential is not there.
    CertificateSeen {
        /// By which credential.
        credential: CredentialId,
        /// With which.
        certificate: Box<SeenCertificate>,
    },
    /// A secure session is to outlive the process. A conflict if its credential does not open sessions, or one of this name
    /// is there.
    SecureSessionOpened(Box<SecureSession>),
    /// Sessions were heard: see [`SecureSession::heard`]. Nothing of those that are not there.
    SecureSessionsHeard(Vec<SessionMark>),
    /// A session may use sequence numbers below this one. Nothing if it may use more already, or is not there.
    SecureSessionReserved {
        /// Which.
        id: SecureSessionId,
        /// How far.
        upto: u64,
    },
    /// A session is over. Nothing if it is not there.
    SecureSessionEnded {
        /// Which.
        id: SecureSessionId,
        /// Whether it is kept for its device to resume; it is not among the live ones any more.
        resumable: bool,
    },
    /// All secure sessions of these credentials are gone, live or kept to be resumed.
    SecureSessionsDropped(Vec<CredentialId>),
    /// An authority is trusted from now on, or its revocation list or name is another. A conflict if its name or certificate
    /// is another one's.
    AuthoritySaved(Box<Authority>),
    /// An authority is not trusted any more.
    AuthorityRemoved(AuthorityId),
    /// A key of the server's own; it replaces the one before it.
    OwnKeySaved {
        /// Which.
        key: OwnKey,
        /// The key with its certificates.
        pair: Box<KeyPair>,
    },
    /// A claim is known from now on.
    ClaimAdded(Claim),
    /// A device enrols itself by a claim, for the first time or again; a conflict if the quota is used up. One that claims
    /// again uses its approval up and nothing of the quota.
    ClaimUsed(Claimed),
    /// A claim is closed by hand.
    ClaimClosed(ClaimId),
    /// A device may use a claim once more.
    ClaimAgain {
        /// Which claim.
        claim: ClaimId,
        /// Which device.
        device: DeviceId,
        /// Until when.
        until: Timestamp,
    },
    /// A bootstrap session began, went on or ended: its record replaces the one of the same name.
    BootstrapSaved(Box<BootstrapRecord>),
    /// The bootstrap sessions that are under way have failed: the server had stopped within them.
    BootstrapsInterrupted {
        /// When that was found.
        at: Timestamp,
    },
    /// Something did not get in.
    DiaryNoted(Box<DiaryNote>),
    /// An entry of the diary was dealt with.
    DiaryCleared(DiaryId),
    /// A registration begins, or the device's row is replaced by a changed one. Observations stay: see `ObservationsEnded`.
    ///
    /// A conflict if its epoch is below that of the row, or the same as that of one that has ended: a stale owner writes.
    Registered(Box<Registration>),
    /// Liveness alone changed: written in batches. Nothing if the device is not registered any more.
    LeaseRenewed {
        /// Whose.
        device: DeviceId,
        /// When the device was heard.
        seen_at: Timestamp,
        /// When the registration ends.
        expires_at: Timestamp,
    },
    /// A registration ended. Nothing if the device is not registered.
    RegistrationEnded {
        /// Whose.
        device: DeviceId,
        /// When.
        at: Timestamp,
        /// How.
        reason: EndReason,
    },
    /// An observation began; it replaces one of the same target.
    ObservationBegan(Observation),
    /// An observation ended.
    ObservationEnded {
        /// Whose.
        device: DeviceId,
        /// Of what.
        target: crate::Target,
    },
    /// All observations of a device ended.
    ObservationsEnded {
        /// Whose.
        device: DeviceId,
    },
    /// Values a device gave; each reading goes to the history, and to the latest values unless a later one is there
    /// (by [`StoredReading::at`](crate::StoredReading::at)). Stored once if its delivery came within [`Delivery::KEPT`].
    Report {
        /// Whose.
        device: DeviceId,
        /// When they arrived.
        received_at: Timestamp,
        /// What makes a retransmission recognisable; none for an answer to a Read.
        delivery: Option<Delivery>,
        /// The values.
        readings: Vec<Reading>,
    },
    /// An operation was asked for.
    OperationQueued(Box<OperationRecord>),
    /// An operation goes to the wire. Nothing if it has ended, or no row of it is there.
    OperationSent {
        /// Which.
        id: OperationId,
        /// When.
        at: Timestamp,
    },
    /// An operation has reached its final state; a second end changes nothing, nor does one without a row.
    OperationEnded {
        /// Which.
        id: OperationId,
        /// How: a final state.
        state: OperationState,
        /// When.
        at: Timestamp,
        /// One line for a person.
        result: String,
    },
    /// Something for a device's timeline.
    Timeline(TimelineEntry),
    /// An account was made.
    UserAdded(User),
    /// An account was changed: its role, its password, or whether it is disabled.
    UserChanged(User),
    /// A token was made.
    TokenAdded(ApiToken),
    /// A token was used.
    TokenUsed {
        /// Which.
        id: PublicId,
        /// When.
        at: Timestamp,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Which.
        id: PublicId,
        /// When.
        at: Timestamp,
    },
    /// A webhook was made.
    WebhookAdded(Webhook, WebhookSecret),
    /// A webhook was paused or goes on.
    WebhookPaused {
        /// Which.
        id: PublicId,
        /// Whether it is paused.
        paused: bool,
    },
    /// A webhook was removed.
    WebhookRemoved(PublicId),
    /// A delivery to a webhook went so.
    WebhookDelivered(Box<Delivered>),
    /// An object definition was uploaded, as DDF (XML); it replaces one of the same object and version.
    ModelSaved {
        /// Of which object.
        object: objects::ObjectId,
        /// In which version.
        version: objects::Version,
        /// The file.
        xml: String,
    },
    /// An uploaded object definition is taken back.
    ModelRemoved {
        /// Of which object.
        object: objects::ObjectId,
        /// In which version.
        version: objects::Version,
    },
    /// A request of a program that names itself begins; a conflict if the same name is there already.
    SubmissionBegan {
        /// Whose, with the name it gave: SHA-256 of both.
        key: [u8; 32],
        /// SHA-256 of the request.
        fingerprint: [u8; 32],
        /// When.
        at: Timestamp,
    },
    /// What such a request was answered.
    SubmissionAnswered {
        /// Which.
        key: [u8; 32],
        /// The status and the body, as the web layer keeps them; at most [`crate::Submission::MAX_BYTES`].
        answer: Vec<u8>,
    },
    /// Artefacts, whom classes take them from, and what devices run.
    Artefact(ArtefactChange),
    /// Groups, who is in them, and labels.
    Group(GroupChange),
    /// What became of updates.
    Update(UpdateChange),
    /// What classes wish to be told of, and what came of it.
    Wish(WishChange),
    /// What waits for devices, and how long they listen.
    Queue(QueueChange),
    /// What devices are to be set to, and where they stand.
    Configuration(ConfigurationChange),
    /// A console session was made or changed.
    SessionSaved(WebSession),
    /// A console session ended.
    SessionEnded {
        /// The hash it is kept under.
        key: [u8; 32],
    },
}

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// The device said goodbye.
    Deregistered,
    /// Its lifetime ran out.
    Expired,
    /// The credential it was made with was revoked.
    Revoked,
    /// The device was removed.
    Removed,
}

/// Names one message of a device, so that its retransmission after a restart is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// Who sent it.
    pub sender: Sender,
    /// Its message id.
    pub message_id: u16,
    /// Its token.
    pub token: Vec<u8>,
    /// Its place among the notifications of its observation, if it is one (RFC 7641 §3.4).
    pub observe: Option<u32>,
}

/// Who counts the message ids of a device (RFC 7252 §4.5, §9.1.1): what is at an address, or a session wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Without security.
    At(Source),
    /// In a secure session.
    In(SecureSessionId),
}

impl EndReason {
    /// The state it leaves the device in.
    pub fn state(self) -> DeviceState {
        match self {
            Self::Deregistered => DeviceState::Deregistered,
            Self::Expired => DeviceState::Expired,
            Self::Revoked => DeviceState::Revoked,
            Self::Removed => DeviceState::Removed,
        }
    }
}

impl Delivery {
    /// How long one is kept: EXCHANGE_LIFETIME (RFC 7252 §4.8.2).
    pub const KEPT: std::time::Duration = std::time::Duration::from_secs(247);
}
