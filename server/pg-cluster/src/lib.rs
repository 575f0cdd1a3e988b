//! A throwaway PostgreSQL for tests: a cluster in a folder of its own, on a port of its own, gone when the tests are.
//!
//! Start with [`Cluster::shared`]: one cluster for all the tests of a process, a database for each. A test that stops the
//! server or kills parts of it takes one for itself with [`Cluster::start`]. Where PostgreSQL is not installed a test says so
//! and is skipped, except with `CI=true`, where that is a failure.
//!
//! It acknowledges commits before they are durable unless a session demands otherwise, so that a store that forgets to demand
//! it is found out.

use std::{
    env, fs, io,
    net::TcpListener,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;

/// A cluster that runs.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    databases: AtomicU32,
    /// Ends the cluster when this process ends, however it does: see [`guard`].
    guard: Child,
}

/// How it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Sessions are ended, and what is in memory is written.
    Fast,
    /// All its processes are ended where they are: the next start is a recovery.
    Immediate,
}

impl Cluster {
    /// The one that the tests of this process share; the first that asks starts it. None: there is no PostgreSQL here, and
    /// standard error says so.
    ///
    /// # Panics
    /// If it is not there and `CI` is `true`, or if it does not start.
    pub fn shared(test: &str) -> Option<&'static Self> {
        static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(Cluster::start_if_installed);
        SHARED.as_ref().or_else(|| skip(test))
    }

    /// One for a single test.
    ///
    /// # Panics
    /// As [`Cluster::shared`].
    pub fn start(test: &str) -> Option<Self> {
        Self::start_if_installed().or_else(|| skip(test))
    }

    fn start_if_installed() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("pg-cluster-").tempdir().expect("a folder can be made");
        if is_root() {
            // PostgreSQL refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let data = folder.path().join("data");
        run(program(&programs, "initdb")
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres"])
            .arg("--pgdata")
            .arg(&data));
        let guard = guard(&programs, &data, folder.path());
        let cluster = Self { folder, programs, port: free_port(), databases: AtomicU32::new(0), guard };
        cluster.start_again();
        Some(cluster)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A name for one more database.
    pub fn name(&self) -> String {
        format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed))
    }

    /// Makes one more database, and says its name.
    pub fn database(&self) -> String {
        let name = self.name();
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs SQL as the superuser, and says what came of it: a line a row, `|` between columns.
    ///
    /// # Panics
    /// If it fails.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        run(Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
            .args(["--dbname", &self.url(database), "--command", sql]))
    }

    /// Stops it.
    pub fn stop(&self, how: Stop) {
        let mode = match how {
            Stop::Fast => "--mode=fast",
            Stop::Immediate => "--mode=immediate",
        };
        run(self.control("stop").arg(mode));
    }

    /// Starts it after a stop, and waits until it answers.
    pub fn start_again(&self) {
        let options = format!(
            "-c port={} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off \
             -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB",
            self.port,
            self.folder.path().display(),
        );
        let log = self.folder.path().join("log");
        run(self.control("start").arg("--log").arg(log).args(["--options", &options]));
    }

    /// Kills one of its processes.
    pub fn kill(&self, pid: &str) {
        run(Command::new("kill").args(["-KILL", pid]));
    }

    fn control(&self, verb: &str) -> Command {
        let mut command = program(&self.programs, "pg_ctl");
        command.args([verb, "--wait", "--silent", "--pgdata"]).arg(self.folder.path().join("data"));
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}

fn skip<T>(test: &str) -> Option<T> {
    let is_ci = env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "{test} must not be skipped with CI=true: no PostgreSQL (Debian's `postgresql`)");
    eprintln!("SKIPPED: {test}: no PostgreSQL (Debian's `postgresql`)");
    None
}

/// Where PostgreSQL's programs are: Debian keeps them out of the path, a folder a version.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let has_all =
        |folder: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|name| folder.join(name).exists());
    let in_path = env::split_paths(&path).find(has_all);
    in_path.or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
        folders.filter(has_all).max()
    })
}

fn program(programs: &Path, name: &str) -> Command {
    let path = programs.join(name);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("runuser");
    command.args(["--user", "postgres", "--"]).arg(path);
    // It must be able to enter the folder that it is started in.
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A process that waits until this one is gone, then stops the cluster and removes its folder: nothing that is shared by the
/// tests of a process is dropped at its end.
fn guard(programs: &Path, data: &Path, folder: &Path) -> Child {
    let mut stop = program(programs, "pg_ctl");
    stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"]).arg(data);
    let mut guard = Command::new("sh");
    guard.args(["-c", "folder=$1; shift; cat; \"$@\"; rm -rf \"$folder\"", "sh"]).arg(folder);
    guard.arg(stop.get_program()).args(stop.get_args());
    // Not ended with this process by a signal to its group.
    guard.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    guard.spawn().expect("there is a shell")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("there is a free port").port()
}

fn run(command: &mut Command) -> String {
    // A server that is started keeps what it inherits: a pipe would never end.
    let (out, error) = (temporary(), temporary());
    let status = command.stdin(Stdio::null()).stdout(handle(&out)).stderr(handle(&error)).status();
    let said = |file: &tempfile::NamedTempFile| fs::read_to_string(file.path()).unwrap_or_default();
    let status = status.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {}{}", said(&out), said(&error));
    said(&out).trim_end().to_owned()
}

fn temporary() -> tempfile::NamedTempFile {
    tempfile::NamedTempFile::new().expect("a file can be made")
}

fn handle(file: &tempfile::NamedTempFile) -> Stdio {
    let reopened: io::Result<fs::File> = file.reopen();
    reopened.expect("it was made just now").into()
}
