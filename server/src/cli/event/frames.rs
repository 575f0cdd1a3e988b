//! Server-sent events, read from a stream (HTML Living Standard §9.2).

use std::io::{BufRead, BufReader, Read};

/// An event of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) event: String,
    pub(super) data: String,
}

/// The events of a stream.
pub(super) struct Frames<R>(BufReader<R>);

/// The longest event: far more than the values of one report.
const MAX_FRAME: u64 = 16 << 20;

impl<R: Read> Frames<R> {
    pub(super) fn new(stream: R) -> Self {
        Self(BufReader::new(stream))
    }

    /// The next event; none if the stream has ended, broken off, or is none of such events.
    pub(super) fn next(&mut self) -> Option<Frame> {
        let mut frame = Frame::default();
        let mut left = MAX_FRAME;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = self.0.by_ref().take(left).read_until(b'\n', &mut line).ok()?;
            left = left.saturating_sub(u64::try_from(read).ok()?);
            // An event whose empty line has not come is none.
            let text = str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
            let text = text.strip_suffix('\r').unwrap_or(text);
            if text.is_empty() {
                if !frame.data.is_empty() {
                    return Some(frame);
                }
                (frame, left) = (Frame::default(), MAX_FRAME);
                continue;
            }
            // What begins with a colon is a comment: it says that the server is there.
            let (field, value) = text.split_once(':').unwrap_or((text, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => frame.event = value.to_owned(),
                "data" if frame.data.is_empty() => frame.data = value.to_owned(),
                "data" => {
                    frame.data.push('\n');
                    frame.data.push_str(value);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str) -> Vec<(String, String)> {
        let mut frames = Frames::new(text.as_bytes());
        std::iter::from_fn(|| frames.next()).map(|frame| (frame.event, frame.data)).collect()
    }

    #[test]
    fn events_are_told_apart_and_comments_left_out() {
        let text = ": here\n\nid: 1\nevent: values\ndata: {\"a\":1}\n\nretry: 5\r\nevent:gap\r\ndata:x\r\ndata:y\r\n\r\n";
        assert_eq!(frames(text), [("values".into(), "{\"a\":1}".into()), ("gap".into(), "x\ny".into())]);
    }

    #[test]
    fn what_has_not_come_to_its_end_is_no_event() {
        for text in ["", "data: x", "data: x\n", "event: a\n\n", "data: \u{0}x\n"] {
            assert_eq!(frames(text), [], "{text:?}");
        }
        assert_eq!(Frames::new(&b"data: \xff\n\n"[..]).next(), None);
    }
}
