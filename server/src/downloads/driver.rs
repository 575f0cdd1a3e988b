//! The task behind the CoAP listeners for downloads: datagrams in, blocks out.

use std::{collections::BTreeMap, sync::Arc};

use coap::{BlockSize, MessageId};
use fleet::{Asker, DeviceId, ListenerId, SecureSessionId, Source, update::Scheme};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::mpsc;

use super::{
    Depot,
    question::{self, Question, Read},
};
use crate::{
    Stop,
    clock::Clock,
    endpoint::{
        Batch, Incoming, Outlet,
        sessions::{Heard, Hearing, Secure, Sessions},
    },
};

/// Runs the listeners.
pub(crate) struct DownloadDriver {
    depot: Arc<Depot>,
    clock: Clock,
    /// The way out of each of the listeners.
    outlets: BTreeMap<ListenerId, Arc<dyn Outlet>>,
    batches: mpsc::Receiver<Batch>,
    limit: BlockSize,
    sessions: Sessions,
    next_id: u16,
    answers: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// How many answers are read from disk and decided on at the same time. One more meets silence, and is asked for again.
const MAX_ANSWERS: usize = 1_024;

impl DownloadDriver {
    pub(crate) fn new(
        depot: Arc<Depot>,
        clock: Clock,
        outlets: BTreeMap<ListenerId, Arc<dyn Outlet>>,
        batches: mpsc::Receiver<Batch>,
        limit: BlockSize,
        first_id: u16,
    ) -> Self {
        Self {
            depot,
            clock,
            outlets,
            batches,
            limit,
            sessions: Sessions::default(),
            next_id: first_id,
            answers: FuturesUnordered::new(),
        }
    }

    /// Runs until `stop`. What is under way then is asked for again.
    pub(crate) async fn run(mut self, mut stop: Stop) {
        loop {
            metrics::gauge!("muster_download_answers_under_way").set(self.answers.len() as f64);
            tokio::select! {
                biased;
                () = &mut stop => return,
                Some(()) = self.answers.next() => {}
                batch = self.batches.recv() => {
                    // No listener is left.
                    let Some(batch) = batch else { return };
                    for incoming in batch {
                        self.handle(incoming);
                    }
                    // The doorkeeper keeps what was heard here.
                    drop(self.sessions.take_all_heard());
                }
            }
        }
    }

    fn handle(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Datagram(source, heard, bytes) => self.datagram(source, heard, &bytes),
            Incoming::SessionBegan(origin, id) => self.enter(origin, id, self.clock.wall()),
            Incoming::SessionRestored { origin, session, began_at, .. } => {
                self.enter(origin, session, began_at);
            }
            Incoming::SessionMoved { session, from, to } => {
                if self.sessions.at(from).is_some_and(|secure| secure.id == session)
                    && let Some(secure) = self.sessions.remove(from)
                {
                    self.sessions.insert(to, secure);
                }
            }
            Incoming::SessionEnded(source, session) => {
                if self.sessions.at(source).is_some_and(|secure| secure.id == session) {
                    self.sessions.remove(source);
                }
            }
        }
    }

    fn enter(&mut self, origin: fleet::Origin, id: SecureSessionId, at: fleet::Timestamp) {
        let Some(identity) = origin.identity else { return };
        let began_at = self.sessions.next_beginning(identity.credential, at);
        let secure = Secure { id, identity, began_at, is_doubtful: false, is_heard: false };
        self.sessions.insert(origin.source, secure);
    }

    fn datagram(&mut self, source: Source, heard: Option<Heard>, bytes: &[u8]) {
        let Some(outlet) = self.outlets.get(&source.listener).map(Arc::clone) else { return };
        match self.sessions.hear(source, heard, self.clock.wall()) {
            Hearing::NotThere => {
                turned_away("ended_sessions");
                if let Some(heard) = heard {
                    outlet.introduce(heard.session);
                }
                return;
            }
            Hearing::First => self.replace_older(source),
            Hearing::Again => {}
        }
        self.next_id = self.next_id.wrapping_add(1);
        let session = heard.map(|heard| heard.session);
        match question::read(bytes, MessageId(self.next_id)) {
            Read::Silence => {}
            Read::Answer(answer) => outlet.send(source.address, session, &answer),
            Read::Question(_) if self.answers.len() >= MAX_ANSWERS => turned_away("downloads_under_way"),
            Read::Question(question) => {
                let device = self.sessions.origin(source).identity.and_then(|identity| identity.device());
                let (depot, limit) = (Arc::clone(&self.depot), self.limit);
                self.answers.push(Box::pin(async move {
                    let answer =
                        answer(&depot, &question, source, session, device, outlet.name(), limit).await;
                    outlet.send(source.address, session, &answer);
                }));
            }
        }
    }

    /// A device that is heard in a new session has left its older ones.
    fn replace_older(&self, source: Source) {
        let Some(secure) = self.sessions.at(source) else { return };
        for (older, id) in self.sessions.outlived(secure.identity.credential) {
            if let Some(outlet) = self.outlets.get(&older.listener) {
                outlet.replace(id);
            }
        }
    }
}

async fn answer(
    depot: &Depot,
    question: &Question,
    source: Source,
    session: Option<SecureSessionId>,
    device: Option<DeviceId>,
    listener: &str,
    limit: BlockSize,
) -> Vec<u8> {
    let scheme = if session.is_some() { Scheme::Coaps } else { Scheme::Coap };
    let asker = Asker { scheme, device, from: source.address, listener };
    let download = match depot.open(&question.key, &asker).await {
        Ok(download) => download,
        Err(refused) => return question.refused(&refused),
    };
    let etag = download.etag();
    let slice = match question.slice(download.size(), etag, limit) {
        Ok(slice) => slice,
        Err(answer) => return answer,
    };
    match depot.read(&download, slice.offset, slice.len).await {
        Ok(bytes) => {
            depot.sent(&download, slice.offset + bytes.len() as u64, bytes.len());
            question.content(&slice, etag, bytes)
        }
        Err(refused) => question.refused(&refused),
    }
}

/// Counts what a named bound turned away.
fn turned_away(bound: &'static str) {
    metrics::counter!("muster_messages_turned_away_total", "bound" => bound).increment(1);
}
