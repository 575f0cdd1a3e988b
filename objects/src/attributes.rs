//! Notification attributes: when an observed node is reported.
//!
//! [`Attributes`] is a set of them as it stands at one level of the data model; [`Attribute`] names one. What a lower
//! level does not say is inherited from the level above: [`Attributes::merged_over`].

use std::fmt;

use crate::{DataType, Path, Version};

/// The `<NOTIFICATION>` attributes of one node. LwM2M Core 1.1.1 §5.1.2 and §7.3; `edge`, `con` and `hqmax` by 1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attributes {
    /// Minimum Period: seconds that pass at least between two notifications.
    pub pmin: Option<u32>,
    /// Maximum Period: seconds that pass at most between two notifications.
    pub pmax: Option<u32>,
    /// Minimum Evaluation Period: seconds that pass at least between two samples of the resource.
    pub epmin: Option<u32>,
    /// Maximum Evaluation Period: seconds that pass at most between two samples of the resource.
    pub epmax: Option<u32>,
    /// Greater Than: a crossing of this value is reported.
    pub gt: Option<f64>,
    /// Less Than: a crossing of this value is reported.
    pub lt: Option<f64>,
    /// Step: a change by this much since the last report is reported.
    pub st: Option<f64>,
    /// Edge: which change of a Boolean is reported, true for rising and false for falling.
    pub edge: Option<bool>,
    /// Confirmable Notification: whether notifications are sent confirmable.
    pub con: Option<bool>,
    /// Maximum Historical Queue: how many notifications the device keeps while it can't report.
    pub hqmax: Option<u32>,
}

/// The name of one notification attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// Minimum Period
    Pmin,
    /// Maximum Period
    Pmax,
    /// Minimum Evaluation Period
    Epmin,
    /// Maximum Evaluation Period
    Epmax,
    /// Greater Than
    Gt,
    /// Less Than
    Lt,
    /// Step
    St,
    /// Edge
    Edge,
    /// Confirmable Notification
    Con,
    /// Maximum Historical Queue
    Hqmax,
}

/// Why a query is no attribute, or a set of attributes can't be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AttributeError {
    /// No attribute has this name.
    #[error("there is no notification attribute `{name}`")]
    Unknown {
        /// The name as it was given, cut to 32 characters.
        name: String,
    },
    /// The same attribute twice.
    #[error("`{attribute}` is given twice")]
    Repeated {
        /// Which one.
        attribute: Attribute,
    },
    /// The value does not have the attribute's form.
    #[error("`{attribute}` is {expected}")]
    Value {
        /// Which one.
        attribute: Attribute,
        /// What its value looks like.
        expected: &'static str,
    },
    /// `pmin` above `pmax`.
    #[error("pmin ({pmin} s) must not be above pmax ({pmax} s)")]
    Period {
        /// Seconds.
        pmin: u32,
        /// Seconds.
        pmax: u32,
    },
    /// `epmin` not below `epmax`.
    #[error("epmin ({epmin} s) must be below epmax ({epmax} s)")]
    EvaluationPeriod {
        /// Seconds.
        epmin: u32,
        /// Seconds.
        epmax: u32,
    },
    /// `lt + 2·st` not below `gt`.
    #[error("lt + 2·st must be below gt: {lt} + 2·{st} is not below {gt}")]
    Thresholds {
        /// Less Than.
        lt: f64,
        /// Step, 0 where there is none.
        st: f64,
        /// Greater Than.
        gt: f64,
    },
    /// A step below zero.
    #[error("st must not be negative, it is {st}")]
    NegativeStep {
        /// Step.
        st: f64,
    },
}

