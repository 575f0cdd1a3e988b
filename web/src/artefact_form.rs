//! The form by which artefacts are uploaded, in the console and in the API: its texts are kept, and its files go to the fleet as
//! they come.

use axum::extract::{
    Multipart,
    multipart::{Field, MultipartError},
};
use fleet::{
    Artefact, ArtefactKind, Class, Context, Fleet, FleetError, NewArtefact, Sends, SignedManifest, Timestamp,
    Upload,
};

/// What an upload has said, with its files on their way.
#[derive(Default)]
pub(crate) struct ArtefactForm {
    texts: Vec<(String, String)>,
    signed: Option<Vec<u8>>,
    image: Option<Upload>,
    envelope: Option<Upload>,
}

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error("the upload breaks off, or is no multipart/form-data")]
    Malformed,
    #[error("the form has a part {0:?}, which is not known, or is there twice")]
    Unknown(String),
    #[error(transparent)]
    Fleet(#[from] FleetError),
}

/// The names of the texts.
const TEXTS: [&str; 8] = ["csrf", "once", "name", "kind", "version", "class", "not_after", "sends"];
/// How long each text may be.
const MAX_TEXT: usize = 4 << 10;

impl From<MultipartError> for UploadError {
    fn from(_: MultipartError) -> Self {
        Self::Malformed
    }
}

impl ArtefactForm {
    /// Reads a form to its end. `trusted` is asked after each text until it says yes; before that no file is read.
    pub(crate) async fn read(
        fleet: &Fleet,
        context: &Context,
        mut parts: Multipart,
        trusted: impl Fn(&Self) -> bool + Send + Sync,
    ) -> Result<Self, UploadError> {
        let mut form = Self::default();
        while let Some(part) = parts.next_field().await? {
            let name = part.name().unwrap_or_default().to_owned();
            if TEXTS.contains(&name.as_str()) && !form.has(&name) {
                let text = small(part, MAX_TEXT).await?;
                let text = String::from_utf8(text).map_err(|_| UploadError::Malformed)?;
                form.texts.push((name, text));
                continue;
            }
            if !trusted(&form) {
                return Err(FleetError::Forbidden.into());
            }
            match name.as_str() {
                "signature" if form.signed.is_none() => {
                    let signed = small(part, SignedManifest::MAX_BYTES).await?;
                    // A browser sends an input without a file as an empty one.
                    form.signed = (!signed.is_empty()).then_some(signed);
                }
                "image" if form.image.is_none() => form.image = file(fleet, context, part).await?,
                "envelope" if form.envelope.is_none() => form.envelope = file(fleet, context, part).await?,
                _ => return Err(UploadError::Unknown(name)),
            }
        }
        if trusted(&form) { Ok(form) } else { Err(FleetError::Forbidden.into()) }
    }

    /// A text; empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(other, _)| other == name).map_or("", |(_, text)| text.trim())
    }

    /// Its texts, to show them again.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Keeps the artefact. `not_after` reads a moment.
    pub(crate) async fn add(
        self,
        fleet: &Fleet,
        context: &Context,
        not_after: impl Fn(&str) -> Option<Timestamp> + Send + Sync,
    ) -> Result<Artefact, FleetError> {
        let invalid = |field, reason: &str| FleetError::Invalid { field, reason: reason.to_owned() };
        let class = Some(self.text("class")).filter(|name| !name.is_empty()).unwrap_or(Class::DEFAULT_NAME);
        let classes = fleet.classes(context).await?;
        let class = classes.into_iter().find(|other| other.name == class);
        let class = class.ok_or_else(|| invalid("class", "there is no such class"))?;
        let word = |name| Some(self.text(name)).filter(|text| !text.is_empty());
        let kind = word("kind").map(|word| {
            let kind = ArtefactKind::ALL.into_iter().find(|kind| kind.name() == word);
            kind.ok_or_else(|| invalid("kind", "it is firmware or software"))
        });
        let sends = word("sends").map(|word| {
            let sends = Sends::ALL.into_iter().find(|sends| sends.name() == word);
            sends.ok_or_else(|| invalid("sends", "it is image or envelope"))
        });
        let not_after = word("not_after").map(|text| {
            not_after(text).ok_or_else(|| invalid("not_after", "a moment such as 2030-12-31T00:00:00Z"))
        });
        let new = NewArtefact {
            name: self.text("name").to_owned(),
            kind: kind.transpose()?,
            version: word("version").map(str::to_owned),
            class: class.id,
            not_after: not_after.transpose()?,
            sends: sends.transpose()?.unwrap_or_default(),
            signed: self.signed,
        };
        fleet.add_artefact(context, new, self.image, self.envelope).await
    }

    fn has(&self, name: &str) -> bool {
        self.texts.iter().any(|(other, _)| other == name)
    }
}

async fn small(mut part: Field<'_>, max: usize) -> Result<Vec<u8>, UploadError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await? {
        if bytes.len() + chunk.len() > max {
            return Err(FleetError::TooLarge { max_bytes: max as u64 }.into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A file as it comes; none if it is empty.
async fn file(fleet: &Fleet, context: &Context, mut part: Field<'_>) -> Result<Option<Upload>, UploadError> {
    let mut upload: Option<Upload> = None;
    while let Some(chunk) = part.chunk().await? {
        if chunk.is_empty() {
            continue;
        }
        if upload.is_none() {
            upload = Some(fleet.begin_upload(context).await?);
        }
        if let Some(upload) = &mut upload {
            upload.append(&chunk).await?;
        }
    }
    Ok(upload)
}
