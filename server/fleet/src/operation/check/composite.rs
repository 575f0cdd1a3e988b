//! Composite operations: LwM2M Core 1.1.1 §6.3.8, §6.3.9 and §6.4.4.

use objects::{ContentFormat, Path, Value, Version, codec};

use super::{Check, allowed, finite, fits, not_multiple};
use crate::{BadOperation, Operation, Paths};

impl Check<'_> {
    pub(super) fn composite(&self) -> Result<(), BadOperation> {
        self.since(true, Version::V1_1, "an operation on several nodes at once")?;
        match self.operation {
            Operation::ReadComposite { paths, format } | Operation::ObserveComposite { paths, format } => {
                self.composite_format(*format)?;
                paths_stand_together(paths)?;
                // What the device does not have it leaves out, so that may be asked for.
                paths.iter().try_for_each(|path| self.at(*path).may(|allowed| allowed.read, "read"))
            }
            Operation::WriteComposite { values, format } => {
                self.composite_format(*format)?;
                let paths: Paths = values.keys().copied().collect();
                paths_stand_together(&paths)?;
                values.iter().try_for_each(|(path, value)| self.at(*path).composite_value(value))
            }
            _ => Ok(()),
        }
    }

    /// The same for one of several paths.
    fn at(&self, path: Path) -> Check<'_> {
        Check { path, ..*self }
    }

    fn composite_value(&self, value: &Value) -> Result<(), BadOperation> {
        let path = self.path;
        self.level()?;
        self.registered()?;
        let Some(model) = self.models.resource_at(&path) else { return finite(path, value) };
        allowed(model, path, |allowed| allowed.write, "written")?;
        // A value of its own, or one of several that the path names.
        if model.multiple != path.resource_instance().is_some() {
            return Err(not_multiple(model, path));
        }
        fits(model, path, value)
    }

    fn composite_format(&self, format: Option<ContentFormat>) -> Result<(), BadOperation> {
        match format.filter(|format| !codec::is_composite(*format)) {
            Some(format) => {
                let operation = self.operation.name();
                Err(BadOperation::Format { format, operation, path: Path::Root })
            }
            None => Ok(()),
        }
    }
}

/// What lies within another is asked for twice. Leshan's server refuses it, and clients differ in what they make of it.
fn paths_stand_together(paths: &Paths) -> Result<(), BadOperation> {
    let count = paths.len();
    match paths.overlap() {
        _ if count == 0 => Err(BadOperation::NoPaths),
        _ if count > Paths::MAX => Err(BadOperation::TooManyPaths { count }),
        Some((path, other)) => Err(BadOperation::Overlap { path, other }),
        None => Ok(()),
    }
}
