//! What a process takes, as the kernel tells (proc(5)).

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// The server's process. Its number changes when it is started again.
#[derive(Clone, Debug, Default)]
pub struct Process(Arc<AtomicU32>);

impl Process {
    /// The process of this number.
    pub fn new(pid: u32) -> Self {
        Self(Arc::new(AtomicU32::new(pid)))
    }

    /// It is another one from now on.
    pub fn set(&self, pid: u32) {
        self.0.store(pid, Ordering::Relaxed);
    }

    /// The time it has run on all processors. A new process begins at nothing.
    pub fn cpu(&self) -> Option<Duration> {
        let stat = fs::read_to_string(self.file("stat")).ok()?;
        // The name, in brackets, may hold anything. After it, utime and stime are the 12th and 13th.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
        // USER_HZ, on every architecture that matters here.
        Some(Duration::from_millis(ticks * 10))
    }

    /// Its resident memory, in bytes.
    pub fn rss_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(self.file("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_takes_time_and_memory() {
        let own = Process::new(std::process::id());
        assert!(own.rss_bytes().unwrap() > 1 << 20);
        let before = own.cpu().unwrap();
        while own.cpu().unwrap() == before {
            std::hint::black_box((0..100_000).sum::<u64>());
        }
        assert_eq!(Process::new(u32::MAX).cpu(), None);
    }
}
