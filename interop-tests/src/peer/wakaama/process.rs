//! The process of a client: its standard input stays open as long as it lives, for at its end the client loops, and logs
//! megabytes a second.

use std::{
    io::{Read, Write},
    net::UdpSocket,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

use tokio::sync::mpsc;

/// A client that runs. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    heard: Option<mpsc::UnboundedReceiver<String>>,
}

impl Process {
    /// Starts a client on a port that is free.
    pub(super) fn start(binary: &Path, arguments: &[String]) -> Self {
        // One pipe for both of its outputs, so that what it says comes in the order it was said.
        let (mut from, to) = std::io::pipe().expect("a pipe can be made");
        let errors = to.try_clone().expect("a pipe has any number of ends");
        let mut child = Command::new(binary)
            .args(arguments)
            .args(["-l", &free_port().to_string()])
            .stdin(Stdio::piped())
            .stdout(to)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{} can't be run: {error}", binary.display()));
        let (heard_in, heard) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(len @ 1..) = from.read(&mut buffer) {
                let said = String::from_utf8_lossy(&buffer[..len]).into_owned();
                if std::env::var_os("WAKAAMA_LOG").is_some() {
                    eprint!("{said}");
                }
                drop(heard_in.send(said));
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, heard: Some(heard) }
    }

    /// Gives it a command.
    pub(super) fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            // A client that has ended says so by the end of what it says.
            drop(writeln!(stdin, "{line}").and_then(|()| stdin.flush()));
        }
    }

    /// What it says next; nothing at its end.
    pub(super) async fn hear(&mut self) -> Option<String> {
        match &mut self.heard {
            Some(heard) => heard.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Expects nothing more of it.
    pub(super) fn forget(&mut self) {
        self.heard = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Between this and its use somebody else may take the port; the system hands them out in turn, so it takes a while.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.local_addr());
    socket.expect("a port is free").port()
}
