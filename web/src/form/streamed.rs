//! A form whose file is longer than memory: its first fields are read, and the file is handed on as it comes.

use std::{io, sync::Arc};

use async_stream::try_stream;
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts as _, Multipart, Request, multipart::Field},
};
use futures::{StreamExt as _, stream::BoxStream};

use super::{FieldSent, Fields, from_here, outside_token, same_secret};
use crate::{
    app::App,
    error::{FormError, WebError},
    session::SignedIn,
};

/// A form of somebody who is not logged in: its token, one more text, then a file. Nothing of the file is read before the
/// token has proved good.
pub(crate) struct Streamed {
    pub(crate) fields: Fields,
    pub(crate) file: BoxStream<'static, io::Result<Bytes>>,
}

/// How long each text may be.
const MAX_TEXT: usize = 4 << 10;

impl FromRequest<Arc<App>> for Streamed {
    type Rejection = WebError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, WebError> {
        from_here(request.headers())?;
        let cookie = outside_token(request.headers()).unwrap_or_default();
        let malformed = || WebError::Unreadable(FormError::Malformed);
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
        let mut fields = Vec::new();
        for _ in 0..2 {
            let part = parts.next_field().await.map_err(|_| malformed())?.ok_or_else(malformed)?;
            fields.push(text(part).await.map_err(WebError::Unreadable)?);
            same_secret(Fields(fields.clone()).text("csrf"), &cookie)?;
        }
        Ok(Self { fields: Fields(fields), file: file(parts) })
    }
}

/// A form of somebody who is logged in, with files that are read as they come. Whoever reads it proves its token by
/// [`same_secret`] before the first file.
pub(crate) struct Uploading {
    pub(crate) login: SignedIn,
    /// None where the form came without files: not as multipart/form-data.
    pub(crate) parts: Option<Multipart>,
}

impl FromRequest<Arc<App>> for Uploading {
    type Rejection = WebError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, WebError> {
        from_here(request.headers())?;
        let (mut parts, body) = request.into_parts();
        let login = SignedIn::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        Ok(Self { login, parts: Multipart::from_request(request, &()).await.ok() })
    }
}

async fn text(mut part: Field<'_>) -> Result<FieldSent, FormError> {
    let (name, file) = (part.name().unwrap_or_default().to_owned(), part.file_name().is_some());
    let mut value = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|_| FormError::Malformed)? {
        if value.len() + chunk.len() > MAX_TEXT {
            return Err(FormError::TooLarge);
        }
        value.extend_from_slice(&chunk);
    }
    Ok(FieldSent { name, value, file })
}

fn file(mut parts: Multipart) -> BoxStream<'static, io::Result<Bytes>> {
    let chunks = try_stream! {
        let mut part = parts.next_field().await.map_err(io::Error::other)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        while let Some(chunk) = part.chunk().await.map_err(io::Error::other)? {
            yield chunk;
        }
    };
    chunks.boxed()
}
