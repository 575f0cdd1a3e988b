//! What makes a plan one that can be sent.

use objects::{ContentFormat, DataType, Models, ObjectId, Path, Value};

use super::{Account, Plan};

/// Why a plan can't be sent to a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `/1/x/1` must be above 0: only LwM2M 1.2 has registrations without an end.
    #[error("the lifetime must be at least 1 second")]
    Lifetime,
    /// `/1/x/2` is above `/1/x/3`.
    #[error("the default minimum period ({pmin} s) is above the default maximum period ({pmax} s)")]
    Periods {
        /// `/1/x/2`.
        pmin: u32,
        /// `/1/x/3`.
        pmax: u32,
    },
    /// `/1/x/17` or `/1/x/20` is 0.
    #[error("/1/x/{resource} is at least 1: a device that never tries never registers")]
    NoTries {
        /// Which of the two.
        resource: u16,
    },
    /// `/1/x/7` has no value that LwM2M 1.0 or 1.1 knows, or lacks the `U` that this server is reached by.
    #[error("the binding `{binding}` is not one that can be written: U, with T, S or N beside it, or UQ")]
    Binding {
        /// Its text.
        binding: String,
    },
    /// Nothing below an instance can be deleted.
    #[error("{path} can't be deleted by itself: name its instance or its object")]
    DeleteLevel {
        /// Which.
        path: Path,
    },
    /// The Device object is never deleted (LwM2M Core 1.1.1 §6.1.7.6).
    #[error("{path} can't be deleted: each device has exactly one Device object")]
    DeleteDevice {
        /// Which.
        path: Path,
    },
    /// More than [`Plan::MAX_DELETES`].
    #[error("a plan deletes at most {max} paths, this one {len}", max = Plan::MAX_DELETES)]
    TooManyDeletes {
        /// How many.
        len: usize,
    },
    /// More than [`Plan::MAX_WRITES`].
    #[error("a plan writes at most {max} values, this one {len}", max = Plan::MAX_WRITES)]
    TooManyWrites {
        /// How many.
        len: usize,
    },
    /// The account's own objects.
    #[error("{path} belongs to the account, which the server writes by itself")]
    WriteAccount {
        /// Which.
        path: Path,
    },
    /// A value stands at a resource or a resource instance.
    #[error("{path} names no resource: a value is written to /object/instance/resource")]
    WriteLevel {
        /// Which.
        path: Path,
    },
    /// The same path twice, or a resource and an instance of it.
    #[error("{path} is written twice")]
    WrittenTwice {
        /// Which.
        path: Path,
    },
    /// No definition of this resource.
    #[error("no object definition has {path}; upload the model of its object first")]
    UnknownResource {
        /// Which.
        path: Path,
    },
    /// A resource that is executed has no value.
    #[error("{path} ({name}) can only be executed")]
    NoValue {
        /// Which.
        path: Path,
        /// What it is called.
        name: String,
    },
    /// A value of another type than the definition's.
    #[error("{path} ({name}) is of type {expected}, not {found}")]
    WrongType {
        /// Which.
        path: Path,
        /// What it is called.
        name: String,
        /// What the definition says.
        expected: DataType,
        /// What the plan has.
        found: DataType,
    },
    /// A resource instance of a single resource, or a multiple resource without one.
    #[error("{path} ({name}) {}", if *.multiple { "has several values: name a resource instance" } else { "has one value: it has no instances" })]
    Multiplicity {
        /// Which.
        path: Path,
        /// What it is called.
        name: String,
        /// What the definition says.
        multiple: bool,
    },
    /// An object that has one instance, and another one than 0.
    #[error("{path}: object {object} has only the instance 0")]
    SingleInstance {
        /// Which.
        path: Path,
        /// Of which object.
        object: ObjectId,
    },
    /// Only formats that carry whole instances.
    #[error("{format} can't be used to write accounts: TLV (11542), SenML JSON (110) or SenML CBOR (112)")]
    Format {
        /// Which.
        format: ContentFormat,
    },
    /// `/2/x/3` must name this server, or 65535 for the bootstrap server alone (LwM2M Core 1.1.1 §E.3).
    #[error("{path}: no server has the short server id {owner}; this one has {short_server_id}")]
    AccessControlOwner {
        /// Where.
        path: Path,
        /// Who is named.
        owner: i64,
        /// Who is there.
        short_server_id: u16,
    },
    /// 0 and 65535 are reserved (LwM2M Core 1.1.1 §E.1).
    #[error("the short server id is 1 to 65534, not {short_server_id}")]
    ShortServerId {
        /// What was given.
        short_server_id: u16,
    },
    /// `coaps` goes with a credential and `coap` without; nothing longer than 255 bytes.
    #[error(
        "`{uri}` is not an address that this account can be at: coaps:// with a credential, coap:// without, at most 255 bytes"
    )]
    Uri {
        /// What was given.
        uri: String,
    },
    /// The text is no plan.
    #[error("not a bootstrap plan: {reason}")]
    Unreadable {
        /// Where and why.
        reason: String,
    },
}

impl Plan {
    /// The formats that an account can be written in, those that most clients take first.
    pub(crate) const FORMATS: [ContentFormat; 3] =
        [ContentFormat::TLV, ContentFormat::SENML_CBOR, ContentFormat::SENML_JSON];

