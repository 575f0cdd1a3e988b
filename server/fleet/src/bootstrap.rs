//! Bootstrap (LwM2M Core 1.1.1 §6.1): what is to be written into a device, and the session that writes it.
//!
//! Start with [`Plan`], which says what a class or a device gets, and [`Session`], a state machine without a clock or a
//! wire: it says the next [`Step`] and is told the [`StepAnswer`]. The verbs that begin and end a session are those of
//! [`crate::Fleet`].

use std::fmt;

use objects::{ContentFormat, Path, Value};

use crate::{
    BootstrapId, CredentialId, DeviceId, EndpointName, KeyPair, PskIdentity, PskKey, RequestId, ResponseCode,
    Timestamp,
};

mod json;

mod plan;
pub use plan::PlanError;

mod registering;
pub use registering::Registering;

mod repair;
pub use repair::{Finding, Lessons, Repair};

mod session;
pub use session::{Next, Prepared, Session};

/// What a class or a device gets by bootstrap, beside its account at this server.
///
/// The default is an account for a day at a time, in place of whatever other management accounts the device has.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// `/1/x/1`, in seconds.
    pub lifetime: u32,
    /// `/1/x/2`, in seconds.
    pub default_pmin: Option<u32>,
    /// `/1/x/3`, in seconds.
    pub default_pmax: Option<u32>,
    /// `/1/x/6`.
    pub notification_storing: bool,
    /// `/1/x/7`.
    pub binding: String,
    /// How it registers and tries again.
    pub registering: Registering,
    /// `/0/x/11` of the management account, in seconds.
    pub hold_off: Option<u32>,
    /// Whether the bootstrap account is given a credential of the device's own, where it has come with a claim's.
    pub own_bootstrap_credential: bool,
    /// What is deleted: `/`, objects or instances; at most [`Plan::MAX_DELETES`]. The bootstrap account survives, wherever
    /// it sits, and so does the Device object. Accounts go only once the new one is written.
    pub delete: Vec<Path>,
    /// Resources of other objects that are written too, such as `/3/0/15` or an Access Control instance; at most
    /// [`Plan::MAX_WRITES`]. Never of `/0` or `/1`, where the account is.
    pub writes: Vec<(Path, Value)>,
    /// The format of what is written to a device that names none (`pct`); TLV if the plan names none either.
    pub format: Option<ContentFormat>,
}

/// Whom a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlanScope {
    /// All devices of a class that have no plan of their own.
    Class(crate::ClassId),
    /// One device.
    Device(DeviceId),
}

/// The account that a session writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `/0/x/0`, such as `coaps://muster.example.com:5684`.
    pub uri: String,
    /// `/0/x/10` and `/1/x/0`.
    pub short_server_id: u16,
    /// How the device proves itself; none in the lab, over plain CoAP.
    pub credential: Option<AccountCredential>,
}

/// How a device proves itself at an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCredential {
    /// The credential.
    pub id: CredentialId,
    /// What is written of it.
    pub material: Material,
}

/// What is written of a credential: `/0/x/2` to `/0/x/5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// A pre-shared key.
    Psk {
        /// `/0/x/3`.
        identity: PskIdentity,
        /// `/0/x/5`.
        key: PskKey,
    },
    /// A raw public key or a certificate.
    KeyPair {
        /// `/0/x/3` and `/0/x/5`.
        pair: KeyPair,
        /// `/0/x/4`: the server's public key or certificate, in DER.
        server: Vec<u8>,
    },
}

/// A well-formed bootstrap request, `POST /bs?ep=…&pct=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapRequest {
    /// `ep`; since LwM2M 1.1 it may be left to the security layer's identity.
    pub endpoint: Option<EndpointName>,
    /// `pct`, the content format the device prefers (LwM2M 1.1).
    pub preferred_format: Option<ContentFormat>,
}

/// The account of the bootstrap server itself, where a session gives it a credential of the device's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnBootstrap {
    /// `/0/x/0`: where this bootstrap server is reached, such as `coaps://muster.example.com:5784`.
    pub uri: String,
    /// How the device proves itself there from then on.
    pub credential: AccountCredential,
}

