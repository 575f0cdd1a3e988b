//! Paths: `/3`, `/3/0`, `/3/0/7`, `/3/0/7/1` and the root `/`.

use std::{fmt, str::FromStr};

/// Names a node of a device's data model: the root, an object, an object instance, a resource or a resource instance.
///
/// LwM2M Core 1.1.1 §7.1. Identifiers are 16-bit; 65535 is reserved for every level below the object
/// ("MAX_ID", LwM2M Core 1.1.1 §7.2) and refused by [`FromStr`] and the constructors that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// `/`, the whole device; only composite operations and Bootstrap use it.
    Root,
    /// `/3`
    Object(ObjectId),
    /// `/3/0`
    Instance(ObjectId, InstanceId),
    /// `/3/0/7`
    Resource(ObjectId, InstanceId, ResourceId),
    /// `/3/0/7/1`, since LwM2M 1.1.
    ResourceInstance(ObjectId, InstanceId, ResourceId, ResourceInstanceId),
}

/// Identifies an object: 3 is Device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u16);

/// Identifies an instance of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u16);

/// Identifies a resource within its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u16);

/// Identifies an instance of a multiple-instance resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceInstanceId(pub u16);

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A segment is no number of 0 to 65535 in plain digits.
    #[error("`{segment}` is not an identifier: expected a number from 0 to 65535")]
    NotANumber {
        /// The segment as it was given, cut to 32 characters.
        segment: String,
    },
    /// 65535 names nothing below the object level.
    #[error("65535 is reserved and names no instance or resource")]
    Reserved,
    /// More than four segments.
    #[error("a path has at most four segments, this one has {count}")]
    TooLong {
        /// How many there were.
        count: usize,
    },
    /// It does not start with a slash.
    #[error("a path starts with `/`")]
    NoLeadingSlash,
}

impl Path {
    /// Builds a path from its identifiers; none is the root.
    pub fn from_ids(ids: &[u16]) -> Result<Self, PathError> {
        if ids.iter().skip(1).any(|&id| id == u16::MAX) {
            return Err(PathError::Reserved);
        }
        Ok(match *ids {
            [] => Self::Root,
            [o] => Self::Object(ObjectId(o)),
            [o, i] => Self::Instance(ObjectId(o), InstanceId(i)),
            [o, i, r] => Self::Resource(ObjectId(o), InstanceId(i), ResourceId(r)),
            [o, i, r, ri] => {
                Self::ResourceInstance(ObjectId(o), InstanceId(i), ResourceId(r), ResourceInstanceId(ri))
            }
            _ => return Err(PathError::TooLong { count: ids.len() }),
        })
    }

