//! Operations whose device has not answered yet. Those that change something are stored by then; of a Read or Discover this is
//! all that is known.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{Begun, Context, FleetError, Operation, OperationId, PublicId, StoreError};
use futures::{
    FutureExt,
    channel::oneshot,
    future::{BoxFuture, Shared},
};

use super::{failure::Failure, reply::Reply, state::Api, types};

/// The operations under way of the last time, the oldest dropped for new ones.
#[derive(Default)]
pub(crate) struct Underway(Mutex<VecDeque<Asked>>);

#[derive(Clone)]
struct Asked {
    device: PublicId,
    id: OperationId,
    operation: types::Operation,
    work: Work,
}

/// Ends when the device has answered, or will only once it wakes.
type Work = Shared<BoxFuture<'static, Result<OperationId, Arc<FleetError>>>>;

impl Underway {
    /// How many are remembered.
    const MAX: usize = 512;

    /// Remembers one.
    fn push(&self, asked: Asked) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= Self::MAX {
            all.pop_front();
            metrics::counter!("muster_api_operations_forgotten_total").increment(1);
        }
        all.push_back(asked);
    }

    fn find(&self, device: PublicId, id: OperationId) -> Option<Asked> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|asked| asked.device == device && asked.id == id).cloned()
    }
}

impl Api {
    /// Asks something of a device in a task of its own, and once that is taken on waits for a while: 200 with what came of
    /// it, or 202 with where it will be told.
    pub(crate) async fn ask(
        &self,
        context: &Context,
        device: PublicId,
        wait: Duration,
        begin: impl Future<Output = Result<Begun, FleetError>> + Send + 'static,
    ) -> Result<Reply, Failure> {
        let (tell, begun) = oneshot::channel();
        let (fleet, by) = (Arc::clone(self.fleet()), context.clone());
        let task = tokio::spawn(async move {
            let begun = begin.await?;
            drop(tell.send((begun.id(), begun.operation().clone())));
            fleet.carry_out(&by, begun).await
        });
        let work = async move {
            match task.await {
                Ok(operated) => operated.map(|operated| operated.id).map_err(Arc::new),
                Err(error) => {
                    tracing::error!(%error, "an operation's task failed");
                    Err(Arc::new(FleetError::Store(StoreError::Unavailable)))
                }
            }
        };
        let work: Work = work.boxed().shared();
        // One that is not taken on has ended, and says why.
        let ended = match begun.await {
            Ok(begun) => tokio::time::timeout(wait, work.clone()).await.map_err(|_| begun),
            Err(oneshot::Canceled) => Ok(work.clone().await),
        };
        let id = match ended {
            Ok(Ok(id)) => id,
            Ok(Err(error)) => return Err(Failure::of(&error)),
            Err((id, operation)) => {
                let operation = sent(context, id, &operation);
                self.underway.push(Asked { device, id, operation, work });
                id
            }
        };
        let operation = self.find(context, device, id).await?;
        let location = location(device, &operation.id);
        match operation.state {
            types::OperationState::Queued | types::OperationState::Sent => {
                Reply::accepted(location, &operation)
            }
            _ => Ok(Reply::ok(&operation)?.at(location)),
        }
    }

    /// An operation, stored or not.
    pub(crate) async fn find(
        &self,
        context: &Context,
        device: PublicId,
        id: OperationId,
    ) -> Result<types::Operation, Failure> {
        match self.operation(context, device, id).await {
            Err(FleetError::NotFound("operation")) => {}
            found => return Ok(found?),
        }
        let asked = self.underway.find(device, id).ok_or_else(|| Failure::not_found("operation"))?;
        match asked.work.now_or_never() {
            Some(Ok(id)) => Ok(self.operation(context, device, id).await?),
            Some(Err(error)) => Err(Failure::of(&error)),
            None => Ok(asked.operation),
        }
    }
}

fn location(device: PublicId, id: &str) -> String {
    format!("/devices/{device}/operations/{id}")
}

/// What is known of an operation while its device has not answered.
fn sent(context: &Context, id: OperationId, operation: &Operation) -> types::Operation {
    types::Operation {
        id: id.to_string(),
        operation: operation.name().to_owned(),
        path: operation.path().into(),
        paths: types::several(&operation.target()),
        state: types::OperationState::Sent,
        priority: types::Priority::Normal,
        requested_by: context.actor.name().to_owned(),
        queued_at: context.now.into(),
        sent_at: None,
        ended_at: None,
        expires_at: context.now.after(fleet::Order::DEFAULT_EXPIRY).into(),
        result: None,
        superseded_by: None,
        answer: None,
        exchange: Vec::new(),
    }
}
