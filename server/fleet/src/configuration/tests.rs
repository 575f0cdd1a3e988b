//! What is desired of devices, and what becomes of it.

mod doubt;
mod fleet;
mod merge;
mod steps;
mod take_back;
mod text;
mod world;

use objects::{Path, Value};

use super::*;
use crate::{ClassId, DeviceId, GroupId, Timestamp};

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn value(at: &str, number: i64) -> Line {
    Line { path: path(at), want: Want::Value(Value::Integer(number)) }
}

fn baseline(level: Level, lines: Vec<Line>) -> Baseline {
    let draft = Draft { lines, ..Draft::default() };
    Baseline { level, version: 1, draft, rolls_back_to: None, by: "ada".into(), at: Timestamp(0) }
}

fn layer<'b>(baseline: &'b Baseline, name: &'b str, rank: i32) -> Layer<'b> {
    Layer { baseline, name, rank }
}

fn desired(lines: Vec<Line>, mode: Mode) -> Desired {
    let mut baseline = baseline(Level::Fleet, lines);
    baseline.draft.mode = mode;
    Desired::merge([layer(&baseline, "fleet", 0)])
}