    /// Builds a path from text segments, as they arrive in Uri-Path options or Location-Path.
    pub fn from_segments<'a>(segments: impl IntoIterator<Item = &'a str>) -> Result<Self, PathError> {
        let mut ids = Vec::with_capacity(4);
        for segment in segments {
            ids.push(identifier(segment)?);
            if ids.len() > 4 {
                return Err(PathError::TooLong { count: ids.len() });
            }
        }
        Self::from_ids(&ids)
    }

    /// The identifiers from the object down; empty for the root.
    pub fn ids(&self) -> Vec<u16> {
        match *self {
            Self::Root => vec![],
            Self::Object(o) => vec![o.0],
            Self::Instance(o, i) => vec![o.0, i.0],
            Self::Resource(o, i, r) => vec![o.0, i.0, r.0],
            Self::ResourceInstance(o, i, r, ri) => vec![o.0, i.0, r.0, ri.0],
        }
    }

    /// How many identifiers it has: 0 for the root, 4 for a resource instance.
    pub fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Object(..) => 1,
            Self::Instance(..) => 2,
            Self::Resource(..) => 3,
            Self::ResourceInstance(..) => 4,
        }
    }

    /// The object it lies in, if it is not the root.
    pub fn object(&self) -> Option<ObjectId> {
        match *self {
            Self::Root => None,
            Self::Object(o)
            | Self::Instance(o, _)
            | Self::Resource(o, ..)
            | Self::ResourceInstance(o, ..) => Some(o),
        }
    }

    /// The object instance it lies in or is.
    pub fn instance(&self) -> Option<InstanceId> {
        match *self {
            Self::Root | Self::Object(_) => None,
            Self::Instance(_, i) | Self::Resource(_, i, _) | Self::ResourceInstance(_, i, ..) => Some(i),
        }
    }

    /// The resource it lies in or is.
    pub fn resource(&self) -> Option<ResourceId> {
        match *self {
            Self::Root | Self::Object(_) | Self::Instance(..) => None,
            Self::Resource(_, _, r) | Self::ResourceInstance(_, _, r, _) => Some(r),
        }
    }

    /// The resource instance it is.
    pub fn resource_instance(&self) -> Option<ResourceInstanceId> {
        match *self {
            Self::ResourceInstance(.., ri) => Some(ri),
            _ => None,
        }
    }

    /// One level up; the root has none.
    pub fn parent(&self) -> Option<Self> {
        match *self {
            Self::Root => None,
            Self::Object(_) => Some(Self::Root),
            Self::Instance(o, _) => Some(Self::Object(o)),
            Self::Resource(o, i, _) => Some(Self::Instance(o, i)),
            Self::ResourceInstance(o, i, r, _) => Some(Self::Resource(o, i, r)),
        }
    }

    /// One level down; a resource instance has none.
    pub fn child(&self, id: u16) -> Option<Self> {
        Some(match *self {
            Self::Root => Self::Object(ObjectId(id)),
            Self::Object(o) => Self::Instance(o, InstanceId(id)),
            Self::Instance(o, i) => Self::Resource(o, i, ResourceId(id)),
            Self::Resource(o, i, r) => Self::ResourceInstance(o, i, r, ResourceInstanceId(id)),
            Self::ResourceInstance(..) => return None,
        })
    }

    /// Whether it is `other` or lies below it. The root contains everything.
    pub fn is_within(&self, other: &Self) -> bool {
        let mut at = Some(*self);
        while let Some(path) = at {
            if path == *other {
                return true;
            }
            at = path.parent();
        }
        false
    }
}

fn identifier(segment: &str) -> Result<u16, PathError> {
    let digits = !segment.is_empty() && segment.len() <= 5 && segment.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| segment.parse().ok())
        .flatten()
        .ok_or_else(|| PathError::NotANumber { segment: segment.chars().take(32).collect() })
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let rest = text.strip_prefix('/').ok_or(PathError::NoLeadingSlash)?;
        if rest.is_empty() {
            return Ok(Self::Root);
        }
        Self::from_segments(rest.strip_suffix('/').unwrap_or(rest).split('/'))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::Root {
            return f.write_str("/");
        }
        self.ids().iter().try_for_each(|id| write!(f, "/{id}"))
    }
}

macro_rules! displayed_as_number {
    ($($id:ident),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
displayed_as_number!(ObjectId, InstanceId, ResourceId, ResourceInstanceId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_survives_text() {
        for text in ["/", "/3", "/3/0", "/3/0/7", "/3/0/7/65534"] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
        assert_eq!("/3/0/".parse::<Path>(), "/3/0".parse());
    }

    #[test]
    fn texts_that_are_no_paths_say_why() {
        assert_eq!("3/0".parse::<Path>(), Err(PathError::NoLeadingSlash));
        assert_eq!("/3/65535".parse::<Path>(), Err(PathError::Reserved));
        assert_eq!("/1/2/3/4/5".parse::<Path>(), Err(PathError::TooLong { count: 5 }));
        for bad in ["/+3", "//", "/3//1", "/65536", "/-1", "/3a", "/００3"] {
            assert!(matches!(bad.parse::<Path>(), Err(PathError::NotANumber { .. })), "{bad}");
        }
    }

    #[test]
    fn containment_follows_the_tree() {
        let resource: Path = "/3/0/7".parse().unwrap();
        assert!(resource.is_within(&Path::Root));
        assert!(resource.is_within(&Path::Object(ObjectId(3))));
        assert!(!resource.is_within(&Path::Object(ObjectId(30))));
        assert!(!Path::Object(ObjectId(3)).is_within(&resource));
        assert_eq!(resource.child(1).unwrap().parent(), Some(resource));
    }
}
