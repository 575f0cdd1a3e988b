//! What configurations are taken, and what is said of the others.

use super::*;

#[test]
fn nothing_configured_is_production_with_devices_over_dtls_and_people_on_loopback() {
    let config = Config::parse("").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.profile, Profile::Production);
    assert!(config.coap.listen.is_empty() && config.coap.bootstrap_listen.is_empty());
    let written: Vec<String> = config.coaps.listen.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["0.0.0.0:5684", "[::]:5684"]);
    assert!(config.console.listen.iter().all(|address| address.ip().is_loopback()));
    assert!(!config.console.is_https());
}

#[test]
fn the_lab_listens_for_plain_coap_on_loopback_unless_told_otherwise() {
    let lab = Config::parse("profile = \"lab\"").unwrap();
    assert_eq!(lab, Config::lab());
    assert_eq!(lab.coap.listen.len(), 1);
    assert!(lab.coap.listen.iter().chain(lab.coap.bootstrap_listen.iter()).all(|at| at.ip().is_loopback()));
    let quiet = Config::parse("profile = \"lab\"\n[coap]\nlisten = []\n").unwrap();
    assert!(quiet.coap.listen.is_empty() && !quiet.coap.bootstrap_listen.is_empty());
}

#[test]
fn an_unknown_key_names_its_line_and_the_key_that_was_meant() {
    let error = Config::parse("[coap]\nlisten = [\"127.0.0.1:0\"]\nmax_device = 3\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 3: there is no key `coap.max_device`; did you mean `coap.max_devices`?"
    );
    let error = Config::parse("[consoel]\n").unwrap_err();
    assert_eq!(error.to_string(), "line 1: there is no key `consoel`; did you mean `console`?");
    let error = Config::parse("zzzzzzzz = 1\n").unwrap_err();
    assert!(
        error.to_string().starts_with("line 1: there is no key `zzzzzzzz`; the keys are profile, data_dir")
    );
    for secret in ["secret_key", "key", "seal_key"] {
        let error = Config::parse(&format!("{secret} = \"00\"\n")).unwrap_err();
        assert!(matches!(error, ConfigError::UnknownKey { .. }), "a secret is no key of the file");
    }
}

