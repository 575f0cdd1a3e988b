//! What was stored of an observation keeps its place among its notifications: `delivery.observe`, and `observation.number` of the
//! answer that began it.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0006_notified", up: UP, down: DOWN };

const UP: &str = "
ALTER TABLE delivery ADD COLUMN observe INTEGER;
ALTER TABLE observation ADD COLUMN number INTEGER;
";

const DOWN: &str = "
ALTER TABLE observation DROP COLUMN number;
ALTER TABLE delivery DROP COLUMN observe;
";
