//! Forms as they arrive. A handler that changes anything takes [`Posted`] (somebody is logged in) or [`Outside`] (nobody
//! is yet), and either refuses what was not sent from a page of ours.

use std::sync::Arc;

use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, Multipart, Request},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    app::App,
    error::{FormError, WebError},
    session::SignedIn,
};

mod streamed;
pub(crate) use streamed::{Streamed, Uploading};

/// A form of somebody who is logged in.
pub(crate) struct Posted {
    pub(crate) login: SignedIn,
    pub(crate) fields: Fields,
}

/// A form of somebody who is not logged in: its token is that of a cookie which only our pages set.
pub(crate) struct Outside {
    pub(crate) fields: Fields,
}

/// The fields of a form, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<FieldSent>);

#[derive(Clone, Debug)]
struct FieldSent {
    name: String,
    value: Vec<u8>,
    /// Whether it came from a file input.
    file: bool,
}

impl Fields {
    /// The most fields that are read.
    pub(crate) const MAX: usize = 2_048;

    /// A form of these texts.
    pub(crate) fn of_texts<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let field = |(name, value): (&str, &str)| {
            let value = value.as_bytes().to_vec();
            FieldSent { name: name.to_owned(), value, file: false }
        };
        Self(texts.map(field).collect())
    }

    /// The text of a field; empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        let field = self.0.iter().find(|field| field.name == name && !field.file);
        field.and_then(|field| std::str::from_utf8(&field.value).ok()).unwrap_or_default()
    }

    /// A form that was not sent, such as one whose fields stand in an address.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let field =
            |(name, value): (String, String)| FieldSent { name, value: value.into_bytes(), file: false };
        Self(pairs.into_iter().map(field).collect())
    }

    /// Whether a field is there, such as a box that is ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|field| field.name == name)
    }

    /// What was uploaded in a field, unless no file was chosen.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        let field = self.0.iter().find(|field| field.name == name && field.file)?;
        (!field.value.is_empty()).then_some(&field.value)
    }

    /// The form without one of its fields.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|field| field.name != name);
        self
    }

    /// The texts of all fields of a name, such as boxes that are ticked.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.0.iter().filter(move |field| field.name == name && !field.file);
        fields.filter_map(|field| std::str::from_utf8(&field.value).ok())
    }

    /// The names of all fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|field| field.name.as_str())
    }

    /// Names this very form: its token and everything that was typed.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for field in &self.0 {
            for part in [field.name.as_bytes(), &field.value] {
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    async fn read(request: Request) -> Result<Self, WebError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let fields = match content_type.unwrap_or_default() {
            multipart if multipart.starts_with("multipart/form-data") => Self::read_multipart(request).await,
            urlencoded if urlencoded.starts_with("application/x-www-form-urlencoded") => {
                Self::read_urlencoded(request).await
            }
            _ => Err(FormError::Encoding),
        };
        fields.map_err(WebError::Unreadable)
    }

    async fn read_urlencoded(request: Request) -> Result<Self, FormError> {
        let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        let Form(pairs) = form.map_err(|error| form_error(error.into_response().status()))?;
        if pairs.len() > Self::MAX {
            return Err(FormError::TooLarge);
        }
        Ok(Self::of(pairs))
    }

    async fn read_multipart(request: Request) -> Result<Self, FormError> {
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| FormError::Malformed)?;
        let mut fields = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|error| form_error(error.status()))? {
            if fields.len() == Self::MAX {
                return Err(FormError::TooLarge);
            }
            let (name, file) = (part.name().unwrap_or_default().to_owned(), part.file_name().is_some());
            let value = part.bytes().await.map_err(|error| form_error(error.status()))?.to_vec();
            fields.push(FieldSent { name, value, file });
        }
        Ok(Self(fields))
    }
}

impl FromRequest<Arc<App>> for Posted {
    type Rejection = WebError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, WebError> {
        from_here(request.headers())?;
        let (mut parts, body) = request.into_parts();
        let login = SignedIn::from_request_parts(&mut parts, app).await?;
        let fields = Fields::read(Request::from_parts(parts, body)).await?;
        same_secret(fields.text("csrf"), &login.csrf)?;
        Ok(Self { login, fields })
    }
}

impl FromRequest<Arc<App>> for Outside {
    type Rejection = WebError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, WebError> {
        from_here(request.headers())?;
        let cookie = outside_token(request.headers()).unwrap_or_default();
        let fields = Fields::read(request).await?;
        same_secret(fields.text("csrf"), &cookie)?;
        Ok(Self { fields })
    }
}

/// The name of the cookie that proves a form without a login.
pub(crate) const OUTSIDE_COOKIE: &str = "muster-form";

/// The token in the cookie of somebody who is not logged in.
pub(crate) fn outside_token(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let token = pairs.find(|(name, _)| *name == OUTSIDE_COOKIE)?.1;
    (token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| token.to_owned())
}

/// Browsers say where a form came from: in `Sec-Fetch-Site`, the older ones in `Origin`. Programs say neither.
fn from_here(headers: &HeaderMap) -> Result<(), WebError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let here = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, authority)| authority) == text("host"),
        (None, None) => true,
    };
    here.then_some(()).ok_or(WebError::ForeignSite)
}

pub(crate) fn same_secret(offered: &str, expected: &str) -> Result<(), WebError> {
    let same = !expected.is_empty() && bool::from(offered.as_bytes().ct_eq(expected.as_bytes()));
    same.then_some(()).ok_or(WebError::ForeignForm)
}

fn form_error(status: StatusCode) -> FormError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => FormError::TooLarge,
        _ => FormError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_form_comes_from_here_if_the_browser_says_so() {
        for (sent, expected) in [
            (vec![], true),
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site"), ("host", "a:1"), ("origin", "http://a:1")], false),
            (vec![("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true),
            (vec![("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:9090")], false),
            (vec![("host", "127.0.0.1:8080"), ("origin", "null")], false),
            (vec![("origin", "http://evil.example")], false),
        ] {
            assert_eq!(from_here(&headers(&sent)).is_ok(), expected, "{sent:?}");
        }
    }

    #[test]
    fn an_empty_token_proves_nothing() {
        assert!(same_secret("", "").is_err());
        assert!(same_secret("a", "b").is_err());
        assert!(same_secret("a", "a").is_ok());
    }

    #[test]
    fn only_a_token_of_ours_is_taken_from_the_cookies() {
        let token = "00112233445566778899aabbccddeeff";
        assert_eq!(
            outside_token(&headers(&[("cookie", "a=b; muster-form=00112233445566778899aabbccddeeff")]))
                .as_deref(),
            Some(token)
        );
        assert_eq!(outside_token(&headers(&[("cookie", "muster-form=x")])), None);
    }
}
