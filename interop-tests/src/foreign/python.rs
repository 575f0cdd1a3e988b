//! What Python has: tinydtls by `DTLSSocket`, and Mbed TLS by `python-mbedtls`, in the scripts of `clients/python`. An
//! environment of their own is made for them.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use dtls::Suite;

use super::{Feature, IDENTITY, NotDone, Proof, Task, process::Process};
use crate::Missing;

pub(super) fn prepare() -> Result<(), Missing> {
    interpreter().map(drop)
}

pub(super) fn tinydtls(task: &Task<'_>) -> Result<(), NotDone> {
    let is_able = task.cell.suite == Suite::PskAes128Ccm8
        && matches!(task.feature(), Feature::Plain | Feature::Stranger);
    if !is_able {
        return Err(NotDone::NoWay);
    }
    run("tinydtls_client.py", task, &[])
}

pub(super) fn mbedtls(task: &Task<'_>) -> Result<(), NotDone> {
    let is_able = matches!(task.feature(), Feature::Plain | Feature::Stranger);
    if !is_able || task.cell.proof == Proof::RawPublicKey {
        return Err(NotDone::NoWay);
    }
    let suite = task.cell.suite.name().replace("AES_128_CCM_8", "AES_128_CCM-8").replace('_', "-");
    let suite = suite.replace("CCM-8-SHA256", "CCM-8");
    let mut more = vec!["--suite".to_owned(), suite];
    if task.cell.proof == Proof::Certificate {
        let path = |file: &str| task.means.path(file).display().to_string();
        more.extend(["--authority".to_owned(), path("authority.der")]);
        more.extend(["--certificate".to_owned(), path(&format!("{}.der", task.own()))]);
        more.extend(["--private-key".to_owned(), path(&format!("{}-key.der", task.own()))]);
    }
    run("mbedtls_client.py", task, &more)
}

fn run(script: &str, task: &Task<'_>, more: &[String]) -> Result<(), NotDone> {
    let mut command = Command::new(interpreter().expect("the client was prepared before"));
    command.arg(folder().join(script)).arg("--port").arg(task.host.address().port().to_string());
    command.args(["--text", Task::TEXT]).args(more);
    if task.is_psk() {
        let key = String::from_utf8(task.key()).expect("the keys are letters");
        command.args(["--identity", IDENTITY, "--key", &key]);
    }
    let mut process = Process::start(&mut command);
    process.hear(|line| line == Task::TEXT)?;
    process.end()
}

/// The interpreter of the environment, which is made if it is not there, or of other requirements.
fn interpreter() -> Result<PathBuf, Missing> {
    static INTERPRETER: OnceLock<Result<PathBuf, Missing>> = OnceLock::new();
    INTERPRETER.get_or_init(make).clone()
}

fn make() -> Result<PathBuf, Missing> {
    let environment = folder().join("target");
    let interpreter = environment.join("bin/python");
    let requirements = folder().join("requirements.txt");
    let made_of = environment.join("requirements.txt");
    let missing = |why: &dyn std::fmt::Display| Missing::new(format!("Python's venv and pip ({why})"));
    let lock = File::create(std::env::temp_dir().join("muster-python-clients.lock"));
    let _lock = lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(|error| missing(&error))?;
    let wanted = std::fs::read(&requirements).map_err(|error| missing(&error))?;
    if std::fs::read(&made_of).is_ok_and(|had| had == wanted) {
        return Ok(interpreter);
    }
    run_quietly(Command::new("python3").args(["-m", "venv"]).arg(&environment))
        .map_err(|why| missing(&why))?;
    let mut pip = Command::new(&interpreter);
    run_quietly(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))
        .map_err(|why| missing(&why))?;
    std::fs::write(&made_of, wanted).map_err(|error| missing(&error))?;
    Ok(interpreter)
}

fn run_quietly(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    output.status.success().then_some(()).ok_or_else(said)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python")
}