    /// Whether it can be sent at all. `models` decides the types of what is written.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn check(&self, models: &Models<'_>) -> Result<(), PlanError> {
        if self.lifetime == 0 {
            return Err(PlanError::Lifetime);
        }
        if let (Some(pmin), Some(pmax)) = (self.default_pmin, self.default_pmax)
            && pmin > pmax
            // LwM2M Core 1.1.1 §E.2: 0 is as if it were not there.
            && pmax > 0
        {
            return Err(PlanError::Periods { pmin, pmax });
        }
        self.registering.check()?;
        if !is_binding(&self.binding) {
            return Err(PlanError::Binding { binding: self.binding.clone() });
        }
        if let Some(format) = self.format.filter(|format| !Self::FORMATS.contains(format)) {
            return Err(PlanError::Format { format });
        }
        self.check_deletes()?;
        self.check_writes(models)
    }

    /// Whether it can be sent with this account.
    ///
    /// # Errors
    /// The first rule that the two break together.
    pub fn check_for(&self, account: &Account) -> Result<(), PlanError> {
        let short_server_id = account.short_server_id;
        if !(1..=65_534).contains(&short_server_id) {
            return Err(PlanError::ShortServerId { short_server_id });
        }
        let scheme = if account.credential.is_some() { "coaps://" } else { "coap://" };
        // The length is the one of the definition of /0/x/0.
        if account.uri.len() > 255 || account.uri.strip_prefix(scheme).is_none_or(str::is_empty) {
            return Err(PlanError::Uri { uri: account.uri.clone() });
        }
        for (path, value) in &self.writes {
            let (true, Value::Integer(owner)) = (is_access_control_owner(path), value) else { continue };
            let owner = *owner;
            if owner != BOOTSTRAP_OWNER && owner != i64::from(short_server_id) {
                return Err(PlanError::AccessControlOwner { path: *path, owner, short_server_id });
            }
        }
        Ok(())
    }

    /// Whether it deletes a path, or something that the path lies in.
    pub(crate) fn deletes(&self, path: &Path) -> bool {
        self.delete.iter().any(|deleted| path.is_within(deleted))
    }

    fn check_deletes(&self) -> Result<(), PlanError> {
        if self.delete.len() > Self::MAX_DELETES {
            return Err(PlanError::TooManyDeletes { len: self.delete.len() });
        }
        for &path in &self.delete {
            if path.depth() > 2 {
                return Err(PlanError::DeleteLevel { path });
            }
            if path.object() == Some(DEVICE) {
                return Err(PlanError::DeleteDevice { path });
            }
        }
        Ok(())
    }

    fn check_writes(&self, models: &Models<'_>) -> Result<(), PlanError> {
        if self.writes.len() > Self::MAX_WRITES {
            return Err(PlanError::TooManyWrites { len: self.writes.len() });
        }
        for (at, (path, value)) in self.writes.iter().enumerate() {
            check_write(*path, value, models)?;
            let overlaps = |other: &Path| other.is_within(path) || path.is_within(other);
            if self.writes[..at].iter().any(|(other, _)| overlaps(other)) {
                return Err(PlanError::WrittenTwice { path: *path });
            }
        }
        Ok(())
    }
}

fn check_write(path: Path, value: &Value, models: &Models<'_>) -> Result<(), PlanError> {
    if matches!(path.object(), Some(SECURITY | SERVER | OSCORE)) {
        return Err(PlanError::WriteAccount { path });
    }
    let (Some(object), Some(instance), Some(_)) = (path.object(), path.instance(), path.resource()) else {
        return Err(PlanError::WriteLevel { path });
    };
    let model = models.resource_at(&path).ok_or(PlanError::UnknownResource { path })?;
    let name = || model.name.clone();
    let single = models.object(object).is_some_and(|object| !object.multiple);
    if single && instance.0 != 0 {
        return Err(PlanError::SingleInstance { path, object });
    }
    let expected = model.data_type.ok_or_else(|| PlanError::NoValue { path, name: name() })?;
    if model.multiple != path.resource_instance().is_some() {
        return Err(PlanError::Multiplicity { path, name: name(), multiple: model.multiple });
    }
    let found = value.data_type();
    if found == expected { Ok(()) } else { Err(PlanError::WrongType { path, name: name(), expected, found }) }
}

// LwM2M 1.0.2 §E.2 lists U, UQ and those with S; 1.1.1 §E.2 has the letters U, T, S, N. This server is reached by UDP.
fn is_binding(text: &str) -> bool {
    let letters = text.strip_suffix('Q').unwrap_or(text);
    let once = |letter: char| letters.chars().filter(|other| *other == letter).count() == 1;
    let queued = letters.len() < text.len();
    letters.contains('U')
        && letters.chars().all(|letter| "UTSN".contains(letter) && once(letter))
        && !(queued && letters != "U")
}

fn is_access_control_owner(path: &Path) -> bool {
    path.object() == Some(ACCESS_CONTROL) && path.resource().is_some_and(|resource| resource.0 == 3)
}

pub(super) const SECURITY: ObjectId = ObjectId(0);
pub(super) const SERVER: ObjectId = ObjectId(1);
pub(super) const ACCESS_CONTROL: ObjectId = ObjectId(2);
pub(super) const DEVICE: ObjectId = ObjectId(3);
pub(super) const OSCORE: ObjectId = ObjectId(21);

/// Only a bootstrap server may change an instance whose owner is this (LwM2M Core 1.1.1 §E.3).
const BOOTSTRAP_OWNER: i64 = 65_535;

#[cfg(test)]
mod tests;
