//! What a request says: JSON bodies, queries, and the ids in its address. Whatever can't be read is named.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use fleet::store::{Cursor, PageRequest};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::{failure::Failure, types::ProblemKind};

/// A body in JSON.
pub(crate) struct Json<T>(pub(crate) T);

/// The parameters of an address.
pub(crate) struct Query<T>(pub(crate) T);

/// How deep arrays and objects of a body may be nested; the deepest that is asked for has six.
pub(crate) const MAX_DEPTH: usize = 16;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Where the page before ended: its `next`, as it is.
    pub(crate) after: Option<String>,
    /// How many rows at most: 1 to 500; 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

impl PageQuery {
    /// As the store is asked.
    pub(crate) fn request(self) -> Result<PageRequest, Failure> {
        page(self.after, self.limit)
    }
}

/// How many rows a page has if nothing is said.
const ROWS: usize = 50;

/// Which page of a list.
pub(crate) fn page(after: Option<String>, limit: Option<usize>) -> Result<PageRequest, Failure> {
    let limit = limit.unwrap_or(ROWS);
    if !(1..=PageRequest::MAX_LIMIT).contains(&limit) {
        let detail = format!("1 to {}", PageRequest::MAX_LIMIT);
        return Err(Failure::of_field(ProblemKind::BadRequest, "limit", detail));
    }
    Ok(PageRequest { after: after.map(Cursor), limit })
}

/// An id in an address: what is none of ours is nothing that exists.
pub(crate) fn id<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Failure> {
    // Each thing has one address.
    let canonical =
        text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    canonical.then(|| text.parse().ok()).flatten().ok_or_else(|| Failure::not_found(what))
}

/// The media type of a body, without its parameters, in small letters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// 415: what this address takes.
pub(crate) fn unsupported(taken: &str) -> Failure {
    Failure::new(ProblemKind::UnsupportedMediaType, format!("send it as {taken}"))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if media_type(request.headers()) != "application/json" {
            return Err(unsupported("application/json"));
        }
        // It was read within its limit before.
        let bytes = axum::body::to_bytes(request.into_body(), usize::MAX).await;
        let bytes = bytes.map_err(|_| Failure::new(ProblemKind::BadRequest, "the body breaks off"))?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    if depth(bytes) > MAX_DEPTH {
        let detail = format!("arrays and objects are nested deeper than {MAX_DEPTH}");
        return Err(Failure::new(ProblemKind::BadRequest, detail));
    }
    // serde would take a list for the fields of an object in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Failure::field("body", "an object is expected"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let detail = inner.to_string();
        if !inner.is_data() {
            return Failure::new(ProblemKind::BadRequest, format!("the body is no JSON: {detail}"));
        }
        // serde names such a field in the text alone.
        let named = ["unknown field `", "missing field `", "duplicate field `"];
        let field = named.iter().find_map(|start| detail.strip_prefix(start)?.split('`').next());
        let field = match (path.as_str(), field) {
            (".", Some(field)) => field.to_owned(),
            (path, Some(field)) if path.rsplit('.').next() != Some(field) => format!("{path}.{field}"),
            (".", None) => "body".to_owned(),
            (path, _) => path.to_owned(),
        };
        Failure::field(&field, detail)
    })?;
    reader
        .end()
        .map_err(|error| Failure::new(ProblemKind::BadRequest, format!("the body is no JSON: {error}")))?;
    Ok(value)
}

/// How deep a text of JSON is nested, whether or not it is well-formed.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(query) => Ok(Self(query.0)),
            Err(rejection) => {
                let text = rejection.body_text();
                let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                let (field, detail) = text.split_once(": ").unwrap_or(("query", text));
                Err(Failure::of_field(ProblemKind::BadRequest, field, detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_a_text_is_seen_before_it_is_read() {
        for (text, expected) in
            [("1", 0), ("{}", 1), (r#"{"a":[{}]}"#, 3), (r#"{"a":"[[[\"[["}"#, 1), ("]]][", 1), ("[[[[", 4)]
        {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }

    #[test]
    fn an_id_has_one_form() {
        let id = |text: &str| id::<fleet::PublicId>(text, "device").is_ok();
        assert!(id("5f0c7a52d1f34d5b8d6f2f2a9f3f4c11"));
        for bad in ["", "7", "5F0C7A52D1F34D5B8D6F2F2A9F3F4C11", "5f0c7a52-d1f3-4d5b-8d6f-2f2a9f3f4c11"] {
            assert!(!id(bad), "{bad}");
        }
    }
}
