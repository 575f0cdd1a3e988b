//! The columns of the list of devices.

use fleet::{Labels, Timestamp, store::DeviceSummary};

use crate::show::{Moment, visible};

/// A device of the list, with what its columns show.
pub(super) struct Listed<'l> {
    pub(super) summary: &'l DeviceSummary,
    /// None if it has none.
    pub(super) labels: Option<&'l Labels>,
    pub(super) now: Timestamp,
}

/// A column that can be shown beside the name and the state.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) cell: fn(&Listed<'_>) -> Cell,
    pub(super) shown: bool,
}

/// What stands in a cell.
pub(super) enum Cell {
    Text(String),
    Code(String),
    Moment(Moment),
    Tagged(String, &'static str),
}

impl Cell {
    fn none() -> Self {
        Self::Text(String::new())
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

pub(super) static COLUMNS: [Column; 10] = [
    Column {
        name: "class",
        label: "Class",
        shown: true,
        cell: |row| Cell::Text(visible(row.summary.class_name.chars())),
    },
    Column {
        name: "labels",
        label: "Labels",
        shown: true,
        cell: |row| {
            row.labels.map_or_else(Cell::none, |labels| Cell::Text(visible(labels.to_string().chars())))
        },
    },
    Column {
        name: "security",
        label: "Security",
        shown: true,
        cell: |row| Cell::Text(if row.summary.secured { "key" } else { "none" }.to_owned()),
    },
    Column {
        name: "lwm2m",
        label: "LwM2M",
        shown: true,
        cell: |row| {
            row.summary.registered.as_ref().map_or_else(Cell::none, |said| {
                Cell::Tagged(said.lwm2m.to_string(), if said.binding.queue_mode { "queue mode" } else { "" })
            })
        },
    },
    Column {
        name: "binding",
        label: "Binding",
        shown: false,
        cell: |row| {
            row.summary
                .registered
                .as_ref()
                .map_or_else(Cell::none, |said| Cell::Text(said.binding.transports.clone()))
        },
    },
    Column {
        name: "address",
        label: "Address",
        shown: true,
        cell: |row| {
            row.summary
                .registered
                .as_ref()
                .map_or_else(Cell::none, |said| Cell::Code(said.source.address.to_string()))
        },
    },
    Column {
        name: "seen",
        label: "Last heard",
        shown: true,
        cell: |row| {
            row.summary
                .registered
                .as_ref()
                .map_or_else(Cell::none, |said| Cell::Moment(Moment::new(said.seen_at, row.now)))
        },
    },
    Column {
        name: "until",
        label: "Until",
        shown: true,
        cell: |row| {
            row.summary
                .registered
                .as_ref()
                .map_or_else(Cell::none, |said| Cell::Moment(Moment::new(said.expires_at, row.now)))
        },
    },
    Column {
        name: "added",
        label: "First known",
        shown: false,
        cell: |row| Cell::Moment(Moment::new(row.summary.device.created_at, row.now)),
    },
    Column {
        name: "id",
        label: "Id",
        shown: false,
        cell: |row| Cell::Code(row.summary.device.public_id.to_string()),
    },
];
