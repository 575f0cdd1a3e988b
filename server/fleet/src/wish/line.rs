//! One line: which resources, and when they are reported.

use std::{fmt, str::FromStr};

use objects::{
    Attribute, AttributeError, Attributes, DataType, InstanceId, ObjectId, Path, Registry, Version,
    link::ObjectLinks,
};

/// What is wished: `/3303/*/5700 pmin=10 gt=25`.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Which resources.
    pub pattern: Pattern,
    /// When they are reported; none for what the device does by itself.
    pub attributes: Attributes,
}

/// A path, or that of each instance an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// This one.
    One(Path),
    /// Of each instance that the device registers.
    Each(Each),
}

/// `/3303/*`, `/3303/*/5700` or `/16/*/0/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Each(Path);

/// Why a line is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WishError {
    /// The attributes have not their form, or can't stand together.
    #[error("{0}")]
    Attribute(#[from] AttributeError),
    /// An attribute where it says nothing.
    #[error("{attribute} can't be set at {pattern}: thresholds stand at resources")]
    AttributeLevel {
        /// Which attribute.
        attribute: Attribute,
        /// Where.
        pattern: Pattern,
    },
    /// An attribute that says nothing about values of this type.
    #[error("{attribute} means nothing for {pattern}, whose values are of type {data_type}")]
    AttributeType {
        /// Which attribute.
        attribute: Attribute,
        /// Where.
        pattern: Pattern,
        /// Of which type.
        data_type: DataType,
    },
    /// An attribute without a value.
    #[error("{attribute} needs a value, as in {attribute}=10")]
    NoValue {
        /// Which attribute.
        attribute: Attribute,
    },
    /// A path into what has no instances.
    #[error("{pattern}: the resource has one value, leave the last number out")]
    NotMultiple {
        /// Where.
        pattern: Pattern,
    },
    /// What can't be read can't be observed.
    #[error("{pattern} can't be read, and so not observed")]
    NotReadable {
        /// Where.
        pattern: Pattern,
    },
    /// It is no path.
    #[error("`{text}` is no path such as /3/0/9 or /3303/*/5700, with attributes such as pmin=10 behind it")]
    Path {
        /// What stands there, cut to 64 characters.
        text: String,
    },
    /// More lines than a class may have.
    #[error("a class has {max} lines at most; an object or an instance names all of its resources", max = super::Wishes::MAX)]
    TooMany,
    /// Two lines of one path.
    #[error("the same path stands in a line above")]
    Twice,
    /// Nobody has defined the object.
    #[error("object {0} is not known here: upload its definition first", object.0)]
    UnknownObject {
        /// Which.
        object: ObjectId,
    },
    /// The object has no such resource.
    #[error("{pattern}: the object has no such resource in any version that is known here")]
    UnknownResource {
        /// Where.
        pattern: Pattern,
    },
}

impl Wish {
    /// Whether the definitions of the objects, in any version, bear it.
    pub fn check(&self, registry: &Registry) -> Result<(), WishError> {
        let (pattern, path) = (self.pattern, self.pattern.sample());
        let object = path.object().ok_or_else(|| no_path("/"))?;
        for attribute in self.attributes.names() {
            if !attribute.applies_to(&path, LATEST) {
                return Err(WishError::AttributeLevel { attribute, pattern });
            }
        }
        let versions: Vec<Version> = registry.versions(object).collect();
        if versions.is_empty() {
            return Err(WishError::UnknownObject { object });
        }
        let Some(resource) = path.resource() else { return Ok(()) };
        let models =
            versions.iter().rev().filter_map(|version| registry.resource(object, *version, resource));
        let models: Vec<_> = models.collect();
        let model = models.iter().find(|model| model.operations.read);
        let model = match model {
            Some(model) => model,
            None if models.is_empty() => return Err(WishError::UnknownResource { pattern }),
            None => return Err(WishError::NotReadable { pattern }),
        };
        if path.resource_instance().is_some() && !models.iter().any(|model| model.multiple) {
            return Err(WishError::NotMultiple { pattern });
        }
        let Some(data_type) = model.data_type else { return Ok(()) };
        match self.attributes.names().find(|attribute| !attribute.fits(data_type)) {
            Some(attribute) => Err(WishError::AttributeType { attribute, pattern, data_type }),
            None => Ok(()),
        }
    }
}

/// Every attribute that a line may hold is known to the latest version; what a device does not know is left out for it.
const LATEST: Version = Version { major: 1, minor: 2 };

impl Pattern {
    /// The paths it names of a device: none of an object or instance that it did not register.
    pub fn paths(&self, links: &ObjectLinks) -> Vec<Path> {
        let entry = self.sample().object().and_then(|object| links.objects.get(&object));
        let Some(entry) = entry else { return Vec::new() };
        match self {
            Self::One(path) => {
                let there = path.instance().is_none_or(|instance| entry.instances.contains(&instance));
                there.then_some(*path).into_iter().collect()
            }
            Self::Each(each) => entry.instances.iter().filter_map(|instance| each.of(*instance)).collect(),
        }
    }

    /// The path, or that of a first instance.
    fn sample(&self) -> Path {
        match self {
            Self::One(path) | Self::Each(Each(path)) => *path,
        }
    }
}

impl Each {
    fn of(&self, instance: InstanceId) -> Option<Path> {
        let mut ids = self.0.ids();
        *ids.get_mut(1)? = instance.0;
        Path::from_ids(&ids).ok()
    }
}

impl FromStr for Pattern {
    type Err = WishError;

    fn from_str(text: &str) -> Result<Self, WishError> {
        let mut segments: Vec<&str> = text.split('/').collect();
        let each = segments.get(2) == Some(&"*");
        if each {
            segments[2] = "0";
        }
        let path: Path = segments.join("/").parse().map_err(|_| no_path(text))?;
        match path {
            Path::Root => Err(no_path(text)),
            path if each => Ok(Self::Each(Each(path))),
            path => Ok(Self::One(path)),
        }
    }
}

impl FromStr for Wish {
    type Err = WishError;

    fn from_str(text: &str) -> Result<Self, WishError> {
        let mut words = text.split_whitespace();
        let pattern: Pattern = words.next().unwrap_or_default().parse()?;
        let (attributes, unset) = Attributes::parse_queries(words)?;
        if let Some(attribute) = unset.first() {
            return Err(WishError::NoValue { attribute: *attribute });
        }
        attributes.check()?;
        Ok(Self { pattern, attributes })
    }
}

fn no_path(text: &str) -> WishError {
    WishError::Path { text: text.chars().take(64).collect() }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(path) => path.fmt(f),
            Self::Each(Each(path)) => path.ids().iter().enumerate().try_for_each(|(at, id)| match at {
                1 => f.write_str("/*"),
                _ => write!(f, "/{id}"),
            }),
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pattern.fmt(f)?;
        self.attributes.to_queries().iter().try_for_each(|query| write!(f, " {query}"))
    }
}
