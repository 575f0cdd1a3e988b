//! Access control as what it means: who may do what with an object instance of a device that has several servers (LwM2M Core
//! 1.1.1 §8 and §E.3, object 2). A device judges by it alone; with one server it does not look at it.
//!
//! Start with [`AccessTable::of`], which reads the values of `/2` as rows of rights, and [`Guard::allowed`].

use std::{collections::BTreeMap, fmt};

use objects::{InstanceId, ObjectId, Path, ResourceId, ResourceInstanceId, Value};

/// What a server may do: the bits of `/2/x/2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rights(u8);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Read, Observe, Discover and Write-Attributes.
    Read,
    /// Write.
    Write,
    /// Execute.
    Execute,
    /// Delete.
    Delete,
    /// Create.
    Create,
}

/// The rights that a device has: one row an Access Control instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessTable {
    /// In the order of their instances.
    pub guards: Vec<Guard>,
}

/// An Access Control instance: which object instance it guards, whose it is, and who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The instance of `/2`.
    pub instance: InstanceId,
    /// `/2/x/0`.
    pub object: Option<ObjectId>,
    /// `/2/x/1`; [`Guard::CREATES`] says who may create instances of the object.
    pub guarded: Option<u16>,
    /// `/2/x/2`, by short server id; [`Guard::OTHERS`] is all that are not named.
    pub rights: BTreeMap<u16, Rights>,
    /// `/2/x/3`: who may change this instance; [`Guard::BOOTSTRAP`] is the bootstrap server alone.
    pub owner: Option<u16>,
    /// Values of `/2/x/2` that are no rights, by short server id.
    pub strange: BTreeMap<u16, i64>,
}

/// Why rights do not do what they may be meant to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessNote {
    /// Create counts for an object, not for an instance of it.
    #[error(
        "Create means nothing for an instance that is there: who may create instances stands in the row of the object’s instance 65535 (LwM2M Core 1.1.1 §8.2)"
    )]
    CreateOfInstance,
    /// For an object nothing but Create counts.
    #[error(
        "for instances that are still to be created only Create counts; the other rights mean nothing here"
    )]
    NotCreate,
    /// Another server owns it.
    #[error(
        "it belongs to the server {owner}, and this server is {own}: a device that has both answers a change with 4.01"
    )]
    OtherOwner {
        /// Whose it is.
        owner: u16,
        /// Who would change it.
        own: u16,
    },
    /// The bootstrap server alone may change it.
    #[error(
        "it belongs to the bootstrap server: change it by a bootstrap plan, for the device answers 4.01 to anybody else"
    )]
    Bootstrap,
    /// This server would lock itself out.
    #[error("the server {own} may do nothing there then: the device answers all it asks with 4.01")]
    LockedOut {
        /// Who.
        own: u16,
    },
    /// It is not known what it guards.
    #[error("the device has not said yet what this instance guards: read it first")]
    Unknown,
}

impl Rights {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// What the owner of an instance may do with it who is not named in it (LwM2M Core 1.1.1 §8.1.3).
    pub const OWNER: Self = Self(0b1111);

    /// By the number that stands in `/2/x/2`; none if it has other bits than those five.
    pub fn from_bits(bits: i64) -> Option<Self> {
        u8::try_from(bits).ok().filter(|bits| *bits <= 0b1_1111).map(Self)
    }

    /// The number that stands in `/2/x/2`.
    pub fn bits(self) -> i64 {
        self.0.into()
    }

    /// Whether a right is among them.
    pub fn has(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }

    /// With one more.
    #[must_use]
    pub fn with(self, right: Right) -> Self {
        Self(self.0 | right.bit())
    }

    /// Those that there are.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }

    /// Reads words such as `read, write`, in any order; `nothing`, and no word, is none.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty() && *word != "nothing");
        words.map(Right::from_word).try_fold(Self::NONE, |rights, right| Some(rights.with(right?)))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        rights.into_iter().fold(Self::NONE, Self::with)
    }
}

/// In words, such as `read, write`.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Right::word).collect();
        f.write_str(if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }.as_str())
    }
}

impl Right {
    /// All of them, by their bits.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Execute, Self::Delete, Self::Create];

    /// Its bit (LwM2M Core 1.1.1 §E.3).
    pub fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Execute => 4,
            Self::Delete => 8,
            Self::Create => 16,
        }
    }

    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Delete => "delete",
            Self::Create => "create",
        }
    }

    /// What it lets a server do.
    pub fn means(self) -> &'static str {
        match self {
            Self::Read => "Read, Discover, Observe and Write-Attributes",
            Self::Write => "Write",
            Self::Execute => "Execute",
            Self::Delete => "Delete the instance",
            Self::Create => "Create instances of the object",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.word() == word)
    }
}