#[test]
fn a_wrong_form_names_its_line_and_what_was_expected() {
    for (text, line, expected) in [
        ("\n[coap]\nblock_size = 100\n", 3, "power of two from 16 to 1024"),
        ("profile = \"labor\"\n", 1, "lab"),
        ("[coap\n", 1, ""),
        ("public_host = \"0.0.0.0\"\n", 1, "a host name or an address"),
        ("short_server_id = 0\n", 1, "from 1 to 65534"),
        ("short_server_id = 65535\n", 1, "from 1 to 65534"),
        ("[coaps]\nlisten = \"5684\"\n", 2, "an address with a port"),
        ("[console]\ntls = \"on\"\n", 2, "self-signed"),
        ("[console]\ntrusted_proxies = [\"proxy\"]\n", 2, "a network such as"),
        ("[console]\npublic_url = \"muster.example\"\n", 2, "a URL such as"),
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}")) && error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn keys_that_contradict_each_other_are_refused_with_the_reason() {
    for (text, key, reason) in [
        ("[coap]\nlisten = \"127.0.0.1:5683\"", "coap.listen", "plain CoAP has no security"),
        (
            "[coap]\nbootstrap_listen = \"127.0.0.1:5783\"",
            "coap.bootstrap_listen",
            "plain CoAP has no security",
        ),
        ("profile = \"lab\"\n[coap]\nlisten = \"0.0.0.0:5683\"", "coap.listen", "loopback addresses only"),
        ("[coaps]\nlisten = []", "coaps.listen", "at least one"),
        ("profile = \"lab\"\n[coap]\nlisten = []\n[coaps]\nlisten = []", "coap.listen", "at least one"),
        ("[coaps]\nlisten = \"0.0.0.0:5784\"", "coaps.bootstrap_listen", "already"),
        ("[coaps]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:1\"]", "coaps.listen", "already"),
        (
            "[coaps]\nmax_handshakes = 100",
            "coaps.max_handshakes_per_prefix",
            "at most `coaps.max_handshakes`",
        ),
        ("[coaps]\nmax_sessions = 0", "coaps.max_sessions", "at least 1"),
        ("[coaps]\nhandshake_timeout_s = 0", "coaps.handshake_timeout_s", "1 to 600"),
        ("[coap]\nmax_devices = 0", "coap.max_devices", "at least 1"),
        ("[coap]\nmax_body_bytes = 1", "coap.max_body_bytes", "1024"),
        ("[console]\nlisten = []", "console.listen", "at least one"),
        ("[console]\nlisten = \"[::]:8080\"", "console.listen", "in the clear"),
        ("[console]\ntls = \"files\"\nkey = \"k\"", "console.certificate", "is missing"),
        ("[console]\ntls = \"files\"\ncertificate = \"c\"", "console.key", "is missing"),
        ("[console]\ntls = \"self-signed\"\nkey = \"k\"", "console.key", "is not used"),
        ("[console]\nkey = \"k\"", "console.key", "is not used"),
        (
            "[console]\ntls = \"self-signed\"\npublic_url = \"http://a\"",
            "console.public_url",
            "must be https",
        ),
        (
            "[downloads.coaps]\nlisten = \"0.0.0.0:5685\"\npublic_uri = \"coap://a\"",
            "downloads.coaps.public_uri",
            "the scheme of its table",
        ),
        ("[downloads.http]\npublic_uri = \"http://a\"", "downloads.http.public_uri", "nothing listens"),
        ("[downloads.coaps]\nlisten = \"0.0.0.0:5684\"", "downloads.coaps.listen", "already"),
        ("[downloads.https]\nlisten = \"127.0.0.1:8080\"", "downloads.https.listen", "already"),
        ("[downloads.https]\nlisten = \"[::]:1\"\nkey = \"k\"", "downloads.https.certificate", "is missing"),
        ("[downloads.https]\ncertificate = \"c\"\nkey = \"k\"", "downloads.https.certificate", "of no use"),
    ] {
        match Config::parse(text) {
            Err(ConfigError::Rule { key: named, reason: given }) => {
                assert!(named == key && given.contains(reason), "{text}: `{named}` {given}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn two_families_or_two_free_ports_do_not_clash() {
    for text in [
        "[coaps]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\nbootstrap_listen = [\"127.0.0.1:0\"]",
        "[console]\nlisten = [\"127.0.0.1:8080\", \"[::1]:8080\"]",
        "[console]\nlisten = \"127.0.0.1:5684\"",
    ] {
        Config::parse(text).unwrap();
    }
}

#[test]
fn beyond_loopback_the_console_has_tls_or_a_proxy_that_has() {
    let console =
        |rest: &str| Config::parse(&format!("[console]\nlisten = \"0.0.0.0:443\"\n{rest}")).unwrap().console;
    assert!(console("tls = \"self-signed\"").is_https());
    assert!(console("tls = \"files\"\ncertificate = \"c\"\nkey = \"k\"").is_https());
    let proxied = console("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]");
    assert!(proxied.is_https());
    assert!(proxied.trusts([10, 1, 2, 3].into()) && !proxied.trusts([11, 1, 2, 3].into()));
    assert!(
        !console("trusted_proxies = [\"10.0.0.0/8\"]\npublic_url = \"http://inside.example\"").is_https()
    );
}

#[test]
fn a_loopback_host_is_warned_of_where_devices_come_from_elsewhere() {
    let warned = |text: &str| !Config::parse(text).unwrap().warnings().is_empty();
    assert!(warned(""));
    assert!(warned("public_host = \"localhost\""));
    assert!(!warned("public_host = \"muster.example\""));
    assert!(!warned("[coaps]\nlisten = \"127.0.0.1:5684\"\nbootstrap_listen = []"));
}

#[test]
fn the_database_is_a_file_in_the_data_folder_or_a_postgresql_by_url() {
    let file = Config::parse("data_dir = \"there\"").unwrap().database();
    assert_eq!(file, Database::File("there/muster.db".into()));
    let url = "postgres://ada:s3cret@db.example/fleet";
    let text = "[database]\nurl = \"postgres://elsewhere/fleet\"\n";
    let config = Config::read(text, &|name| (name == "MUSTER_DATABASE_URL").then(|| url.to_owned())).unwrap();
    assert_eq!(
        config.database(),
        Database::Postgres(url.parse().unwrap()),
        "the variable overrules the file"
    );
    let said = format!("{config:?} {}", config.database());
    assert!(said.contains("ada@db.example") && !said.contains("s3cret"), "{said}");
    let warned = |url: &str| {
        !Config::parse(&format!("public_host = \"a\"\n[database]\nurl = \"{url}\""))
            .unwrap()
            .warnings()
            .is_empty()
    };
    assert!(warned("postgres://db.example/fleet"));
    assert!(
        !warned("postgres://db.example/fleet?sslmode=verify-full") && !warned("postgres://localhost/fleet")
    );
}

#[test]
fn a_database_that_is_no_postgresql_is_refused_without_repeating_it() {
    for url in ["mysql://ada:s3cret@db/fleet", "sqlite:muster.db", "postgres://ada:s3cret@db", "5", ""] {
        let error = Config::parse(&format!("\n[database]\nurl = \"{url}\"")).unwrap_err().to_string();
        assert!(error.starts_with("line 3: must ") && !error.contains("s3cret"), "{error}");
        let read = Config::read("", &|name| (name == "MUSTER_DATABASE_URL").then(|| url.to_owned()));
        let error = read.unwrap_err().to_string();
        assert!(error.starts_with("the environment variable MUSTER_DATABASE_URL: must "), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn an_empty_name_of_the_data_folder_is_refused() {
    assert_eq!(Config::parse("data_dir = \"\"").unwrap_err().to_string(), "line 1: must name a folder");
    let read = Config::read("", &|name| (name == "MUSTER_DATA_DIR").then(String::new));
    let error = read.unwrap_err().to_string();
    assert_eq!(error, "the environment variable MUSTER_DATA_DIR: must name a folder");
}

#[test]
fn a_variable_overrules_its_key() {
    let variables = |name: &str| {
        let value = match name {
            "MUSTER_DATA_DIR" => "/var/lib/muster",
            "MUSTER_PUBLIC_HOST" => "muster.example",
            "MUSTER_CONSOLE_LISTEN" => "0.0.0.0:8443,[::]:8443",
            "MUSTER_CONSOLE_TLS" => "self-signed",
            "MUSTER_COAPS_LISTEN" => "[::]:5684",
            "MUSTER_COAPS_BOOTSTRAP_LISTEN" => "[]",
            "MUSTER_COAPS_MAX_SESSIONS" => "7",
            "MUSTER_COAP_FOLLOW_ADDRESS_CHANGES" => "true",
            "MUSTER_DOWNLOADS_COAPS_LISTEN" => "[::]:5685",
            "MUSTER_DOWNLOADS_HTTPS_PUBLIC_URI" => "https://fw.example",
            "MUSTER_DOWNLOADS_HTTPS_LISTEN" => "[::1]:8444",
            "MUSTER_LOG_LEVEL" => "",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let text = "data_dir = \"elsewhere\"\n[coaps]\nmax_sessions = 3\n[log]\nlevel = \"warn\"\n";
    let config = Config::read(text, &variables).unwrap();
    assert_eq!(config.data_dir.0, Path::new("/var/lib/muster"));
    assert_eq!(config.public_host.to_string(), "muster.example");
    assert_eq!(config.console.listen.len(), 2);
    assert_eq!(config.console.tls, ConsoleTls::SelfSigned);
    assert_eq!(config.coaps.listen.len(), 1);
    assert!(config.coaps.bootstrap_listen.is_empty());
    assert_eq!(config.coaps.max_sessions, 7);
    assert!(config.coap.follow_address_changes);
    assert_eq!((config.downloads.coaps.listen.len(), config.downloads.coap.listen.len()), (1, 0));
    assert_eq!(config.downloads.https.public_uri.unwrap().to_string(), "https://fw.example");
    assert_eq!(config.log.level, LogLevel::Warn, "an empty variable is none");
}

#[test]
fn a_wrong_variable_is_named() {
    for (name, value, expected) in [
        ("MUSTER_CONSOLE_LISTEN", "8080", "an address with a port"),
        ("MUSTER_COAPS_MAX_SESSIONS", "many", ""),
        ("MUSTER_PROFILE", "prod", "production"),
    ] {
        let error = Config::read("", &|asked| (asked == name).then(|| value.to_owned())).unwrap_err();
        assert!(matches!(&error, ConfigError::Variable { name: named, .. } if named == name), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
