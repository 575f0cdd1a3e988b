//! Operations whose device has not answered yet: until then they have the id of the request that asked for them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{Context, FleetError, Operated, PublicId, StoreError};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::{access::Caller, failure::Failure, reply::Reply, state::Api, types};

/// The operations under way of the last time, the oldest dropped for new ones.
#[derive(Default)]
pub(crate) struct Underway(Mutex<VecDeque<Asked>>);

#[derive(Clone)]
struct Asked {
    device: PublicId,
    operation: types::Operation,
    work: Shared<BoxFuture<'static, Result<fleet::OperationId, Arc<FleetError>>>>,
}

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

    fn find(&self, device: PublicId, id: &str) -> Option<Asked> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|asked| asked.device == device && asked.operation.id == id).cloned()
    }
}

impl Api {
    /// Asks something of a device in a task of its own and waits for a while: 200 with what came of it, or 202 with
    /// where it will be told.
    pub(crate) async fn ask(
        &self,
        context: &Context,
        device: PublicId,
        operation: &fleet::Operation,
        wait: Duration,
        work: impl Future<Output = Result<Operated, FleetError>> + Send + 'static,
    ) -> Result<Reply, Failure> {
        let task = tokio::spawn(work);
        let work = async move {
            match task.await {
                Ok(operated) => operated.map(|operated| operated.id).map_err(Arc::new),
                Err(error) => {
                    tracing::error!(%error, "an operation's task failed");
                    Err(Arc::new(FleetError::Store(StoreError::Unavailable)))
                }
            }
        };
        let work = work.boxed().shared();
        match tokio::time::timeout(wait, work.clone()).await {
            Ok(Ok(id)) => {
                let operation = self.operation(context, device, id).await?;
                let location = location(device, &operation.id);
                if operation.state == types::OperationState::Queued {
                    Reply::accepted(location, &operation)
                } else {
                    Ok(Reply::ok(&operation)?.at(location))
                }
            }
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => {
                let operation = sent(context, operation);
                let location = location(device, &operation.id);
                self.underway.push(Asked { device, operation: operation.clone(), work });
                Reply::accepted(location, &operation)
            }
        }
    }

    /// An operation by the id of the request that asked for it.
    pub(crate) async fn asked(
        &self,
        Caller(context): &Caller,
        device: PublicId,
        id: &str,
    ) -> Result<types::Operation, Failure> {
        // Whether the caller may see it is said by a verb.
        self.fleet().overview(context).await?;
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
fn sent(context: &Context, operation: &fleet::Operation) -> types::Operation {
    types::Operation {
        id: context.request.to_string(),
        operation: operation.name().to_owned(),
        path: operation.path().into(),
        state: types::OperationState::Sent,
        requested_by: context.actor.name().to_owned(),
        queued_at: context.now.into(),
        sent_at: None,
        ended_at: None,
        expires_at: context.now.after(fleet::Order::DEFAULT_EXPIRY).into(),
        result: None,
        answer: None,
        exchange: Vec::new(),
    }
}
