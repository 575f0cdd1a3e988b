//! A server in this process, an administrator's token for it, and the binary that speaks to it.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use fleet::{Actor, Context, RequestId, Role, Timestamp};
use serde_json::Value;
use server::{Config, Server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    pub(crate) token: String,
    runtime: Runtime,
    server: Option<Server>,
}

const LAB: &str = "profile = \"lab\"
data_dir = \"FOLDER/data\"
[coaps]
listen = []
bootstrap_listen = []
[coap]
listen = [\"127.0.0.1:0\"]
bootstrap_listen = []
[console]
listen = \"127.0.0.1:0\"
";

impl World {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// With more lines for the console.
    pub(crate) fn start_with(console: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{}{console}", LAB.replace("FOLDER", &folder.path().display().to_string()));
        std::fs::write(folder.path().join("muster.toml"), &text).unwrap();
        let config = Config::parse(&text).unwrap();
        let runtime = Runtime::new().unwrap();

        let made = with_input(&mut offline(folder.path(), &CREATE), PASSWORD);
        assert!(made.status.success(), "{}", complaint(&made));
        let server = runtime.block_on(Server::start(&config)).unwrap();
        let url = server.welcome().console[0].clone();
        let mut world = Self { folder, url, token: String::new(), runtime, server: Some(server) };
        world.token = world.make_token(Role::Administrator);
        world
    }

    /// A token of the administrator's account, with this scope.
    pub(crate) fn make_token(&self, scope: Role) -> String {
        let fleet = self.server().fleet();
        self.runtime.block_on(async {
            let users = fleet.users(&context(Actor::COMMAND_LINE)).await.unwrap();
            let ada = users.into_iter().find(|user| user.name == "ada").unwrap();
            let (_, text) = fleet.add_token(&context(ada.actor()), "test", scope, None).await.unwrap();
            text
        })
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }

    /// The binary, with an administrator's token.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(self.folder.path(), arguments);
        command.env("MUSTER_SERVER", &self.url).env("MUSTER_TOKEN", &self.token);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// What a command prints when it succeeds.
    pub(crate) fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", complaint(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.prints(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// How a command that fails ends, and what it says.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        (output.status.code().unwrap(), complaint(&output))
    }

    /// Runs it until it gives something.
    pub(crate) fn wait_for(&self, arguments: &[&str], good: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..100 {
            let answer = self.json(arguments);
            if good(&answer) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{arguments:?} does not come to that");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) const CREATE: [&str; 5] = ["user", "create", "ada", "--administrator", "--password-stdin"];

/// The binary, as it works on a server that does not run.
pub(crate) fn offline(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = bare(folder, arguments);
    command.env("MUSTER_CONFIG", folder.join("muster.toml"));
    command
}

/// The binary, without anything of whoever runs the test.
pub(crate) fn bare(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command
}

pub(crate) fn with_input(command: &mut Command, input: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = piped.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn context(actor: Actor) -> Context {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = Timestamp(i64::try_from(now.as_millis()).unwrap());
    Context { actor, now, request: RequestId::from_random([7; 16]) }
}
