//! `muster` as its user starts it: what it prints, how it exits, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

#[test]
fn the_printed_configuration_is_valid_and_complete() {
    let folder = tempfile::tempdir().unwrap();
    let printed = muster(folder.path(), &["--print-config"]);
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    for key in server::config::KEYS {
        let (_, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        assert!(text.contains(name) && text.contains(key.meaning), "{}", key.name);
    }
    fs::write(folder.path().join("muster.toml"), text).unwrap();
    let validated = muster(folder.path(), &["--config", "muster.toml", "--validate"]);
    assert!(validated.status.success(), "{}", complaint(&validated));
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.toml");
    for (text, expected) in [
        (
            "[coap]\nlisten_on = []\n",
            "muster.toml: line 2: there is no key `coap.listen_on`; did you mean `coap.listen`?",
        ),
        ("[coap]\nmax_devices = \"many\"\n", "line 2: invalid type: string \"many\", expected u32"),
        (
            "profile = \"lab\"\n[coap]\nlisten = [\"0.0.0.0:5683\"]\n",
            "`coap.listen` takes loopback addresses only",
        ),
        (
            "[coap]\nlisten = [\"127.0.0.1:5683\"]\n",
            "`coap.listen` must be empty under the production profile",
        ),
        ("[console]\nlisten = \"0.0.0.0:8080\"\n", "`console.listen` must be a loopback address while"),
        ("profile = \"lab\"\nprofile = \"lab\"\n", "line 2: duplicate key"),
    ] {
        fs::write(&file, text).unwrap();
        let refused = muster(folder.path(), &["--config", "muster.toml"]);
        assert_eq!(refused.status.code(), Some(78), "{text}");
        assert!(complaint(&refused).contains(expected), "{}", complaint(&refused));
    }
    fs::write(&file, "[models]\nfolder = \"no-models\"\n").unwrap();
    let no_models = muster(folder.path(), &["--config", "muster.toml", "--validate"]);
    assert_eq!(no_models.status.code(), Some(78));
    assert!(complaint(&no_models).contains("can't read no-models"), "{}", complaint(&no_models));
    fs::write(&file, "[console]\ntls = \"files\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n").unwrap();
    let no_certificate = muster(folder.path(), &["--config", "muster.toml", "--validate"]);
    assert_eq!(no_certificate.status.code(), Some(78));
    assert!(complaint(&no_certificate).contains("can't read c.pem"), "{}", complaint(&no_certificate));
    let missing = muster(folder.path(), &["--config", "nowhere.toml", "--validate"]);
    assert_eq!(missing.status.code(), Some(78));
    assert!(complaint(&missing).contains("can't read nowhere.toml"));
    assert!(!folder.path().join("muster-data").exists());
}

#[test]
fn a_guessable_secret_is_refused_and_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.toml"), LAB).unwrap();
    for (key, expected) in [
        ("00".repeat(32), "MUSTER_KEY holds a key that can be guessed"),
        ("changeme".to_owned(), "MUSTER_KEY does not hold 64 hexadecimal digits"),
        (String::new(), "MUSTER_KEY does not hold 64 hexadecimal digits"),
    ] {
        for arguments in [&["--config=muster.toml"][..], &["--config=muster.toml", "--validate"]] {
            let refused = command(folder.path(), arguments).env("MUSTER_KEY", &key).output().unwrap();
            assert_eq!(refused.status.code(), Some(78), "{arguments:?} {}", complaint(&refused));
            assert!(complaint(&refused).contains(expected), "{}", complaint(&refused));
            assert!(key.is_empty() || !complaint(&refused).contains(&key));
        }
    }
    let data = folder.path().join("muster-data");
    assert!(!data.join("seal.key").exists() && !data.join("muster.db").exists());

    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("seal.key"), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n")
        .unwrap();
    fs::set_permissions(data.join("seal.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = muster(folder.path(), &["--config", "muster.toml", "--validate"]);
    assert_eq!(exposed.status.code(), Some(78));
    assert!(
        complaint(&exposed).contains("can be read or written by others (mode 644)"),
        "{}",
        complaint(&exposed)
    );
}

#[test]
fn a_variable_overrules_the_file_and_a_wrong_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.toml"), "public_host = \"a\"\n").unwrap();
    let validated = |name: &str, value: &str| {
        let arguments = ["--config", "muster.toml", "--validate"];
        command(folder.path(), &arguments).env(name, value).output().unwrap()
    };
    let taken = validated("MUSTER_PUBLIC_HOST", "localhost");
    assert!(taken.status.success());
    assert!(complaint(&taken).contains("warning: `public_host` is localhost"), "{}", complaint(&taken));
    assert!(complaint(&validated("MUSTER_PUBLIC_HOST", "muster.example")).is_empty());
    let wrong = validated("MUSTER_CONSOLE_LISTEN", "8080");
    assert_eq!(wrong.status.code(), Some(78));
    assert!(
        complaint(&wrong).contains("the environment variable MUSTER_CONSOLE_LISTEN: "),
        "{}",
        complaint(&wrong)
    );
}

