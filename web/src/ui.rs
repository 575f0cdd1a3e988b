//! The components that pages are made of: what `templates/ui.html` draws.

mod chart;
pub(crate) use chart::{Chart, number};

mod field;
pub(crate) use field::{Choice, Field, Filled, chosen, mend};

mod notice;
pub(crate) use notice::done;

mod tab;
pub(crate) use tab::Tab;
