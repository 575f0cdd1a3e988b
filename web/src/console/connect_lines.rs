//! The lines that connect a client of others with this server, with the real host, port, identity and key.

use fleet::{Credential, CredentialKind, Purpose, Shown};

use crate::{settings::Places, show::visible};

/// What a device proves itself with.
pub(crate) struct Account {
    purpose: Purpose,
    kind: CredentialKind,
    identity: String,
    /// In hexadecimal digits; none where it was shown already.
    key: Option<String>,
}

/// The lines for one client.
pub(crate) struct Recipe {
    pub(crate) client: &'static str,
    /// By bootstrap, or straight at the management server.
    pub(crate) how: &'static str,
    pub(crate) id: String,
    pub(crate) about: &'static str,
    pub(crate) text: String,
    /// Whether somebody of the project has run it.
    pub(crate) tried: bool,
}

/// What stands in for a key that nobody can see any more.
const NO_KEY: &str = "YOUR-KEY-IN-HEX";

impl Account {
    pub(crate) fn of(shown: &Shown) -> Self {
        Self {
            purpose: shown.credential.purpose,
            kind: shown.credential.kind,
            identity: shown.credential.identity.text(),
            key: shown.psk().map(|key| key.to_hex().to_string()),
        }
    }

    /// Without its key, which was shown already.
    pub(crate) fn known(credential: &Credential) -> Self {
        let Credential { purpose, kind, identity, .. } = credential;
        Self { purpose: *purpose, kind: *kind, identity: identity.text(), key: None }
    }
}

/// The lines for each client and each account; without an account, over plain CoAP where that is served.
pub(crate) fn recipes(places: &Places, endpoint: &str, accounts: &[Account]) -> Vec<Recipe> {
    if accounts.is_empty() {
        let plain = [(&places.coap_bootstrap, true), (&places.coap, false)];
        return plain
            .into_iter()
            .filter_map(|(uri, bootstrap)| Some((uri.as_ref()?, bootstrap)))
            .flat_map(|(uri, bootstrap)| of_clients(uri, endpoint, bootstrap, None))
            .collect();
    }
    let secure = accounts.iter().filter_map(|account| {
        let bootstrap = account.purpose == Purpose::Bootstrap;
        let uri = if bootstrap { &places.coaps_bootstrap } else { &places.coaps };
        Some((uri.as_ref()?, bootstrap, account))
    });
    let lines = |(uri, bootstrap, account): (&String, bool, &Account)| match account.kind {
        CredentialKind::Psk => of_clients(uri, endpoint, bootstrap, Some(account)),
        CredentialKind::RawPublicKey | CredentialKind::Certificate => {
            vec![by_files(uri, endpoint, bootstrap, account.kind)]
        }
    };
    secure.flat_map(lines).collect()
}

fn of_clients(uri: &str, endpoint: &str, bootstrap: bool, account: Option<&Account>) -> Vec<Recipe> {
    let how = match (bootstrap, account.is_some()) {
        (true, true) => "bootstrap, PSK",
        (false, true) => "management, PSK",
        (true, false) => "bootstrap, no security",
        (false, false) => "management, no security",
    };
    let identity = account.map(|account| account.identity.as_str());
    let key = account.map(|account| account.key.as_deref().unwrap_or(NO_KEY));
    let recipe = |client, id: &str, about, text: String, tried| Recipe {
        client,
        how,
        id: format!("line-{id}-{}", how.replace([' ', ','], "")),
        about,
        text: visible(text.chars()),
        tried,
    };
    let mut recipes = vec![
        recipe(
            "Leshan",
            "leshan",
            "The Leshan client of this project, built by mvn -q -f interop-tests/clients/leshan package.",
            leshan(uri, endpoint, bootstrap, identity, key),
            true,
        ),
        recipe(
            "Wakaama",
            "wakaama",
            "The example client of Eclipse Wakaama, built with DTLS by tinydtls where a key is given.",
            wakaama(uri, endpoint, bootstrap, identity, key),
            true,
        ),
        recipe(
            "Anjay",
            "anjay",
            "The demo client of AVSystem Anjay.",
            anjay(uri, endpoint, bootstrap, identity, key),
            false,
        ),
    ];
    recipes.push(recipe(
        "Zephyr",
        "zephyr",
        "The sample lwm2m_client of Zephyr: for its prj.conf; the key belongs into /0/0/5 in the sample’s source.",
        zephyr(uri, endpoint, bootstrap, identity, key),
        false,
    ));
    recipes
}