#[test]
fn over_tls_of_its_own_the_welcome_has_the_fingerprint_and_health_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago: `muster health` has to know it.
    let console = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!("{LAB}listen = \"{console}\"\ntls = \"self-signed\"\n");
    fs::write(folder.path().join("muster.toml"), text.replace("listen = \"127.0.0.1:0\"\n", "")).unwrap();
    let health =
        |rest: &[&str]| muster(folder.path(), &[&["--config", "muster.toml", "health"], rest].concat());
    let early = health(&[]);
    assert_eq!(early.status.code(), Some(1));
    assert!(complaint(&early).contains("does not answer"), "{}", complaint(&early));

    let mut server = Running::start(folder.path());
    let welcome = server.welcome("/setup/");
    let line = |word: &str| welcome.iter().find_map(|line| line.trim().strip_prefix(word)).unwrap().trim();
    assert_eq!(line("Console"), format!("https://{console}"));
    let fingerprint = line("Fingerprint").strip_prefix("SHA-256 ").unwrap();
    assert_eq!(fingerprint.split(':').count(), 32);
    assert!(welcome.last().unwrap().trim().starts_with(&format!("https://{console}/setup/")), "{welcome:?}");
    let page =
        get(welcome.last().unwrap().trim(), &folder.path().join("muster-data/console-certificate.pem"));
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("; Secure\r\n"), "{page}");
    assert!(
        !page.contains("strict-transport-security"),
        "not with a certificate that browsers can't check: {page}"
    );
    for rest in [&[][..], &["--ready"]] {
        let well = health(rest);
        assert!(well.status.success(), "{}", complaint(&well));
    }
    server.terminate();
}

#[test]
fn the_service_manager_hears_of_start_life_and_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.toml"), LAB).unwrap();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let heard = || {
        let mut buffer = [0; 512];
        let len = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    let mut server = Running::start_with(
        command(folder.path(), &["--config", "muster.toml"])
            .env("NOTIFY_SOCKET", folder.path().join("notify"))
            .env("WATCHDOG_USEC", "200000")
            .stderr(Stdio::null()),
    );
    server.welcome("  Data ");
    assert!(heard().starts_with("READY=1\n"));
    assert!(heard().contains("WATCHDOG=1"));
    assert!(heard().contains("WATCHDOG=1"));
    server.terminate();
    let last = std::iter::from_fn(|| Some(heard())).find(|said| !said.contains("WATCHDOG=1")).unwrap();
    assert!(last.starts_with("STOPPING=1\n"), "{last}");
}

#[test]
fn two_installations_share_no_secret() {
    let secrets: Vec<Vec<Vec<u8>>> = (0..2)
        .map(|_| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("muster.toml"), format!("{LAB}tls = \"self-signed\"\n")).unwrap();
            let mut server = Running::start(folder.path());
            server.welcome("  Data ");
            server.terminate();
            ["seal.key", "installation.seed", "console-key.pem", "console-certificate.pem"]
                .iter()
                .map(|name| {
                    let path = folder.path().join("muster-data").join(name);
                    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
                    fs::read(path).unwrap()
                })
                .collect()
        })
        .collect();
    assert!(secrets[0].iter().zip(&secrets[1]).all(|(one, other)| one != other));
}

#[test]
fn it_listens_where_it_says_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.toml"), LAB).unwrap();
    let mut server = Running::start(folder.path());
    let said: BTreeSet<(&str, u16)> = server
        .welcome("  Data ")
        .iter()
        .filter_map(|line| {
            let (scheme, rest) = line.trim().split_once("://")?;
            let protocol = if scheme.ends_with("http") || scheme.ends_with("https") { "tcp" } else { "udp" };
            Some((protocol, rest.rsplit_once(':')?.1.parse().unwrap()))
        })
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(server.ports(), said);
    server.terminate();
}

