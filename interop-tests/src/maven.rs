//! The clients in Java: Maven projects of `clients`.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use crate::{Missing, skip};

/// The jar of `clients/NAME`, built if it is not there or older than its sources.
pub(crate) fn jar(name: &str) -> Result<PathBuf, Missing> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name);
    let jar = folder.join(format!("target/{name}-client.jar"));
    skip::is_there("java", "-version", "Java 17, such as openjdk-17-jre-headless")?;
    // The tests of several executables may get here at the same time.
    let lock = File::create(std::env::temp_dir().join(format!("muster-{name}-client.lock")));
    let lock = lock.and_then(|lock| lock.lock().map(|()| lock));
    let _lock =
        lock.map_err(|error| Missing::new(format!("a lock for the build of clients/{name} ({error})")))?;
    let sources = [folder.join("src"), folder.join("pom.xml")];
    if changed(&jar)
        .is_some_and(|built| sources.iter().filter_map(|path| changed(path)).all(|source| source <= built))
    {
        return Ok(jar);
    }
    skip::is_there("mvn", "-version", &format!("Maven, to build interop-tests/clients/{name}"))?;
    let built =
        Command::new("mvn").args(["-q", "-B", "package"]).current_dir(&folder).stdin(Stdio::null()).output();
    match built {
        Ok(output) if output.status.success() && jar.exists() => Ok(jar),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            Err(Missing::new(format!("clients/{name}, which Maven could not build: {}", said.trim())))
        }
        Err(error) => Err(Missing::new(format!("Maven ({error})"))),
    }
}

/// When the newest file at or below a path was changed.
fn changed(path: &Path) -> Option<SystemTime> {
    if path.is_dir() {
        return std::fs::read_dir(path).ok()?.flatten().filter_map(|entry| changed(&entry.path())).max();
    }
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
