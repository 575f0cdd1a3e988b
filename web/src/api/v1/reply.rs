//! Answers that are no failure.

use axum::{
    Extension,
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{failure::Failure, types::ProblemKind};

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    location: Option<String>,
    body: Option<Bytes>,
    kept: Option<Bytes>,
}

/// What is kept of an answer for a repetition of its request, where that is less than the answer.
#[derive(Clone, Debug)]
pub(crate) struct Kept(pub(crate) Bytes);

impl Reply {
    /// 200 with a body.
    pub(crate) fn ok<T: Serialize>(body: &T) -> Result<Self, Failure> {
        Ok(Self { status: StatusCode::OK, location: None, body: Some(json(body)?), kept: None })
    }

    /// 201: what was made, and where it is. `location` is below `/api/v1`.
    pub(crate) fn created<T: Serialize>(location: String, body: &T) -> Result<Self, Failure> {
        Ok(Self { status: StatusCode::CREATED, location: Some(location), ..Self::ok(body)? })
    }

    /// 202: what goes on, and where it is told what came of it.
    pub(crate) fn accepted<T: Serialize>(location: String, body: &T) -> Result<Self, Failure> {
        Ok(Self { status: StatusCode::ACCEPTED, location: Some(location), ..Self::ok(body)? })
    }

    /// 204.
    pub(crate) fn done() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, body: None, kept: None }
    }

    /// Keeps this instead, for a repetition: the same without its secrets.
    pub(crate) fn kept_as<T: Serialize>(self, body: &T) -> Result<Self, Failure> {
        Ok(Self { kept: Some(json(body)?), ..self })
    }

    /// Says where it is found from now on.
    pub(crate) fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(body) = self.body {
            *response.body_mut() = body.into();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let location =
            self.location.and_then(|at| HeaderValue::try_from(format!("{}{at}", super::BASE)).ok());
        if let Some(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        match self.kept {
            Some(kept) => (Extension(Kept(kept)), response).into_response(),
            None => response,
        }
    }
}

fn json<T: Serialize>(body: &T) -> Result<Bytes, Failure> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "an answer can't be written as JSON");
        Failure::new(ProblemKind::Internal, "the answer can't be written")
    })
}
