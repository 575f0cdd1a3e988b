//! Where the bytes of packages come from that go to devices.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc, task::Poll};

use async_trait::async_trait;
use fleet::{ArtefactId, DeviceId, OperationId};
use futures::{StreamExt, stream::FuturesUnordered};

/// Decides which device may be given what, and gives it.
#[async_trait]
pub(crate) trait Packages: Send + Sync + 'static {
    /// Lets an artefact be read for a device, or says why that gets no byte of it.
    async fn open(
        &self,
        device: DeviceId,
        artefact: ArtefactId,
        instance: u16,
    ) -> Result<Arc<dyn Package>, String>;

    /// A device has so many bytes of what it is given by an operation.
    fn progress(&self, operation: OperationId, sent: u64);
}

/// What one device may be given.
#[async_trait]
pub(crate) trait Package: Send + Sync + 'static {
    /// How long it is.
    fn size(&self) -> u64;

    /// So many bytes from one on.
    async fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, String>;
}

/// The packages that are being given, and what is being read of them.
#[derive(Default)]
pub(crate) struct Opened {
    packages: HashMap<OperationId, Arc<dyn Package>>,
    under_way: FuturesUnordered<BoxedAnswer>,
}

/// What was asked for.
pub(crate) enum Answer {
    /// A package, or why there is none.
    Opened(OperationId, Result<Arc<dyn Package>, String>),
    /// Bytes from one on.
    Read(OperationId, usize, Result<Vec<u8>, String>),
}

type BoxedAnswer = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl Opened {
    pub(crate) async fn open(
        &mut self,
        packages: &Arc<dyn Packages>,
        operation: OperationId,
        device: DeviceId,
        artefact: ArtefactId,
        instance: u16,
    ) -> Option<Answer> {
        let packages = Arc::clone(packages);
        self.begin(async move { Answer::Opened(operation, packages.open(device, artefact, instance).await) })
            .await
    }

    /// Takes a package in, and says how long it is.
    pub(crate) fn take(
        &mut self,
        operation: OperationId,
        package: Result<Arc<dyn Package>, String>,
    ) -> Result<u64, String> {
        let package = package?;
        let size = package.size();
        self.packages.insert(operation, package);
        Ok(size)
    }

    pub(crate) async fn read(&mut self, operation: OperationId, offset: usize, len: usize) -> Option<Answer> {
        let package = Arc::clone(self.packages.get(&operation)?);
        self.begin(async move { Answer::Read(operation, offset, package.read(offset as u64, len).await) })
            .await
    }

    pub(crate) fn close(&mut self, operation: OperationId) {
        self.packages.remove(&operation);
    }

    /// The next answer that had to be waited for. For ever pending while there is none.
    pub(crate) async fn next(&mut self) -> Answer {
        match self.under_way.next().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// What is in memory is there at once.
    async fn begin(&mut self, answer: impl Future<Output = Answer> + Send + 'static) -> Option<Answer> {
        let mut answer: BoxedAnswer = Box::pin(answer);
        match futures::poll!(answer.as_mut()) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => {
                self.under_way.push(answer);
                None
            }
        }
    }
}
