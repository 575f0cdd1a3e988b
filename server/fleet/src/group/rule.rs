//! Rules: which devices a group holds, in CEL (cel.dev) over what is known of a device.
//!
//! [`Rule::compile`] reads and checks a rule once; [`Rule::holds`] asks it about the [`Facts`] of one device. What a rule may
//! name is in [`check`]: there are no regular expressions and nothing that makes lists or texts, and a list is gone through
//! once, so that what one evaluation may cost is bounded by the size of the rule and that of the device's registration.

use std::collections::BTreeSet;

use cel::{Value, parser::Expression};
use objects::Path;

mod check;
mod facts;
pub use facts::Facts;

/// A rule that was read and checked.
#[derive(Clone, Debug)]
pub struct Rule {
    expression: Expression,
    paths: BTreeSet<Path>,
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct RuleError {
    /// Where: the line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

/// Why it can't be said whether a rule holds for a device. Such a device is not in the group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecided(pub String);

impl Rule {
    /// The longest rule, in bytes.
    pub const MAX_BYTES: usize = 2_000;
    /// How deep its parts may lie in one another.
    pub const MAX_DEPTH: usize = 24;
    /// How many parts it may have.
    pub const MAX_PARTS: usize = 400;
    /// How many paths it may name.
    pub const MAX_PATHS: usize = 16;

    /// Reads and checks a rule.
    pub fn compile(text: &str) -> Result<Self, RuleError> {
        bounded(text)?;
        let parser =
            cel::parser::Parser::new().max_recursion_depth(Self::MAX_NESTING).error_recovery_limit(1);
        let (expression, source) = parser.parse_with_source_info(text).map_err(|errors| {
            let first = errors.errors.into_iter().next();
            let (line, column) = first.as_ref().map_or((1, 1), |error| error.pos);
            let reason = first.map_or_else(String::new, |error| error.msg);
            let at = |place: isize| usize::try_from(place).unwrap_or(1).max(1);
            RuleError { line: at(line), column: at(column), reason }
        })?;
        let paths = check::check(&expression, |id| {
            source.offset_for(id).map_or(0, |(start, _)| usize::try_from(start).unwrap_or(0))
        });
        let paths = paths.map_err(|wrong| RuleError::at(text, wrong.offset, wrong.reason))?;
        Ok(Self { expression, paths })
    }

    /// The resources whose values it looks at.
    pub fn paths(&self) -> &BTreeSet<Path> {
        &self.paths
    }

    /// Whether it holds for a device.
    pub fn holds(&self, facts: &Facts) -> Result<bool, Undecided> {
        match Value::resolve(&self.expression, facts.context()) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err(Undecided("the rule is neither true nor false".to_owned())),
            Err(error) => Err(Undecided(error.to_string())),
        }
    }

    /// How often the grammar may step into itself; a part takes up to this many steps of it.
    const MAX_NESTING: u16 = 96;
}

impl RuleError {
    /// At so many bytes from the beginning of the text.
    fn at(text: &str, offset: usize, reason: String) -> Self {
        let before = text.char_indices().take_while(|(at, _)| *at < offset);
        let before: String = before.map(|(_, letter)| letter).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        Self { line, column, reason }
    }
}

/// What is refused before it is read: the parser goes as deep as a text says, also through a chain of dots.
fn bounded(text: &str) -> Result<(), RuleError> {
    if text.len() > Rule::MAX_BYTES {
        return Err(RuleError::at(text, 0, format!("a rule has at most {} bytes", Rule::MAX_BYTES)));
    }
    if text.trim().is_empty() {
        return Err(RuleError::at(
            text,
            0,
            "a rule says which devices it is about, as in class == \"meters\"".into(),
        ));
    }
    let mut marks = text.char_indices().filter(|(_, letter)| "([{.?!-+*/%".contains(*letter));
    match marks.nth(Rule::MAX_PARTS) {
        Some((offset, _)) => {
            Err(RuleError::at(text, offset, format!("a rule has at most {} parts", Rule::MAX_PARTS)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
