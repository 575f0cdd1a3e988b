//! What devices may be given, and how it is read.

use fleet::ArtefactId;

use super::*;

/// The one package there is, and what became of it.
#[derive(Default)]
pub(super) struct Packages {
    package: Option<Result<Vec<u8>, String>>,
    open: BTreeMap<OperationId, usize>,
    most_read: usize,
    progress: Vec<u64>,
}

impl World {
    /// Lets every device have these bytes, or none any.
    pub(in super::super) fn offer(&mut self, package: Result<Vec<u8>, &str>) {
        self.packages.package = Some(package.map_err(str::to_owned));
    }

    pub(in super::super) fn push_of(from: u64) -> Operation {
        let path = "/5/0/0".parse().unwrap();
        Operation::Push { path, artefact: ArtefactId(uuid::Uuid::nil()), from, block_bytes: 1_024 }
    }

    /// How far the devices were said to be, each time.
    pub(in super::super) fn progress(&self) -> &[u64] {
        &self.packages.progress
    }

    /// How many bytes were read at one time at most.
    pub(in super::super) fn most_read(&self) -> usize {
        self.packages.most_read
    }

    /// How many packages are open.
    pub(in super::super) fn open_packages(&self) -> usize {
        self.packages.open.len()
    }

    pub(in super::super) fn break_off(&mut self, node: usize, operation: OperationId) -> bool {
        let (now, device) = (self.moment(), self.id(node));
        let is_off = self.shard.cancel_order(now, device, operation);
        self.drain();
        is_off
    }

    fn package(&self) -> Result<&Vec<u8>, String> {
        self.packages.package.as_ref().expect("a test offers it").as_ref().map_err(String::clone)
    }

    pub(super) fn give_package(&mut self, output: Output) {
        let now = self.moment();
        match output {
            Output::Open { operation, .. } => {
                let opened = self.package().map(|package| package.len() as u64);
                if opened.is_ok() {
                    self.packages.open.insert(operation, 0);
                }
                self.shard.handle_opened(now, operation, opened);
            }
            Output::Read { operation, offset, len } => {
                assert!(self.packages.open.contains_key(&operation), "it was never opened, or is closed");
                self.packages.most_read = self.packages.most_read.max(len);
                let bytes =
                    self.package().map(|package| package[offset..(offset + len).min(package.len())].to_vec());
                self.shard.handle_read(now, operation, offset, bytes);
            }
            Output::Progress { sent, .. } => self.packages.progress.push(sent),
            Output::Close { operation } => drop(self.packages.open.remove(&operation)),
            other => panic!("{other:?}"),
        }
    }
}
