//! The manifest of an envelope (draft-ietf-suit-manifest-37 §8.4), as far as it decides.

use uuid::Uuid;

use super::{
    SuitError,
    authentication::digest,
    cbor::{Head, Reader},
};
use crate::{Artefact, Fingerprint};

/// What a SUIT manifest says of its image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuitManifest {
    /// Its sequence number.
    pub sequence: u64,
    /// Who makes the devices that it is for.
    pub vendor_id: Uuid,
    /// What they are.
    pub class_id: Uuid,
    /// SHA-256 of the image.
    pub digest: Fingerprint,
    /// How long the image is.
    pub size: u64,
    /// Where the image is to be had: an integrated payload is named by this.
    pub uri: Option<String>,
}

/// How many components a manifest has at most.
const MAX_COMPONENTS: usize = 8;

impl SuitManifest {
    /// The longest one that is read.
    pub const MAX_BYTES: usize = 65_536;

    /// Reads one.
    pub fn parse(bytes: &[u8]) -> Result<Self, SuitError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(SuitError::TooMuch { what: "bytes of manifest", max: Self::MAX_BYTES });
        }
        let members = Members::read(bytes)?;
        let mut table = Table { components: vec![Parameters::default(); members.components] };
        let shared = members.shared.ok_or(SuitError::Lacks { what: "a shared sequence" })?;
        table.run(shared, true)?;
        for sequence in members.sequences {
            table.run(sequence, false)?;
        }
        table.image(members.sequence)
    }
}

/// What is read of the members of a manifest (§8.4) and of its common part (§8.4.5).
#[derive(Default)]
struct Members<'a> {
    sequence: u64,
    components: usize,
    shared: Option<&'a [u8]>,
    /// The other command sequences.
    sequences: Vec<&'a [u8]>,
}

impl<'a> Members<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, SuitError> {
        let mut reader = Reader::new(bytes, "the manifest");
        let (mut members, mut version, mut sequence, mut common) = (Self::default(), None, None, None);
        let mut seen = Vec::new();
        for _ in 0..reader.map()? {
            let key = reader.int()?;
            if seen.contains(&key) {
                return Err(reader.malformed());
            }
            seen.push(key);
            match key {
                1 => version = Some(reader.uint()?),
                2 => sequence = Some(reader.uint()?),
                3 => common = Some(reader.bytes()?),
                // The reference URI, and suit-text: for people.
                4 | 23 => reader.skip()?,
                // Payload fetch and installation may have been severed: a digest stands there then (§8.5).
                16 | 20 if !matches!(reader.peek()?, Head::Bytes(_)) => {
                    return Err(SuitError::unsupported("severed commands"));
                }
                // Validate, load, invoke, payload fetch, install.
                7 | 8 | 9 | 16 | 20 => members.sequences.push(reader.bytes()?),
                other => return Err(SuitError::unsupported(format!("the manifest member {other}"))),
            }
        }
        reader.end()?;
        match version.ok_or(SuitError::Lacks { what: "a manifest version" })? {
            1 => {}
            other => return Err(SuitError::unsupported(format!("the manifest version {other}"))),
        }
        members.sequence = sequence.ok_or(SuitError::Lacks { what: "a sequence number" })?;
        if members.sequence > Artefact::MAX_SEQUENCE {
            return Err(SuitError::unsupported("a sequence number of 2^53 or more"));
        }
        members.read_common(common.ok_or(SuitError::Lacks { what: "a common part" })?)?;
        Ok(members)
    }

    fn read_common(&mut self, bytes: &'a [u8]) -> Result<(), SuitError> {
        let mut reader = Reader::new(bytes, "the common part");
        for _ in 0..reader.map()? {
            match reader.int()? {
                2 if self.components == 0 => {
                    self.components = reader.array()?;
                    if self.components > MAX_COMPONENTS {
                        return Err(SuitError::TooMuch { what: "components", max: MAX_COMPONENTS });
                    }
                    for _ in 0..self.components {
                        reader.skip()?;
                    }
                }
                4 if self.shared.is_none() => self.shared = Some(reader.bytes()?),
                other => return Err(SuitError::unsupported(format!("the common member {other}"))),
            }
        }
        reader.end()?;
        if self.components == 0 { Err(SuitError::Lacks { what: "components" }) } else { Ok(()) }
    }
}

/// The parameters of the components (§8.4.8), as the commands set them.
struct Table {
    components: Vec<Parameters>,
}

#[derive(Clone, Default)]
struct Parameters {
    vendor_id: Option<Uuid>,
    class_id: Option<Uuid>,
    digest: Option<Fingerprint>,
    size: Option<u64>,
    uri: Option<String>,
}

