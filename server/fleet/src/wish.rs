//! Wishes: what the devices of a class are observed for without anybody asking, and what came of it.
//!
//! Start with [`Wishes`], the lines that people write for a class. [`plan`] holds them against what a device has registered and
//! what is observed already, and says what is left to ask; [`Kept`] is what is remembered of a device for that.
//! Who carries the steps out is [`Fleet::tend`](crate::Fleet::tend).

mod agenda;
pub use agenda::{Agenda, Tended};

mod change;
pub use change::WishChange;

mod kept;
pub use kept::{Kept, NoComposites, Owned, Trouble, Written};

mod left_out;
pub use left_out::{LeftOut, Why, left_out};

mod line;
pub use line::{Each, Pattern, Wish, WishError};

mod plan;
pub use plan::{Plan, Seen, Step, plan};

use std::fmt;

use objects::Registry;

/// What a class wishes to be told of by its devices, line by line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes(Vec<Wish>);

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct LineError {
    /// Which line, from 1 on.
    pub line: usize,
    /// Why.
    pub error: WishError,
}

impl Wishes {
    /// How many lines a class has at most.
    pub const MAX: usize = 64;

    /// Reads lines; empty ones say nothing. Every line that is wrong is named.
    pub fn parse(text: &str) -> Result<Self, Vec<LineError>> {
        let mut wishes = Vec::<Wish>::new();
        let mut errors = Vec::new();
        let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
        for (at, line) in lines {
            let parsed = line.parse::<Wish>().and_then(|wish| match wishes.len() {
                Self::MAX => Err(WishError::TooMany),
                _ if wishes.iter().any(|other| other.pattern == wish.pattern) => Err(WishError::Twice),
                _ => Ok(wish),
            });
            match parsed {
                Ok(wish) => wishes.push(wish),
                Err(error) => {
                    let too_many = error == WishError::TooMany;
                    errors.push(LineError { line: at + 1, error });
                    if too_many {
                        break;
                    }
                }
            }
        }
        if errors.is_empty() { Ok(Self(wishes)) } else { Err(errors) }
    }

    /// Reads lines and holds them against the definitions of the objects.
    pub fn read(text: &str, registry: &Registry) -> Result<Self, Vec<LineError>> {
        let wishes = Self::parse(text)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let errors = lines.zip(&wishes.0).filter_map(|((at, _), wish)| {
            wish.check(registry).err().map(|error| LineError { line: at + 1, error })
        });
        let errors: Vec<LineError> = errors.collect();
        if errors.is_empty() { Ok(wishes) } else { Err(errors) }
    }

    /// Whether nothing is wished.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &Wish> {
        self.0.iter()
    }
}

/// A line each, as they are read.
impl fmt::Display for Wishes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, wish) in self.0.iter().enumerate() {
            let separator = if at > 0 { "\n" } else { "" };
            write!(f, "{separator}{wish}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
