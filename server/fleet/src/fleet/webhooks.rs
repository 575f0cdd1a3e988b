//! The verbs on webhooks, and what the deliverer asks.

use std::net::{Ipv4Addr, Ipv6Addr};

use zeroize::Zeroizing;

use super::taken;
use crate::{
    AuditEntry, Change, Commit, Context, Delivered, Fleet, FleetError, LoggedEvent, LoggedKind, Permission,
    PublicId, Timestamp, Verb, Webhook, WebhookSecret,
};

/// A webhook that wants to be told something now.
#[derive(Clone, Debug, PartialEq)]
pub struct DueWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// What the deliveries are signed with.
    pub secret: WebhookSecret,
    /// What it wants to be told, in order: at most [`DueWebhook::MAX_EVENTS`], and at least one.
    pub events: Vec<LoggedEvent>,
    /// How many events were gone from the log before they were delivered: to be told with the next [`Delivered`].
    pub lost: u64,
}

impl DueWebhook {
    /// How many events are told at one time.
    pub const MAX_EVENTS: usize = 100;
}

impl Fleet {
    /// The webhooks, oldest first; never their secrets. An address may hold one, so that not everybody sees them.
    pub async fn webhooks(&self, context: &Context) -> Result<Vec<Webhook>, FleetError> {
        self.demand(context, Permission::Administer, "webhooks").await?;
        Ok(self.store.webhooks().await?)
    }

    /// Makes a webhook that is told what happens from now on, and gives the text of its secret, which is shown once.
    ///
    /// `url` begins with `https://`, or with `http://` and a loopback address; `kinds` are of [`LoggedKind::NAMES`], and
    /// none means all.
    pub async fn add_webhook(
        &self,
        context: &Context,
        url: &str,
        kinds: Vec<String>,
    ) -> Result<(Webhook, Zeroizing<String>), FleetError> {
        self.demand(context, Permission::Administer, "add webhook").await?;
        check_url(url).map_err(|reason| FleetError::Invalid { field: "url", reason: reason.to_owned() })?;
        if let Some(unknown) = kinds.iter().find(|kind| !LoggedKind::NAMES.contains(&kind.as_str())) {
            let known = LoggedKind::NAMES.join(", ");
            let unknown: String = unknown.chars().take(40).collect();
            let reason = format!("there is no kind {unknown:?}, only {known}");
            return Err(FleetError::Invalid { field: "kinds", reason });
        }
        let mut kinds = kinds;
        kinds.sort();
        kinds.dedup();
        let _guard = self.people.lock().await;
        if self.store.webhooks().await?.len() >= Webhook::MAX {
            return Err(FleetError::TooMany { what: "webhooks", max: Webhook::MAX });
        }
        let (_, last) = self.store.event_range().await?;
        let webhook = Webhook {
            public_id: PublicId::from_random(self.random()),
            url: url.to_owned(),
            kinds,
            created_by: context.actor.name().to_owned(),
            created_at: context.now,
            delivered: last,
            failures: 0,
            retry_at: None,
            last_error: String::new(),
            last_success_at: None,
            given_up: 0,
            paused: false,
        };
        let bytes: [u8; WebhookSecret::BYTES] = self.random();
        let secret = WebhookSecret(Zeroizing::new(bytes.to_vec()));
        let text = secret.text();
        let commit = Commit {
            changes: vec![Change::WebhookAdded(webhook.clone(), secret)],
            audit: vec![AuditEntry::by(context, Verb::AddWebhook, None, place(url))],
        };
        self.store.commit(commit).await.map_err(|error| taken(error, "webhook"))?;
        Ok((webhook, text))
    }