/// A client whose keys are files: those of the page that shows them, as DER.
fn by_files(uri: &str, endpoint: &str, bootstrap: bool, kind: CredentialKind) -> Recipe {
    let (how, own, server, option) = match (kind, bootstrap) {
        (CredentialKind::RawPublicKey, true) => {
            ("bootstrap, raw public key", "public", "pkey -pubin", "--raw-public-key")
        }
        (CredentialKind::RawPublicKey, false) => {
            ("management, raw public key", "public", "pkey -pubin", "--raw-public-key")
        }
        (_, true) => ("bootstrap, certificate", "certificate", "x509", "--certificate"),
        (_, false) => ("management, certificate", "certificate", "x509", "--certificate"),
    };
    let lines = [
        "openssl pkey -in private.pem -outform DER -out private.der".to_owned(),
        format!("openssl {server} -in {own}.pem -outform DER -out {own}.der"),
        format!("openssl {server} -in server.pem -outform DER -out server.der"),
        format!(
            "{} {option} {own}.der --private-key private.der --server-key server.der",
            leshan(uri, endpoint, bootstrap, None, None)
        ),
    ];
    Recipe {
        client: "Leshan",
        how,
        id: format!("line-leshan-{}", how.replace([' ', ','], "")),
        about: if own == "public" {
            "The Leshan client of this project takes keys as DER. Keep the device’s private key as private.pem, its public key as public.pem, and the server’s public key as server.pem."
        } else {
            "The Leshan client of this project takes certificates as DER. Keep the device’s private key as private.pem, its certificate as certificate.pem, and the server’s certificate as server.pem."
        },
        text: visible(lines.join("\n").chars()),
        tried: true,
    }
}

fn leshan(uri: &str, endpoint: &str, bootstrap: bool, identity: Option<&str>, key: Option<&str>) -> String {
    let mut line = format!(
        "java -jar interop-tests/clients/leshan/target/leshan-client.jar --server {} --endpoint {}",
        quoted(uri),
        quoted(endpoint)
    );
    if bootstrap {
        line.push_str(" --bootstrap");
    }
    if let (Some(identity), Some(key)) = (identity, key) {
        line.push_str(&format!(" --psk-identity {} --psk-key {key}", quoted(identity)));
    }
    line
}

fn wakaama(uri: &str, endpoint: &str, bootstrap: bool, identity: Option<&str>, key: Option<&str>) -> String {
    let (host, port) = host_and_port(uri);
    let family = if host.contains(':') { "" } else { " -4" };
    let mut line = format!("wakaama-client{family} -n {} -h {} -p {port}", quoted(endpoint), quoted(&host));
    if let (Some(identity), Some(key)) = (identity, key) {
        line.push_str(&format!(" -i {} -s {key}", quoted(identity)));
    }
    if bootstrap {
        line.push_str(" -b");
    }
    line
}

fn anjay(uri: &str, endpoint: &str, bootstrap: bool, identity: Option<&str>, key: Option<&str>) -> String {
    let mut line = format!("demo --endpoint-name {} --server-uri {}", quoted(endpoint), quoted(uri));
    if bootstrap {
        line.push_str(" --bootstrap");
    }
    if let (Some(identity), Some(key)) = (identity, key) {
        let identity: String = identity.bytes().map(|byte| format!("{byte:02x}")).collect();
        line.push_str(&format!(" --security-mode psk --identity {identity} --key {key}"));
    } else {
        line.push_str(" --security-mode nosec");
    }
    line
}