impl Table {
    /// Follows a command sequence (§6.4) as far as it sets parameters. It begins with the first component.
    fn run(&mut self, sequence: &[u8], shared: bool) -> Result<(), SuitError> {
        let mut reader = Reader::new(sequence, "a command sequence");
        let items = reader.array()?;
        if items % 2 != 0 {
            return Err(reader.malformed());
        }
        let mut current = vec![0];
        for _ in 0..items / 2 {
            match reader.int()? {
                12 => current = self.chosen(&mut reader)?,
                20 => {
                    let parameters = reader;
                    for component in &current {
                        let mut again = parameters;
                        self.override_parameters(*component, &mut again)?;
                    }
                    reader.skip()?;
                }
                // Conditions on the vendor, the class, the image, the slot, the content and the device.
                1 | 2 | 3 | 5 | 6 | 24 => drop(reader.uint()?),
                // Write, fetch, copy and invoke: they set nothing, and the shared sequence may not have them.
                18 | 21 | 22 | 23 if !shared => drop(reader.uint()?),
                command => return Err(SuitError::unsupported(format!("the command {command}"))),
            }
        }
        reader.end()
    }

    /// §6.5: a number, several of them, or all.
    fn chosen(&self, reader: &mut Reader<'_>) -> Result<Vec<usize>, SuitError> {
        let chosen: Vec<u64> = match reader.head()? {
            Head::Uint(index) => vec![index],
            Head::Array(count) if count <= MAX_COMPONENTS as u64 => {
                (0..count).map(|_| reader.uint()).collect::<Result<_, _>>()?
            }
            Head::Simple(TRUE) => (0..self.components.len() as u64).collect(),
            _ => return Err(reader.malformed()),
        };
        let chosen = chosen.into_iter().map(|index| usize::try_from(index).ok());
        let chosen: Option<Vec<usize>> =
            chosen.map(|index| index.filter(|index| *index < self.components.len())).collect();
        chosen.ok_or_else(|| reader.malformed())
    }

    fn override_parameters(&mut self, component: usize, reader: &mut Reader<'_>) -> Result<(), SuitError> {
        let Some(parameters) = self.components.get_mut(component) else { return Err(reader.malformed()) };
        for _ in 0..reader.map()? {
            match reader.int()? {
                1 => once(&mut parameters.vendor_id, uuid(reader)?, "vendor id")?,
                2 => once(&mut parameters.class_id, uuid(reader)?, "class id")?,
                3 => once(&mut parameters.digest, digest(reader.bytes()?)?, "image digest")?,
                14 => once(&mut parameters.size, reader.uint()?, "image size")?,
                21 => parameters.uri = Some(reader.text()?.to_owned()),
                // Slot, content, source, arguments and device: they say nothing of whose the image is.
                5 | 18 | 22 | 23 | 24 | 25 => reader.skip()?,
                // Strict order and soft failure among them: what failed could be passed over.
                other => return Err(SuitError::unsupported(format!("the parameter {other}"))),
            }
        }
        Ok(())
    }

    /// The one image, and for whom it is.
    fn image(self, sequence: u64) -> Result<SuitManifest, SuitError> {
        let vendor_id =
            same(self.components.iter().filter_map(|component| component.vendor_id), "a vendor id")?;
        let class_id = same(self.components.iter().filter_map(|component| component.class_id), "a class id")?;
        let mut images = self.components.into_iter().filter(|component| component.digest.is_some());
        let image = images.next().ok_or(SuitError::Lacks { what: "an image digest" })?;
        if images.next().is_some() {
            return Err(SuitError::unsupported("more than one image"));
        }
        Ok(SuitManifest {
            sequence,
            vendor_id,
            class_id,
            digest: image.digest.ok_or(SuitError::Lacks { what: "an image digest" })?,
            size: image.size.ok_or(SuitError::Lacks { what: "an image size" })?,
            uri: image.uri,
        })
    }
}

/// The simple value `true` (RFC 8949 §3.3).
const TRUE: u64 = 21;

/// RFC 9562 §4; a CBOR tag before it would be a Private Enterprise Number.
fn uuid(reader: &mut Reader<'_>) -> Result<Uuid, SuitError> {
    if matches!(reader.peek()?, Head::Tag(_)) {
        return Err(SuitError::unsupported("a vendor id that is no UUID"));
    }
    Uuid::from_slice(reader.bytes()?).map_err(|_| reader.malformed())
}

/// What is set twice, differently, depends on what a device does in between.
fn once<T: PartialEq>(place: &mut Option<T>, value: T, what: &str) -> Result<(), SuitError> {
    match place {
        Some(before) if *before != value => Err(SuitError::unsupported(format!("more than one {what}"))),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

fn same(mut ids: impl Iterator<Item = Uuid>, what: &'static str) -> Result<Uuid, SuitError> {
    let first = ids.next().ok_or(SuitError::Lacks { what })?;
    if ids.any(|other| other != first) {
        return Err(SuitError::unsupported(format!("{what} for each component")));
    }
    Ok(first)
}