    /// Pauses a webhook, or lets it go on where it was: what happens meanwhile waits, as long as the event log keeps it.
    pub async fn pause_webhook(
        &self,
        context: &Context,
        id: PublicId,
        paused: bool,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "pause webhook").await?;
        let url = self.webhook(id).await?.url;
        let done = if paused { "paused" } else { "goes on" };
        let commit = Commit {
            changes: vec![Change::WebhookPaused { id, paused }],
            audit: vec![AuditEntry::by(
                context,
                Verb::ChangeWebhook,
                None,
                format!("{}; {done}", place(&url)),
            )],
        };
        self.store.commit(commit).await?;
        Ok(())
    }

    /// Removes a webhook, and its secret with it.
    pub async fn remove_webhook(&self, context: &Context, id: PublicId) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "remove webhook").await?;
        let url = self.webhook(id).await?.url;
        let commit = Commit {
            changes: vec![Change::WebhookRemoved(id)],
            audit: vec![AuditEntry::by(context, Verb::RemoveWebhook, None, place(&url))],
        };
        self.store.commit(commit).await?;
        Ok(())
    }

    // === What the deliverer calls ===

    /// The webhooks that are to be told something now. What none of its kinds asks for is passed over here, in the store
    /// too. To be called about once a second and after each event.
    pub async fn due_webhooks(&self, now: Timestamp) -> Result<Vec<DueWebhook>, FleetError> {
        let (first, last) = self.store.event_range().await?;
        let mut due = Vec::new();
        for webhook in self.store.webhooks().await? {
            let waits = webhook.paused || webhook.retry_at.is_some_and(|at| now < at);
            if waits || webhook.delivered >= last {
                continue;
            }
            let lost = u64::try_from(first - 1 - webhook.delivered).unwrap_or(0);
            let read = self.store.events(webhook.delivered, LoggedEvent::MAX_READ).await?;
            let Some(through) = read.last().map(|event| event.sequence) else { continue };
            let wanted = |event: &LoggedEvent| {
                webhook.kinds.is_empty() || webhook.kinds.iter().any(|kind| kind == event.kind.name())
            };
            let events: Vec<_> = read.into_iter().filter(wanted).take(DueWebhook::MAX_EVENTS).collect();
            if events.is_empty() {
                self.delivery_done(passed_over(&webhook, through, lost)).await?;
                continue;
            }
            let Some(secret) = self.store.webhook_secret(webhook.public_id).await? else { continue };
            due.push(DueWebhook { webhook, secret, events, lost });
        }
        Ok(due)
    }

    /// Keeps how a delivery went. A webhook that was removed meanwhile stays so.
    pub async fn delivery_done(&self, delivered: Delivered) -> Result<(), FleetError> {
        let changes = vec![Change::WebhookDelivered(Box::new(delivered))];
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        Ok(())
    }

    async fn webhook(&self, id: PublicId) -> Result<Webhook, FleetError> {
        let webhooks = self.store.webhooks().await?;
        webhooks.into_iter().find(|webhook| webhook.public_id == id).ok_or(FleetError::NotFound("webhook"))
    }
}

fn passed_over(webhook: &Webhook, through: i64, lost: u64) -> Delivered {
    Delivered {
        webhook: webhook.public_id,
        delivered: through,
        failures: webhook.failures,
        retry_at: webhook.retry_at,
        last_error: webhook.last_error.clone(),
        success_at: None,
        given_up: lost,
    }
}

/// What a URL is called in the audit log: without its query and its path, where people put secrets.
fn place(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// The rules of RFC 3986 that matter here; the deliverer parses it in full.
fn check_url(url: &str) -> Result<(), &'static str> {
    if url.len() > Webhook::MAX_URL {
        return Err("at most 2048 bytes");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte)) {
        return Err("an address holds no blanks, no letters beyond ASCII and no fragment");
    }
    let (scheme, rest) = url.split_once("://").ok_or("must begin with https://")?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("no user and password in an address: deliveries are signed");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("a bracket is missing")?;
            host.parse::<Ipv6Addr>().map_err(|_| "no IPv6 address between the brackets")?;
            let port = if port.is_empty() { ":443" } else { port };
            (host, port.strip_prefix(':').ok_or("a colon stands before the port")?)
        }
        None => authority.split_once(':').unwrap_or((authority, "443")),
    };
    if host.is_empty() || port.parse::<u16>().map_or(true, |port| port == 0) {
        return Err("a host, and a port if it is not 443");
    }
    let loopback = host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err("must begin with https://; http:// is for loopback alone"),
        _ => Err("must begin with https://"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_or_loopback() {
        for good in [
            "https://example.com",
            "https://example.com:8443/hook?x=1",
            "https://[2001:db8::1]/",
            "https://[2001:db8::1]:8443/",
            "http://localhost:9000/hook",
            "http://127.0.0.1/",
            "http://127.8.0.1:1/",
            "http://[::1]:9000/",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1@example.com/",
            "https://user:secret@example.com/",
            "https://",
            "https://:443/",
            "https://example.com:/",
            "https://example.com:0/",
            "https://example.com:65536/",
            "https://[::1/",
            "https://[nothing]/",
            "https://[::1]443/",
            "https://exa mple.com/",
            "https://example.com/\r\nX-Forged: 1",
            "https://example.com/#fragment",
            "https://example.com\\@evil.example/",
            "https://ex\u{e4}mple.com/",
            &format!("https://example.com/{}", "x".repeat(Webhook::MAX_URL)),
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_audit_log_is_told_no_path() {
        assert_eq!(place("https://example.com:8443/hook/s3cret?key=1"), "https://example.com:8443");
        assert_eq!(place("https://example.com?key=1"), "https://example.com");
    }
}
