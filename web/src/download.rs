//! Bytes of an artefact as a response, part by part.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use fleet::{Download, FleetError};
use futures::stream;

/// The bytes, to be kept as a file.
pub(crate) fn response(download: Download) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(download.size)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"artefact.bin\"")),
    ];
    let parts = stream::try_unfold(download, async |mut download| {
        let part = download.next().await?;
        Ok::<_, FleetError>(part.map(|part| (part, download)))
    });
    (headers, Body::from_stream(parts)).into_response()
}
