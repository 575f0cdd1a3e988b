//! An exchange as a person reads it. Payloads are told by their size, never shown: they may hold secrets.

use std::{fmt::Write, time::Duration};

use fleet::WireTrace;
use objects::ContentFormat;

/// Begins a trace with the request that was sent.
pub(crate) fn sent(request: &coap::Request) -> WireTrace {
    let kind = if request.confirmable { "CON" } else { "NON" };
    let method = format!("{:?}", request.method).to_uppercase();
    let mut line = format!("→ {kind} {method} /{}", request.path.join("/"));
    if !request.queries.is_empty() {
        let _ = write!(line, "?{}", request.queries.join("&"));
    }
    if let Some(observe) = request.observe {
        let _ = write!(line, ", Observe {}", observe as u8);
    }
    if let Some(accept) = request.accept {
        let _ = write!(line, ", Accept {}", ContentFormat(accept));
    }
    payload(&mut line, request.content_format, request.payload.len());
    WireTrace { lines: vec![line] }
}

/// Ends a trace with what came back.
pub(crate) fn answered(
    trace: &mut WireTrace,
    outcome: &Result<coap::Response, coap::Failure>,
    after: Duration,
) {
    let mut line = match outcome {
        Ok(response) => {
            let code = fleet::ResponseCode { class: response.code.class(), detail: response.code.detail() };
            let mut line = format!("← {code}");
            if let Some(number) = response.observe {
                let _ = write!(line, ", Observe {number}");
            }
            if !response.location_path.is_empty() {
                let _ = write!(line, ", Location /{}", response.location_path.join("/"));
            }
            payload(&mut line, response.content_format, response.payload.len());
            line
        }
        Err(failure) => format!("✕ {failure}"),
    };
    let _ = write!(line, " (after {} ms)", after.as_millis());
    trace.lines.push(line);
}

fn payload(line: &mut String, format: Option<u16>, len: usize) {
    if let Some(format) = format {
        let _ = write!(line, ", {}", ContentFormat(format));
    }
    if len > 0 {
        let _ = write!(line, ", {len} bytes");
    }
}
