//! Values by the identifiers of their paths, as they are written.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use super::FORMAT;
use crate::{
    Path, Value,
    codec::{EncodeError, cbor},
};

/// What lies below some identifiers.
#[derive(Default)]
pub(super) struct Tree<'v>(BTreeMap<u16, Below<'v>>);

enum Below<'v> {
    Tree(Tree<'v>),
    Value(Path, Cow<'v, Value>),
}

impl<'v> Tree<'v> {
    /// A value, where there is none yet.
    pub(super) fn insert(&mut self, path: Path, value: Cow<'v, Value>) -> Result<(), EncodeError> {
        let mismatch = EncodeError::Mismatch { path };
        // The identifier 65535 names nothing.
        if path.resource().is_none() || Path::from_ids(&path.ids()).is_err() {
            return Err(mismatch);
        }
        let ids = path.ids();
        let Some((last, parents)) = ids.split_last() else { return Err(mismatch) };
        let mut tree = self;
        for id in parents {
            match tree.0.entry(*id).or_insert_with(|| Below::Tree(Tree::default())) {
                Below::Tree(below) => tree = below,
                Below::Value(..) => return Err(mismatch),
            }
        }
        match tree.0.entry(*last) {
            Entry::Vacant(vacant) => vacant.insert(Below::Value(path, value)),
            Entry::Occupied(_) => return Err(mismatch),
        };
        Ok(())
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, EncodeError> {
        let mut payload = Vec::new();
        self.put(&mut payload)?;
        Ok(payload)
    }

    fn put(&self, payload: &mut Vec<u8>) -> Result<(), EncodeError> {
        payload.extend(map_head(self.0.len()));
        for (id, below) in &self.0 {
            payload.extend(cbor::write(id).unwrap_or_default());
            match below {
                Below::Tree(tree) => tree.put(payload)?,
                Below::Value(path, value) => {
                    let written = cbor::write_value(value);
                    payload.extend(written.ok_or(EncodeError::NoForm { path: *path, format: FORMAT })?);
                }
            }
        }
        Ok(())
    }
}

/// The head of a map of so many pairs: that of a number, with the major type 5 (RFC 8949 §3.1).
pub(super) fn map_head(pairs: usize) -> Vec<u8> {
    const MAP: u8 = 5 << 5;
    let mut head = cbor::write(&pairs).unwrap_or_default();
    if let Some(first) = head.first_mut() {
        *first |= MAP;
    }
    head
}