impl Attributes {
    /// Reads the queries of a Write-Attributes: `pmin=10` sets, `pmin` alone unsets.
    ///
    /// Gives what is set, and which are unset. The set is not [checked](Self::check) yet: what it is laid over counts too.
    pub fn parse_queries<'a>(
        queries: impl Iterator<Item = &'a str>,
    ) -> Result<(Self, Vec<Attribute>), AttributeError> {
        let mut set = Self::default();
        let mut seen = Vec::new();
        let mut unset = Vec::new();
        for query in queries {
            let (name, value) =
                query.split_once('=').map_or((query, None), |(name, value)| (name, Some(value)));
            let attribute = Attribute::from_name(name)
                .ok_or_else(|| AttributeError::Unknown { name: name.chars().take(32).collect() })?;
            if seen.contains(&attribute) {
                return Err(AttributeError::Repeated { attribute });
            }
            seen.push(attribute);
            match value {
                Some(value) => set.set(attribute, value)?,
                None => unset.push(attribute),
            }
        }
        Ok((set, unset))
    }

    /// Sets one attribute from the text of its value. On an error it stays as it was.
    pub fn set(&mut self, attribute: Attribute, value: &str) -> Result<(), AttributeError> {
        let wrong = || AttributeError::Value { attribute, expected: attribute.form() };
        match attribute {
            Attribute::Pmin => self.pmin = Some(count(value).ok_or_else(wrong)?),
            Attribute::Pmax => self.pmax = Some(count(value).ok_or_else(wrong)?),
            Attribute::Epmin => self.epmin = Some(count(value).ok_or_else(wrong)?),
            Attribute::Epmax => self.epmax = Some(count(value).ok_or_else(wrong)?),
            Attribute::Gt => self.gt = Some(number(value).ok_or_else(wrong)?),
            Attribute::Lt => self.lt = Some(number(value).ok_or_else(wrong)?),
            Attribute::St => self.st = Some(number(value).ok_or_else(wrong)?),
            Attribute::Edge => self.edge = Some(flag(value).ok_or_else(wrong)?),
            Attribute::Con => self.con = Some(flag(value).ok_or_else(wrong)?),
            Attribute::Hqmax => self.hqmax = Some(count(value).ok_or_else(wrong)?),
        }
        Ok(())
    }

    /// Takes one attribute away.
    pub fn unset(&mut self, attribute: Attribute) {
        match attribute {
            Attribute::Pmin => self.pmin = None,
            Attribute::Pmax => self.pmax = None,
            Attribute::Epmin => self.epmin = None,
            Attribute::Epmax => self.epmax = None,
            Attribute::Gt => self.gt = None,
            Attribute::Lt => self.lt = None,
            Attribute::St => self.st = None,
            Attribute::Edge => self.edge = None,
            Attribute::Con => self.con = None,
            Attribute::Hqmax => self.hqmax = None,
        }
    }

    /// The text of one attribute's value, if it is set.
    pub fn text(&self, attribute: Attribute) -> Option<String> {
        let flag = |flag: bool| String::from(if flag { "1" } else { "0" });
        match attribute {
            Attribute::Pmin => self.pmin.map(|value| value.to_string()),
            Attribute::Pmax => self.pmax.map(|value| value.to_string()),
            Attribute::Epmin => self.epmin.map(|value| value.to_string()),
            Attribute::Epmax => self.epmax.map(|value| value.to_string()),
            Attribute::Gt => self.gt.map(number_text),
            Attribute::Lt => self.lt.map(number_text),
            Attribute::St => self.st.map(number_text),
            Attribute::Edge => self.edge.map(flag),
            Attribute::Con => self.con.map(flag),
            Attribute::Hqmax => self.hqmax.map(|value| value.to_string()),
        }
    }

    /// Which attributes are set, in the order of [`Attribute::ALL`].
    pub fn names(&self) -> impl Iterator<Item = Attribute> {
        Attribute::ALL.into_iter().filter(|attribute| self.text(*attribute).is_some())
    }

    /// The queries that set these attributes: `pmin=10`, in the order of [`Attribute::ALL`].
    pub fn to_queries(&self) -> Vec<String> {
        let query = |attribute: Attribute| Some(format!("{attribute}={}", self.text(attribute)?));
        Attribute::ALL.into_iter().filter_map(query).collect()
    }

    /// Whether they can stand together: `pmin ≤ pmax`, `epmin < epmax`, `lt + 2·st < gt`, `st ≥ 0`.
    // LwM2M Core 1.1.1 §7.3.2
    pub fn check(&self) -> Result<(), AttributeError> {
        if let (Some(pmin), Some(pmax)) = (self.pmin, self.pmax)
            && pmin > pmax
        {
            return Err(AttributeError::Period { pmin, pmax });
        }
        if let (Some(epmin), Some(epmax)) = (self.epmin, self.epmax)
            && epmin >= epmax
        {
            return Err(AttributeError::EvaluationPeriod { epmin, epmax });
        }
        if let Some(st) = self.st.filter(|st| *st < 0.0) {
            return Err(AttributeError::NegativeStep { st });
        }
        if let (Some(lt), Some(gt)) = (self.lt, self.gt) {
            let st = self.st.unwrap_or(0.0);
            if lt + 2.0 * st >= gt {
                return Err(AttributeError::Thresholds { lt, st, gt });
            }
        }
        Ok(())
    }

    /// These attributes where they are set, `lower` where they are not: a level laid over the one it inherits from, or
    /// a change laid over what stood before.
    #[must_use]
    pub fn merged_over(&self, lower: &Self) -> Self {
        Self {
            pmin: self.pmin.or(lower.pmin),
            pmax: self.pmax.or(lower.pmax),
            epmin: self.epmin.or(lower.epmin),
            epmax: self.epmax.or(lower.epmax),
            gt: self.gt.or(lower.gt),
            lt: self.lt.or(lower.lt),
            st: self.st.or(lower.st),
            edge: self.edge.or(lower.edge),
            con: self.con.or(lower.con),
            hqmax: self.hqmax.or(lower.hqmax),
        }
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Attribute {
    /// All of them, in the order of the specification.
    pub const ALL: [Self; 10] = [
        Self::Pmin,
        Self::Pmax,
        Self::Gt,
        Self::Lt,
        Self::St,
        Self::Epmin,
        Self::Epmax,
        Self::Edge,
        Self::Con,
        Self::Hqmax,
    ];

    /// The name in a query or a link.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pmin => "pmin",
            Self::Pmax => "pmax",
            Self::Epmin => "epmin",
            Self::Epmax => "epmax",
            Self::Gt => "gt",
            Self::Lt => "lt",
            Self::St => "st",
            Self::Edge => "edge",
            Self::Con => "con",
            Self::Hqmax => "hqmax",
        }
    }

    /// The attribute of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }

    /// The version of LwM2M that brought it.
    pub fn since(self) -> Version {
        match self {
            Self::Pmin | Self::Pmax | Self::Gt | Self::Lt | Self::St => Version::V1_0,
            Self::Epmin | Self::Epmax => Version::V1_1,
            Self::Edge | Self::Con | Self::Hqmax => Version::V1_2,
        }
    }

    /// Whether it can be set at the level of `path` on a device of version `lwm2m`.
    ///
    /// Nothing can be set at the root; thresholds and `edge` only where values are; resource instances know attributes
    /// since LwM2M 1.1.
    pub fn applies_to(self, path: &Path, lwm2m: Version) -> bool {
        let level = match path {
            Path::Root => false,
            Path::Object(_) | Path::Instance(..) => {
                !matches!(self, Self::Gt | Self::Lt | Self::St | Self::Edge)
            }
            Path::Resource(..) => true,
            Path::ResourceInstance(..) => lwm2m >= Version::V1_1,
        };
        level && lwm2m >= self.since()
    }

    /// Whether it means something for values of `data_type`: thresholds for numbers, `edge` for Boolean.
    pub fn fits(self, data_type: DataType) -> bool {
        match self {
            Self::Gt | Self::Lt | Self::St => {
                matches!(data_type, DataType::Integer | DataType::Unsigned | DataType::Float | DataType::Time)
            }
            Self::Edge => data_type == DataType::Boolean,
            _ => true,
        }
    }

    fn form(self) -> &'static str {
        match self {
            Self::Pmin | Self::Pmax | Self::Epmin | Self::Epmax => {
                "a whole number of seconds, 0 to 4294967295"
            }
            Self::Gt | Self::Lt | Self::St => "a decimal number, such as 21.5",
            Self::Edge => "1 for rising or 0 for falling",
            Self::Con => "1 for confirmable or 0 for not",
            Self::Hqmax => "a whole number of notifications, 0 to 4294967295",
        }
    }
}

fn count(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// Plain digits as long as that stays short: few devices read an exponent, and a query holds 255 bytes.
fn number_text(number: f64) -> String {
    let plain = number.to_string();
    if plain.len() <= LONGEST_PLAIN_NUMBER { plain } else { format!("{number:e}") }
}

const LONGEST_PLAIN_NUMBER: usize = 32;

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