impl AccessTable {
    /// The object.
    pub const OBJECT: ObjectId = ObjectId(2);

    /// By the values of `/2`; those of other objects are left out.
    pub fn of<'v>(values: impl IntoIterator<Item = (Path, &'v Value)>) -> Self {
        let mut guards: BTreeMap<InstanceId, Guard> = BTreeMap::new();
        for (path, value) in values {
            let (Some(Self::OBJECT), Some(instance), Some(resource)) =
                (path.object(), path.instance(), path.resource())
            else {
                continue;
            };
            let Some(number) = whole(value) else { continue };
            let guard = guards.entry(instance).or_insert_with(|| Guard::new(instance));
            let id = || u16::try_from(number).ok();
            match (resource.0, path.resource_instance()) {
                (0, None) => guard.object = id().map(ObjectId),
                (1, None) => guard.guarded = id(),
                (3, None) => guard.owner = id(),
                (2, Some(ResourceInstanceId(server))) => match Rights::from_bits(number) {
                    Some(rights) => drop(guard.rights.insert(server, rights)),
                    None => drop(guard.strange.insert(server, number)),
                },
                _ => {}
            }
        }
        Self { guards: guards.into_values().collect() }
    }

    /// The servers that are named in it, as owners or by their rights.
    pub fn servers(&self) -> Vec<u16> {
        let owners = self.guards.iter().filter_map(|guard| guard.owner);
        let owners = owners.filter(|owner| *owner != Guard::BOOTSTRAP);
        let named = self.guards.iter().flat_map(|guard| guard.rights.keys().chain(guard.strange.keys()));
        let mut servers: Vec<u16> =
            named.copied().filter(|server| *server != Guard::OTHERS).chain(owners).collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }
}

impl Guard {
    /// In the place of a short server id: all that are not named.
    pub const OTHERS: u16 = 0;
    /// The owner that is no server: the bootstrap server alone.
    pub const BOOTSTRAP: u16 = 65_535;
    /// In the place of a guarded instance: those that are still to be created.
    pub const CREATES: u16 = 65_535;

    /// One about which nothing is known.
    pub fn new(instance: InstanceId) -> Self {
        Self {
            instance,
            object: None,
            guarded: None,
            rights: BTreeMap::new(),
            owner: None,
            strange: BTreeMap::new(),
        }
    }

    /// What a server may do (LwM2M Core 1.1.1 §8.1.3): what stands at its number; else all, if it is the owner; else what
    /// stands for the others.
    pub fn allowed(&self, server: u16) -> Rights {
        let named = self.rights.get(&server).copied();
        let owner = (self.owner == Some(server)).then_some(Rights::OWNER);
        let others = self.rights.get(&Self::OTHERS).copied();
        named.or(owner).or(others).unwrap_or_default()
    }

    /// Whether it says who may create instances.
    pub fn creates(&self) -> bool {
        self.guarded == Some(Self::CREATES)
    }

    /// What should be known before these rights are written by the server `own`.
    pub fn notes(&self, own: u16) -> Vec<AccessNote> {
        let mut notes = Vec::new();
        let any = |right: fn(Rights) -> bool| self.rights.values().any(|rights| right(*rights));
        if self.object.is_none() || self.guarded.is_none() {
            notes.push(AccessNote::Unknown);
        } else if self.creates() {
            if any(|rights| rights.iter().any(|right| right != Right::Create)) {
                notes.push(AccessNote::NotCreate);
            }
        } else if any(|rights| rights.has(Right::Create)) {
            notes.push(AccessNote::CreateOfInstance);
        }
        match self.owner {
            Some(Self::BOOTSTRAP) => notes.push(AccessNote::Bootstrap),
            Some(owner) if owner != own => notes.push(AccessNote::OtherOwner { owner, own }),
            _ => {}
        }
        if self.allowed(own) == Rights::NONE {
            notes.push(AccessNote::LockedOut { own });
        }
        notes
    }

    /// Where its rights stand.
    pub fn rights_path(&self) -> Path {
        Path::Resource(AccessTable::OBJECT, self.instance, ResourceId(2))
    }

    /// Where its owner stands.
    pub fn owner_path(&self) -> Path {
        Path::Resource(AccessTable::OBJECT, self.instance, ResourceId(3))
    }

    /// Its values as they are written: the whole instance, without what is not known.
    pub fn values(&self) -> Vec<(Path, Value)> {
        let at = |id| Path::Resource(AccessTable::OBJECT, self.instance, ResourceId(id));
        let number = |id, number: Option<u16>| number.map(|number| (at(id), Value::Integer(number.into())));
        let rights = self.rights.iter().filter_map(|(server, rights)| {
            Some((self.rights_path().child(*server)?, Value::Integer(rights.bits())))
        });
        let first = [number(0, self.object.map(|object| object.0)), number(1, self.guarded)];
        first.into_iter().flatten().chain(rights).chain(number(3, self.owner)).collect()
    }
}

