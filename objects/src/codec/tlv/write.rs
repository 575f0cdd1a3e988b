//! Nodes to TLV, each structure with the shortest head and each number with the shortest value.

use super::Kind;
use crate::{
    Instance, Models, Node, Path, Resource, Value,
    codec::{
        EncodeError,
        content::{as_defined, check_node},
    },
};

pub(in crate::codec) fn encode(
    path: &Path,
    node: &Node,
    models: &Models<'_>,
) -> Result<Vec<u8>, EncodeError> {
    check_node(path, node)?;
    let mut out = Vec::new();
    match node {
        Node::Object(object) => {
            for (id, instance) in &object.instances {
                let path = child(path, id.0)?;
                let mut inner = Vec::new();
                put_resources(&mut inner, &path, instance, models)?;
                put(&mut out, Kind::ObjectInstance, &path, id.0, &inner)?;
            }
        }
        Node::Instance(instance) => put_resources(&mut out, path, instance, models)?,
        Node::Resource(resource) => put_resource(&mut out, path, resource, models)?,
        Node::ResourceInstance(value) => {
            put_value(&mut out, Kind::ResourceInstance, path, value, models)?;
        }
    }
    Ok(out)
}

fn put_resources(
    out: &mut Vec<u8>,
    path: &Path,
    instance: &Instance,
    models: &Models<'_>,
) -> Result<(), EncodeError> {
    for (id, resource) in &instance.resources {
        put_resource(out, &child(path, id.0)?, resource, models)?;
    }
    Ok(())
}

fn put_resource(
    out: &mut Vec<u8>,
    path: &Path,
    resource: &Resource,
    models: &Models<'_>,
) -> Result<(), EncodeError> {
    match resource {
        Resource::Single(value) => put_value(out, Kind::Resource, path, value, models),
        Resource::Multiple(values) => {
            let mut inner = Vec::new();
            for (id, value) in values {
                put_value(&mut inner, Kind::ResourceInstance, &child(path, id.0)?, value, models)?;
            }
            put(out, Kind::MultipleResource, path, last_id(path), &inner)
        }
    }
}

fn put_value(
    out: &mut Vec<u8>,
    kind: Kind,
    path: &Path,
    value: &Value,
    models: &Models<'_>,
) -> Result<(), EncodeError> {
    put(out, kind, path, last_id(path), &bytes(&*as_defined(path, value, models)?))
}

fn put(out: &mut Vec<u8>, kind: Kind, path: &Path, id: u16, value: &[u8]) -> Result<(), EncodeError> {
    let length = value.len();
    let too_long = EncodeError::TooLong { path: *path, length };
    let length_bytes = u32::try_from(length).map_err(|_| too_long.clone())?.to_be_bytes();
    let (form, length_bytes): (u8, &[u8]) = match length {
        0..=7 => (length_bytes[3], &[]),
        8..=0xff => (0b01 << 3, &length_bytes[3..]),
        0x100..=0xffff => (0b10 << 3, &length_bytes[2..]),
        0x1_0000..=0xff_ffff => (0b11 << 3, &length_bytes[1..]),
        _ => return Err(too_long),
    };
    let [high, low] = id.to_be_bytes();
    let kind = (kind as u8) << 6;
    if high == 0 {
        out.extend([kind | form, low]);
    } else {
        out.extend([kind | 0b0010_0000 | form, high, low]);
    }
    out.extend(length_bytes);
    out.extend(value);
    Ok(())
}

// LwM2M Core 1.1.1 Appendix C
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) | Value::CoreLink(text) => text.as_bytes().to_vec(),
        Value::Opaque(bytes) => bytes.clone(),
        Value::Boolean(truth) => vec![u8::from(*truth)],
        Value::Integer(number) | Value::Time(number) => shortest(*number),
        // Shortest with the top bit clear: there are devices that read the bytes as signed.
        Value::Unsigned(number) => {
            i64::try_from(*number).map_or_else(|_| number.to_be_bytes().to_vec(), shortest)
        }
        Value::Float(number) => {
            #[expect(clippy::cast_possible_truncation, reason = "used only where nothing is lost")]
            let short = *number as f32;
            if f64::from(short).to_bits() == number.to_bits() {
                short.to_be_bytes().to_vec()
            } else {
                number.to_be_bytes().to_vec()
            }
        }
        Value::ObjectLink(link) => {
            [link.object.to_be_bytes(), link.instance.to_be_bytes()].as_flattened().to_vec()
        }
    }
}

fn shortest(number: i64) -> Vec<u8> {
    if let Ok(number) = i8::try_from(number) {
        number.to_be_bytes().to_vec()
    } else if let Ok(number) = i16::try_from(number) {
        number.to_be_bytes().to_vec()
    } else if let Ok(number) = i32::try_from(number) {
        number.to_be_bytes().to_vec()
    } else {
        number.to_be_bytes().to_vec()
    }
}

fn child(path: &Path, id: u16) -> Result<Path, EncodeError> {
    path.child(id).filter(|_| id != u16::MAX).ok_or(EncodeError::Mismatch { path: *path })
}

fn last_id(path: &Path) -> u16 {
    path.ids().last().copied().unwrap_or_default()
}
