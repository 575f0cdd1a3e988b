//! What a server says of itself when it has started: for people, and line by line for programs.

use std::{fmt, net::SocketAddr, path::PathBuf};

use crate::config::{Profile, PublicHost};

/// Where everything is. Its text is what `muster` prints; the words at the beginning of its lines are an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// What is allowed.
    pub profile: Profile,
    /// The URIs that devices are managed at, those with security first.
    pub devices: Vec<String>,
    /// The URIs that devices bootstrap at, likewise.
    pub bootstrap: Vec<String>,
    /// The beginnings of the addresses that devices fetch packages from.
    pub downloads: Vec<String>,
    /// The URLs of the console.
    pub console: Vec<String>,
    /// The SHA-256 of the console's certificate, where nobody else vouches for it.
    pub fingerprint: Option<String>,
    /// The folder for everything the server keeps.
    pub data_dir: PathBuf,
    /// Where the first administrator is made, as long as there is none. Valid for half an hour.
    pub setup_link: Option<String>,
}

impl Welcome {
    /// The same for the console's page of settings, without the set-up link.
    pub(crate) fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![("Profile".to_owned(), self.profile.to_string())];
        for (name, values) in self.places() {
            facts.extend(values.iter().map(|value| (name.to_owned(), value.clone())));
        }
        if self.downloads.is_empty() {
            facts.push(("Downloads".to_owned(), "off: packages are pushed".to_owned()));
        }
        facts.extend(self.fingerprint.iter().map(|it| ("Fingerprint".to_owned(), format!("SHA-256 {it}"))));
        facts.push(("Data".to_owned(), self.data_dir.display().to_string()));
        facts
    }

    fn places(&self) -> [(&'static str, &Vec<String>); 4] {
        [
            ("Devices", &self.devices),
            ("Bootstrap", &self.bootstrap),
            ("Downloads", &self.downloads),
            ("Console", &self.console),
        ]
    }
}

/// The URIs of what is bound to these addresses. Two that are the same are one: both families may have one public host.
pub(crate) fn uris(scheme: &str, host: &PublicHost, bound: &[SocketAddr]) -> Vec<String> {
    let mut uris: Vec<String> = bound.iter().map(|address| host.uri(scheme, *address)).collect();
    uris.dedup();
    uris
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Muster {}, profile {}", env!("CARGO_PKG_VERSION"), self.profile)?;
        let plain = self.devices.iter().chain(&self.bootstrap).any(|uri| uri.starts_with("coap://"));
        writeln!(
            f,
            "{}",
            if plain { ": devices are served WITHOUT security, on loopback only." } else { "" }
        )?;
        for (word, uris) in self.places() {
            for uri in uris {
                writeln!(f, "  {word:<13}{uri}")?;
            }
        }
        if let Some(fingerprint) = &self.fingerprint {
            writeln!(f, "  {:<13}SHA-256 {fingerprint}", "Fingerprint")?;
        }
        writeln!(f, "  {:<13}{}", "Data", self.data_dir.display())?;
        if let Some(link) = &self.setup_link {
            writeln!(f, "  There is no administrator yet. Make one within 30 minutes:\n  {link}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_public_host_is_named_once() {
        let host: PublicHost = "muster.example".parse().unwrap();
        let bound = ["0.0.0.0:5684", "[::]:5684", "[::1]:5685"].map(|address| address.parse().unwrap());
        assert_eq!(uris("coaps", &host, &bound), ["coaps://muster.example:5684", "coaps://[::1]:5685"]);
    }

    #[test]
    fn each_line_says_what_it_is_for() {
        let mut welcome = Welcome {
            profile: Profile::Production,
            devices: vec!["coaps://muster.example:5684".to_owned()],
            bootstrap: vec!["coaps://muster.example:5784".to_owned()],
            downloads: vec!["coaps://muster.example:5685/d/".to_owned()],
            console: vec!["https://muster.example:8443".to_owned()],
            fingerprint: Some("AB:CD".to_owned()),
            data_dir: "data".into(),
            setup_link: Some("https://muster.example:8443/setup/x".to_owned()),
        };
        let expected = "  Devices      coaps://muster.example:5684\n  Bootstrap    coaps://muster.example:5784\n  \
            Downloads    coaps://muster.example:5685/d/\n  Console      https://muster.example:8443\n  Fingerprint  SHA-256 AB:CD\n  Data         data\n";
        let text = welcome.to_string();
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(first.ends_with(", profile production"), "{first}");
        assert!(rest.starts_with(expected), "{rest}");
        assert!(
            rest.ends_with("Make one within 30 minutes:\n  https://muster.example:8443/setup/x\n"),
            "{rest}"
        );
        welcome.devices.push("coap://127.0.0.1:5683".to_owned());
        assert!(welcome.to_string().contains("WITHOUT security"));
    }
}