fn whole(value: &Value) -> Option<i64> {
    match *value {
        Value::Integer(number) => Some(number),
        Value::Unsigned(number) => i64::try_from(number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[(&str, i64)]) -> Vec<(Path, Value)> {
        values.iter().map(|(path, value)| (path.parse().unwrap(), Value::Integer(*value))).collect()
    }

    fn guard(of: &[(&str, i64)]) -> Guard {
        let values = values(of);
        let table = AccessTable::of(values.iter().map(|(path, value)| (*path, value)));
        table.guards.into_iter().next().unwrap()
    }

    #[test]
    fn each_bit_is_the_right_that_the_specification_names_and_words_come_back() {
        // LwM2M Core 1.1.1 §E.3: 1st lsb R (Read, Observe, Write-Attributes), 2nd W, 3rd E, 4th D, 5th C.
        let bits = Right::ALL.map(|right| (right.word(), right.bit()));
        assert_eq!(bits, [("read", 1), ("write", 2), ("execute", 4), ("delete", 8), ("create", 16)]);
        for number in 0..32 {
            let rights = Rights::from_bits(number).unwrap();
            assert_eq!(rights.bits(), number);
            assert_eq!(Rights::parse(&rights.to_string()), Some(rights));
            assert_eq!(rights.iter().collect::<Rights>(), rights);
        }
        assert_eq!(Rights::from_bits(3).unwrap().to_string(), "read, write");
        assert_eq!(Rights::NONE.to_string(), "nothing");
        for number in [-1, 32, 256, i64::MAX] {
            assert_eq!(Rights::from_bits(number), None, "{number}");
        }
        assert_eq!(Rights::parse("read, fly"), None);
    }

    #[test]
    fn values_are_read_as_rows_and_written_back() {
        let given = values(&[
            ("/2/0/0", 3),
            ("/2/0/1", 0),
            ("/2/0/2/0", 1),
            ("/2/0/2/101", 15),
            ("/2/0/3", 101),
            ("/2/7/0", 5),
            ("/2/7/1", 65_535),
            ("/2/7/2/102", 16),
            ("/2/7/3", 65_535),
        ]);
        let foreign = values(&[("/1/0/0", 9)]);
        let table = AccessTable::of(given.iter().chain(&foreign).map(|(path, value)| (*path, value)));
        assert_eq!(table.servers(), [101, 102]);
        let back: Vec<(Path, Value)> = table.guards.iter().flat_map(Guard::values).collect();
        assert_eq!(back, given);
        assert!(table.guards[1].creates() && !table.guards[0].creates());
        let strange = guard(&[("/2/0/2/101", 99)]);
        assert_eq!((strange.rights.len(), strange.strange[&101]), (0, 99));
    }

    #[test]
    fn who_is_named_has_that_the_owner_all_and_the_others_the_rest() {
        let some = guard(&[("/2/0/2/0", 1), ("/2/0/2/102", 2), ("/2/0/3", 101)]);
        assert_eq!(some.allowed(101), Rights::OWNER);
        assert_eq!(some.allowed(102).to_string(), "write");
        assert_eq!(some.allowed(103).to_string(), "read");
        // The owner that is named has what stands there.
        let named = guard(&[("/2/0/2/101", 1), ("/2/0/3", 101)]);
        assert_eq!((named.allowed(101).to_string(), named.allowed(7)), ("read".into(), Rights::NONE));
    }

    #[test]
    fn what_does_not_do_what_it_may_be_meant_to_is_said() {
        let row = |guarded: i64, own: i64, owner: i64| {
            guard(&[("/2/0/0", 5), ("/2/0/1", guarded), ("/2/0/2/101", own), ("/2/0/3", owner)]).notes(101)
        };
        assert_eq!(row(0, 15, 101), []);
        assert_eq!(row(0, 31, 101), [AccessNote::CreateOfInstance]);
        assert_eq!(row(65_535, 16, 101), []);
        assert_eq!(row(65_535, 17, 101), [AccessNote::NotCreate]);
        assert_eq!(row(0, 1, 65_535), [AccessNote::Bootstrap]);
        assert_eq!(row(0, 1, 102), [AccessNote::OtherOwner { owner: 102, own: 101 }]);
        assert_eq!(row(0, 0, 101), [AccessNote::LockedOut { own: 101 }]);
        assert_eq!(guard(&[("/2/0/3", 101)]).notes(101), [AccessNote::Unknown]);
        assert!(AccessNote::Bootstrap.to_string().contains("4.01"));
    }
}
