//! What happened, line by line: the last lines are kept to be printed, and all of them go into a hash, by which two runs of
//! a seed are compared.

use std::{collections::VecDeque, fmt, fmt::Write, time::Duration};

/// What happened in a run.
#[derive(Debug)]
pub struct Trace {
    kept: VecDeque<String>,
    keep: usize,
    lines: u64,
    hash: u64,
}

/// How many lines a failure shows.
pub const TAIL: usize = 400;

/// FNV-1a (draft-eastlake-fnv), 64 bits: for telling runs apart, not for safety.
const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl Trace {
    /// One that keeps so many lines.
    pub fn new(keep: usize) -> Self {
        Self { kept: VecDeque::new(), keep, lines: 0, hash: OFFSET_BASIS }
    }

    /// Writes a line.
    pub fn note(&mut self, at: Duration, what: fmt::Arguments<'_>) {
        let mut line =
            if self.kept.len() >= self.keep { self.kept.pop_front() } else { None }.unwrap_or_default();
        line.clear();
        write!(line, "{:>10}.{:03} {what}", at.as_secs(), at.subsec_millis())
            .expect("a string takes all text");
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
        self.lines += 1;
        if self.keep > 0 {
            self.kept.push_back(line);
        }
    }

    /// What all lines so far hash to.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many lines there were.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The last lines.
    pub fn tail(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(String::as_str)
    }
}
