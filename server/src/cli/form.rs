//! A form with files (RFC 7578) that is sent as it is read, however long they are.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use super::failure::Failure;

/// A form on its way.
pub(crate) struct Form {
    boundary: String,
    bytes: u64,
    reader: Box<dyn Read + Send>,
}

impl Form {
    pub(crate) fn new() -> Self {
        // What no file holds but by chance: 128 random bits.
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the systems that are served give randomness");
        let boundary = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { boundary, bytes: 0, reader: Box::new(io::empty()) }
    }

    /// Adds a text, unless it is empty.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            let head =
                format!("--{}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n", self.boundary);
            self.add(format!("{head}{text}\r\n").into_bytes());
        }
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        let fails = |source| Failure::File { file: path.to_owned(), source };
        let file = File::open(path).map_err(fails)?;
        let len = file.metadata().map_err(fails)?.len();
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            self.boundary
        );
        self.add(head.into_bytes());
        // No more than was announced, whatever becomes of the file meanwhile.
        self.chain(len, file.take(len));
        self.add(b"\r\n".to_vec());
        Ok(())
    }

    /// How long it is so far.
    pub(crate) fn len(&self) -> u64 {
        self.bytes
    }

    /// Its content type, its length, and its bytes.
    pub(crate) fn end(mut self) -> (String, u64, Box<dyn Read + Send>) {
        self.add(format!("--{}--\r\n", self.boundary).into_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.bytes, self.reader)
    }

    fn add(&mut self, bytes: Vec<u8>) {
        self.chain(bytes.len() as u64, Cursor::new(bytes));
    }

    fn chain(&mut self, len: u64, more: impl Read + Send + 'static) {
        let before = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(before.chain(more));
        self.bytes += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_as_long_as_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("image");
        std::fs::write(&file, "bytes").unwrap();
        let mut form = Form::new();
        form.text("name", "gateway");
        form.text("version", "");
        form.file("image", &file).unwrap();
        let (content_type, bytes, mut reader) = form.end();
        let mut sent = String::new();
        reader.read_to_string(&mut sent).unwrap();
        assert_eq!(bytes, sent.len() as u64);
        let boundary = content_type.split_once("boundary=").unwrap().1;
        let parts: Vec<&str> = sent.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 4);
        assert!(parts[1].ends_with("name=\"name\"\r\n\r\ngateway\r\n"), "{parts:?}");
        assert!(parts[2].ends_with("\r\n\r\nbytes\r\n"), "{parts:?}");
        assert_eq!(parts[3], "--\r\n");
    }
}
