//! A server that counts what it allocates: this program, started once more with a configuration.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use server::{Config, Server, telemetry};

/// Counts the bytes that are allocated.
pub(crate) type Heap = cap::Cap<std::alloc::System>;

pub(crate) const fn heap() -> Heap {
    cap::Cap::new(std::alloc::System, usize::MAX)
}

/// The configuration, if this is to be a server.
pub(crate) fn is_to_serve(arguments: &[String]) -> Option<PathBuf> {
    match arguments {
        [word, file] if word == "--config" => Some(file.into()),
        _ => None,
    }
}

/// Serves until it is killed, and writes beside its configuration how many bytes are allocated.
pub(crate) fn serve(config: PathBuf) -> ExitCode {
    let file = file(config.parent().unwrap_or_else(|| Path::new(".")));
    let config = Config::load(Some(&config), |_| None).expect("the configuration is ours");
    telemetry::start_logging(&config.log);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    runtime.block_on(async {
        let server = Server::start(&config).await.expect("it starts");
        print!("{}", server.welcome());
        loop {
            tokio::time::sleep(EVERY).await;
            let draft = file.with_extension("draft");
            fs::write(&draft, super::HEAP.allocated().to_string()).expect("its folder is there");
            fs::rename(&draft, &file).expect("its folder is there");
        }
    })
}

/// How many bytes the server of this folder has allocated.
pub(crate) async fn allocated(folder: &Path) -> i64 {
    // What is written from now on.
    drop(fs::remove_file(file(folder)));
    loop {
        tokio::time::sleep(EVERY).await;
        if let Some(bytes) = fs::read_to_string(file(folder)).ok().and_then(|text| text.parse().ok()) {
            return bytes;
        }
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("allocated")
}

const EVERY: Duration = Duration::from_millis(100);