/// What a session does next. `Debug` tells no value.
#[derive(Clone, PartialEq)]
pub enum Step {
    /// `GET` with Accept link-format: where the bootstrap account sits.
    Discover(Path),
    /// `GET` of object 1 or 2: what stands there (LwM2M 1.1).
    Read {
        /// Which object.
        path: Path,
        /// In which format the device is to answer.
        format: ContentFormat,
    },
    /// `DELETE`.
    Delete(Path),
    /// `PUT` of an instance or a resource.
    Write {
        /// Where.
        path: Path,
        /// What: resources by their full paths.
        values: Vec<(Path, Value)>,
        /// In which format.
        format: ContentFormat,
    },
    /// `POST /bs`.
    Finish,
}

/// What a device answered to a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAnswer {
    /// With a code, and the payload of a Discover.
    Answered {
        /// The code.
        code: ResponseCode,
        /// What it said: link-format of a Discover, a diagnostic text of an error.
        payload: Vec<u8>,
        /// The format of what it said, where it names one.
        format: Option<ContentFormat>,
    },
    /// It did not.
    Silent,
    /// It knows nothing of what it was asked (RFC 7252 §4.2).
    Reset,
    /// The exchange could not be completed, or not even be begun.
    Broken {
        /// Why.
        reason: String,
    },
}

/// One line of a session's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    /// When it was asked.
    pub at: Timestamp,
    /// What was asked, such as `Write /0/1 (TLV, 8 values)`; never a value. At most [`StepRecord::MAX_TEXT`] bytes.
    pub asked: String,
    /// What came back, such as `2.04` or `4.06: /1/0/7 is missing`; empty while nothing has. As long at most.
    pub answer: String,
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapRecord {
    /// Names it.
    pub id: BootstrapId,
    /// Whose.
    pub device: DeviceId,
    /// The request it belongs to.
    pub request: RequestId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub result: BootstrapResult,
    /// Why, in one line for a person, where it failed: what was refused or missing, and what to do.
    pub reason: String,
    /// The management credential it wrote.
    pub credential: Option<CredentialId>,
    /// Its steps, in order; at most [`BootstrapRecord::MAX_STEPS`].
    pub steps: Vec<StepRecord>,
    /// What it put right, round by round; at most [`Repair::MAX_ROUNDS`].
    pub repairs: Vec<Repair>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BootstrapResult {
    /// It goes on, or the server stopped within it.
    UnderWay,
    /// The device has taken everything.
    Finished,
    /// It did not.
    Failed,
}

impl BootstrapRecord {
    /// How many steps a session has at most.
    pub const MAX_STEPS: usize = 128;
    /// How many bytes the reason has at most.
    pub const MAX_REASON: usize = 512;
    /// How many sessions of a device are kept.
    pub const PER_DEVICE: usize = 20;
    /// The reason of one that the server stopped within.
    pub const INTERRUPTED: &str =
        "the server was stopped: the device begins anew by itself, and what it has taken is good";
}

impl BootstrapResult {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::UnderWay, Self::Finished, Self::Failed];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnderWay => "under way",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

impl Plan {
    /// How many further resources a plan writes at most.
    pub const MAX_WRITES: usize = 64;
    /// How many paths a plan deletes at most.
    pub const MAX_DELETES: usize = 16;
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            // LwM2M Core 1.1.1 §6.2.1 has the same: a day without the server costs no device its registration.
            lifetime: 86_400,
            default_pmin: None,
            default_pmax: None,
            notification_storing: true,
            binding: "U".to_owned(),
            registering: Registering::default(),
            hold_off: None,
            own_bootstrap_credential: true,
            delete: vec![Path::Object(objects::ObjectId(0)), Path::Object(objects::ObjectId(1))],
            writes: Vec::new(),
            format: None,
        }
    }
}

impl StepRecord {
    /// How many bytes each of the two texts has at most.
    pub const MAX_TEXT: usize = 200;
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As a record shows it: no value.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discover(path) => write!(f, "Discover {path}"),
            Self::Read { path, .. } => write!(f, "Read {path}"),
            Self::Delete(path) => write!(f, "Delete {path}"),
            Self::Write { path, values, format } => {
                write!(f, "Write {path} (")?;
                match format.name() {
                    Some(name) => f.write_str(name)?,
                    None => format.fmt(f)?,
                }
                write!(f, ", {} {})", values.len(), if values.len() == 1 { "value" } else { "values" })
            }
            Self::Finish => f.write_str("Finish"),
        }
    }
}
