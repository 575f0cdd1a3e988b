//! A client that is a process: lines in, lines out, and an end.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use super::{NotDone, Task};
use crate::Deadline;

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Process {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> Self {
        // One pipe for both of its outputs, so that what it says comes in the order it was said.
        let (from, to) = std::io::pipe().expect("a pipe can be made");
        let errors = to.try_clone().expect("a pipe has any number of ends");
        let spawned = command.stdin(Stdio::piped()).stdout(to).stderr(errors).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?} can't be run: {error}"));
        // The command holds ends of the pipe as long as it has them.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (lines_in, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                drop(lines_in.send(String::from_utf8_lossy(&line).into_owned()));
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines, said: Vec::new() }
    }

    /// Tells it a line.
    pub(super) fn tell(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            // One that has ended says so by the end of what it says.
            drop(writeln!(stdin, "{line}").and_then(|()| stdin.flush()));
        }
    }

    /// Waits for a line of its.
    pub(super) fn hear(&mut self, is: impl Fn(&str) -> bool) -> Result<String, NotDone> {
        let deadline = Deadline::after(Task::WITHIN);
        while let Ok(line) = self.lines.recv_timeout(deadline.left()) {
            self.said.push(line);
            let line = self.said.last().expect("it was put there");
            if is(line) {
                return Ok(line.clone());
            }
        }
        Err(self.failed())
    }

    /// Waits until it has ended by itself.
    pub(super) fn end(&mut self) -> Result<(), NotDone> {
        self.stdin = None;
        let deadline = Deadline::after(Task::WITHIN);
        loop {
            match self.child.try_wait().expect("it is a child of this process") {
                Some(status) if status.success() => return Ok(()),
                Some(_) => return Err(self.failed()),
                None if deadline.has_passed() => return Err(self.failed()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn failed(&mut self) -> NotDone {
        self.said.extend(self.lines.try_iter());
        NotDone::Failed(self.said.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