fn zephyr(uri: &str, endpoint: &str, bootstrap: bool, identity: Option<&str>, key: Option<&str>) -> String {
    let (host, port) = host_and_port(uri);
    let yes = |truth| if truth { "y" } else { "n" };
    let mut lines = vec![
        format!("CONFIG_NET_CONFIG_PEER_IPV4_ADDR={}", quoted_for_c(&host)),
        format!("CONFIG_LWM2M_PEER_PORT={port}"),
        format!("CONFIG_LWM2M_DTLS_SUPPORT={}", yes(key.is_some())),
        format!("CONFIG_LWM2M_RD_CLIENT_SUPPORT_BOOTSTRAP={}", yes(bootstrap)),
        format!("# endpoint name: {endpoint}"),
    ];
    if let (Some(identity), Some(key)) = (identity, key) {
        lines.push(format!("CONFIG_LWM2M_APP_ID={}", quoted_for_c(identity)));
        lines.push(format!("# /0/0/5, the key in hexadecimal digits: {key}"));
    }
    lines.join("\n")
}

fn host_and_port(uri: &str) -> (String, String) {
    let authority = uri.split_once("://").map_or(uri, |(_, authority)| authority);
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    (host.trim_matches(['[', ']']).to_owned(), port.to_owned())
}

/// For a shell: as it is where that is safe, in single quotes otherwise.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/@%+=,[]".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn quoted_for_c(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            coaps: Some("coaps://m.example:5684".into()),
            coaps_bootstrap: Some("coaps://[2001:db8::1]:5784".into()),
            coap: Some("coap://127.0.0.1:5683".into()),
            coap_bootstrap: None,
            short_server_id: 123,
        }
    }

    fn account(purpose: Purpose, identity: &str) -> Account {
        Account { purpose, kind: CredentialKind::Psk, identity: identity.into(), key: Some("0a0b".into()) }
    }

    #[test]
    fn the_lines_hold_the_place_the_identity_and_the_key() {
        let lines = recipes(&places(), "node-7", &[account(Purpose::Management, "id-7")]);
        let texts: Vec<&str> = lines.iter().map(|recipe| recipe.text.as_str()).collect();
        assert_eq!(
            texts[0],
            "java -jar interop-tests/clients/leshan/target/leshan-client.jar --server coaps://m.example:5684 --endpoint node-7 --psk-identity id-7 --psk-key 0a0b"
        );
        assert_eq!(texts[1], "wakaama-client -4 -n node-7 -h m.example -p 5684 -i id-7 -s 0a0b");
        let bootstrap = recipes(&places(), "node-7", &[account(Purpose::Bootstrap, "id-7")]);
        assert_eq!(bootstrap[1].text, "wakaama-client -n node-7 -h 2001:db8::1 -p 5784 -i id-7 -s 0a0b -b");
        let tried: Vec<(&str, bool)> = lines.iter().map(|recipe| (recipe.client, recipe.tried)).collect();
        assert_eq!(tried, [("Leshan", true), ("Wakaama", true), ("Anjay", false), ("Zephyr", false)]);
    }

    #[test]
    fn keys_in_files_are_turned_into_der() {
        for (kind, option) in [
            (CredentialKind::RawPublicKey, "--raw-public-key public.der"),
            (CredentialKind::Certificate, "--certificate certificate.der"),
        ] {
            let account = Account { kind, key: None, ..account(Purpose::Management, "spki:00") };
            let lines = recipes(&places(), "node-7", &[account]);
            assert_eq!(lines.len(), 1, "the clients whose lines are known");
            let last = format!("{option} --private-key private.der --server-key server.der");
            assert!(lines[0].text.ends_with(&last), "{}", lines[0].text);
            assert_eq!(lines[0].text.lines().count(), 4);
        }
    }

    #[test]
    fn a_name_can_not_leave_its_argument() {
        let lines = recipes(&places(), "a'; rm -rf $HOME #", &[]);
        assert!(lines[0].text.ends_with(r"--endpoint 'a'\''; rm -rf $HOME #'"), "{}", lines[0].text);
        assert_eq!(quoted(""), "''");
    }
}
