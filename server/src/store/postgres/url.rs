//! Where PostgreSQL is, and as whom it is spoken to. The text may hold a password: it is wiped, and never shown.

use std::{fmt, str::FromStr};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use serde::Deserialize;
use zeroize::Zeroizing;

/// A URL such as `postgres://muster@db.example/muster?sslmode=verify-full`. Shown without its password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PostgresUrl(Zeroizing<String>);

/// Why a text is none. Says nothing of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostgresUrlError {
    /// It names no database.
    #[error("must name a database, as in postgres://muster@db.example/muster")]
    Database,
    /// It is no URL, or a value in it has not its form.
    #[error(
        "expected a URL such as postgres://muster@db.example/muster, special characters in it as %40 and so on"
    )]
    Form,
    /// It has a parameter that is not known; it might be a mistyped secret.
    #[error(
        "takes only the parameters host, port, user, password, dbname, sslmode, sslrootcert, sslcert and sslkey"
    )]
    Parameter,
    /// It is of something else.
    #[error(
        "must begin with postgres://, as in postgres://muster@db.example/muster; leave it out for the SQLite file in `data_dir`"
    )]
    Scheme,
}

const PARAMETERS: [&str; 9] =
    ["host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey"];

impl PostgresUrl {
    /// Whether it says the password itself.
    pub fn has_password(&self) -> bool {
        let (place, parameters) = split(&self.0);
        let authority = place.split('/').nth(2).unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        user.contains(':') || parameters.iter().any(|(name, _)| *name == "password")
    }

    /// Whether whoever is between could read and change what is said, or would have to be on this machine.
    pub fn is_verified_or_local(&self) -> bool {
        let options = self.options();
        let host = options.get_host();
        let is_local = host.starts_with('/')
            || options.get_socket().is_some()
            || host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        is_local || matches!(options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull)
    }

    /// What it does not say is taken from `PGPASSWORD`, `.pgpass` and so on, as with PostgreSQL's own programs.
    pub(in crate::store) fn options(&self) -> PgConnectOptions {
        self.0.parse().expect("it was parsed when it was made")
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Zeroizing::new(text.to_owned()).try_into()
    }
}

impl TryFrom<Zeroizing<String>> for PostgresUrl {
    type Error = PostgresUrlError;

    fn try_from(text: Zeroizing<String>) -> Result<Self, Self::Error> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(PostgresUrlError::Scheme);
        }
        let (_, parameters) = split(&text);
        // Before the parser, which would log the value of one that it does not know.
        if parameters.iter().any(|(name, _)| !PARAMETERS.contains(name)) {
            return Err(PostgresUrlError::Parameter);
        }
        let options = text.parse::<PgConnectOptions>().map_err(|_| PostgresUrlError::Form)?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(PostgresUrlError::Database);
        }
        Ok(Self(text))
    }
}

impl TryFrom<String> for PostgresUrl {
    type Error = PostgresUrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Zeroizing::new(text).try_into()
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options();
        let host = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let (user, database) = (options.get_username(), options.get_database().unwrap_or_default());
        write!(f, "postgres://{user}@{host}:{}/{database}", options.get_port())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

/// What stands before the parameters, and these.
fn split(text: &str) -> (&str, Vec<(&str, &str)>) {
    let text = text.split('#').next().unwrap_or_default();
    let (place, query) = text.split_once('?').unwrap_or((text, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    (place, pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PostgresUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://ada:s3cr%40t@db.example:5433/fleet?sslmode=require",
            "postgresql://db.example:5433/fleet?user=ada&password=s3cr%40t",
        ] {
            let url = url(text);
            assert_eq!(url.to_string(), "postgres://ada@db.example:5433/fleet");
            assert_eq!(format!("{url:?}"), "PostgresUrl(postgres://ada@db.example:5433/fleet)");
            assert!(url.has_password());
        }
        assert!(!url("postgres://ada@db.example/fleet").has_password());
        assert!(!url("postgres://[::1]:5432/fleet?user=ada").has_password());
    }

    #[test]
    fn what_is_no_such_url_is_refused_without_being_repeated() {
        use PostgresUrlError::{Database, Form, Parameter, Scheme};
        for (text, error) in [
            ("", Scheme),
            ("mysql://ada:s3cret@db/fleet", Scheme),
            ("db.example/s3cret", Scheme),
            ("postgres://ada:s3cret@db.example", Database),
            ("postgres://ada:s3cret@db.example/", Database),
            ("postgres://ada@db.example/fleet?pasword=s3cret", Parameter),
            ("postgres://ada:s3c?ret@db.example/fleet", Parameter),
            ("postgres://ada:s3cret@db.example:port/fleet", Form),
            ("postgres://db/fleet?sslmode=s3cret", Form),
        ] {
            let refused = text.parse::<PostgresUrl>().unwrap_err();
            assert_eq!(refused, error, "{text}");
            assert!(!refused.to_string().contains("s3c"), "{refused}");
        }
    }

    #[test]
    fn beyond_this_machine_only_a_certificate_that_is_verified_keeps_others_out() {
        for safe in [
            "postgres://localhost/fleet",
            "postgres://127.0.0.1/fleet",
            "postgres://%2Frun%2Fpostgresql/fleet",
            "postgres:///fleet?host=/run/postgresql",
            "postgres://db.example/fleet?sslmode=verify-full",
        ] {
            assert!(url(safe).is_verified_or_local(), "{safe}");
        }
        for open in ["postgres://db.example/fleet", "postgres://192.0.2.1/fleet?sslmode=require"] {
            assert!(!url(open).is_verified_or_local(), "{open}");
        }
    }
}