#[test]
fn a_container_needs_variables_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let mut server = Running::start_with(
        command(folder.path(), &[])
            .env("MUSTER_DATA_DIR", folder.path().join("data"))
            .env("MUSTER_PUBLIC_HOST", "muster.example")
            .env("MUSTER_COAPS_LISTEN", "127.0.0.1:0")
            .env("MUSTER_COAPS_BOOTSTRAP_LISTEN", "[]")
            .env("MUSTER_CONSOLE_LISTEN", "0.0.0.0:0")
            .env("MUSTER_CONSOLE_TLS", "self-signed")
            .env("MUSTER_LOG_LEVEL", "debug")
            .env("MUSTER_KEY", key)
            .stderr(log),
    );
    let welcome = server.welcome("/setup/");
    assert!(welcome[0].ends_with(", profile production"), "{welcome:?}");
    let console = welcome.iter().find_map(|line| line.trim().strip_prefix("Console")).unwrap().trim();
    assert!(console.starts_with("https://muster.example:"), "{welcome:?}");
    assert!(welcome.last().unwrap().contains(&format!("{console}/setup/")), "{welcome:?}");
    server.terminate();

    // The key that was given is written nowhere.
    let written = fs::read_dir(folder.path().join("data")).unwrap().map(|file| file.unwrap().path());
    let raw: Vec<u8> = key
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    for file in written.filter(|path| path.is_file()).chain([folder.path().join("log")]) {
        let bytes = fs::read(&file).unwrap();
        for secret in [key.as_bytes(), &raw] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", file.display());
        }
    }
}

#[test]
fn a_start_says_where_everything_is_and_a_termination_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = LAB.replace("listen = [\"127.0.0.1:0\"]\nb", "listen = [\"127.0.0.1:0\", \"[::1]:0\"]\nb");
    fs::write(folder.path().join("muster.toml"), config).unwrap();
    let mut first = Running::start(folder.path());
    let welcome = first.welcome("/setup/");
    assert!(welcome[0].contains("profile lab: devices are served WITHOUT security"), "{welcome:?}");
    assert!(welcome.iter().any(|line| line.contains("coap://[::1]:")), "{welcome:?}");
    assert!(welcome.iter().any(|line| line.contains("Make one within 30 minutes")), "{welcome:?}");

    // The data is for one server at a time.
    let second = muster(folder.path(), &["--config", "muster.toml"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(complaint(&second).contains("is in use by another Muster"), "{}", complaint(&second));

    first.terminate();
    let mut again = Running::start(folder.path());
    again.welcome("  Data ");
    again.terminate();
}

/// Plain CoAP on loopback alone, on ports that are free. The last table is the console's.
const LAB: &str = "profile = \"lab\"
[coaps]
listen = []
bootstrap_listen = []
[coap]
listen = [\"127.0.0.1:0\"]
bootstrap_listen = []
[console]
listen = \"127.0.0.1:0\"
";

fn muster(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(arguments).current_dir(folder).env_remove("MUSTER_CONFIG").env_remove("MUSTER_KEY");
    command
}

/// Gets a page over TLS, trusting one certificate alone.
fn get(url: &str, trusted: &Path) -> String {
    let (address, path) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), ServerName::from(address.ip())).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(address).unwrap());
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

struct Running {
    process: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn start(folder: &Path) -> Self {
        Self::start_with(command(folder, &["--config", "muster.toml"]).stderr(Stdio::null()))
    }

    fn start_with(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines }
    }

    /// Its lines up to one that holds `last`.
    fn welcome(&self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.contains(last)) {
            lines.push(self.lines.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        lines
    }

    /// The ports its sockets are bound to: UDP, and TCP that listens.
    fn ports(&self) -> BTreeSet<(&'static str, u16)> {
        let process = Path::new("/proc").join(self.process.id().to_string());
        let sockets: BTreeSet<String> = fs::read_dir(process.join("fd"))
            .unwrap()
            .filter_map(|file| Some(fs::read_link(file.unwrap().path()).ok()?.to_str()?.to_owned()))
            .collect();
        let tables = [("udp", "udp"), ("udp", "udp6"), ("tcp", "tcp"), ("tcp", "tcp6")];
        let mut ports = BTreeSet::new();
        for (protocol, table) in tables {
            let text = fs::read_to_string(process.join("net").join(table)).unwrap_or_default();
            for line in text.lines().skip(1) {
                // proc(5): number, local address and port, remote, state (0A: listening), five more, inode.
                let fields: Vec<&str> = line.split_whitespace().collect();
                let bound = protocol == "udp" || fields[3] == "0A";
                if bound && sockets.contains(&format!("socket:[{}]", fields[9])) {
                    let (_, port) = fields[1].rsplit_once(':').unwrap();
                    ports.insert((protocol, u16::from_str_radix(port, 16).unwrap()));
                }
            }
        }
        ports
    }

    /// Asks it to end as a service manager does, and sees that it does so well.
    fn terminate(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(asked.success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
