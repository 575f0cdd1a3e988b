//! The verbs on what devices have: where they stand, and what people do about it.

use std::collections::BTreeMap;

use super::baselines::with_ticket;
use crate::{
    AuditEntry, Change, Commit, Context, Fleet, FleetError, Permission, PublicId, Verb,
    configuration::{
        ConfigurationChange, Configured, ConfiguredState, Desired, Draft, LevelName, Line, LineKey, Standing,
        Want,
    },
    store::{ConfigurationQuery, DeviceView, Page},
};

/// What a device is to have, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationDetail {
    /// The device.
    pub view: DeviceView,
    /// What it is to have.
    pub desired: Desired,
    /// Where it stands; none if nothing was wanted of it when it was looked at last.
    pub row: Option<Configured>,
}

impl Fleet {
    /// What a device is to have, and where it stands.
    pub async fn configuration(
        &self,
        context: &Context,
        device: PublicId,
    ) -> Result<ConfigurationDetail, FleetError> {
        self.demand(context, Permission::View, "configuration").await?;
        let view = self.view(device).await?;
        let wanted = self.wanted().await?;
        let found = self.configuration_of(view.device.id, &wanted).await?;
        let desired =
            found.map(|(candidate, own)| wanted.desired(&candidate, own.as_ref(), None)).unwrap_or_default();
        let row = self.store.configured(view.device.id).await?;
        Ok(ConfigurationDetail { view, desired, row })
    }

    /// A page of the devices of which something is wanted.
    pub async fn configurations(
        &self,
        context: &Context,
        query: &ConfigurationQuery,
    ) -> Result<Page<Configured>, FleetError> {
        self.demand(context, Permission::View, "configurations").await?;
        Ok(self.store.configurations(query).await?)
    }

    /// How many devices are in each state.
    pub async fn configuration_counts(
        &self,
        context: &Context,
    ) -> Result<BTreeMap<ConfiguredState, u64>, FleetError> {
        self.demand(context, Permission::View, "configurations").await?;
        Ok(self.store.configuration_counts().await?)
    }

    /// Has a device written to now, whatever its baselines say of that: all that it does not have, and once more what it did not
    /// take.
    pub async fn repair_configuration(
        &self,
        context: &Context,
        device: PublicId,
        ticket: Option<&str>,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Operate, "repair configuration").await?;
        let change = |row: &Configured| ConfigurationChange::Repair(row.device, context.now);
        self.wish(context, device, Verb::RepairConfiguration, change, ticket).await
    }

    /// Lets a device go on that was stopped because it did not stay as it is to be.
    pub async fn resume_configuration(
        &self,
        context: &Context,
        device: PublicId,
        ticket: Option<&str>,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Operate, "resume configuration").await?;
        let change = |row: &Configured| ConfigurationChange::Resume(row.device, context.now);
        self.wish(context, device, Verb::ResumeConfiguration, change, ticket).await
    }

    /// Wants of a device what it has: the lines become lines of its own baseline. Without any named, all that are not as they are
    /// to be; none of them may be a secret or attributes, whose values nobody knows.
    pub async fn accept_configuration(
        &self,
        context: &Context,
        device: PublicId,
        lines: &[LineKey],
        ticket: Option<String>,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "accept configuration").await?;
        let view = self.enrolled(device).await?;
        let wanted = self.wanted().await?;
        let found = self.configuration_of(view.device.id, &wanted).await?;
        let row = self.store.configured(view.device.id).await?;
        let ((candidate, own), row) = found.zip(row).ok_or(FleetError::NotFound("configuration"))?;
        let desired = wanted.desired(&candidate, own.as_ref(), None);
        let is_asked = |key: &LineKey| lines.is_empty() || lines.contains(key);
        let wrong = row.lines.iter().filter(|line| line.standing != Standing::InLine && is_asked(&line.key));
        let mut draft = own.map_or_else(Draft::default, |own| own.draft);
        let mut accepted = Vec::new();
        for line in wrong {
            let is_value =
                desired.lines.get(&line.key).is_some_and(|wanted| matches!(wanted.line.want, Want::Value(_)));
            let value = candidate.values.iter().find(|stored| stored.reading.path == line.key.path);
            let Some(value) = value.filter(|_| is_value && !line.key.attributes) else { continue };
            draft.lines.retain(|other| other.key() != line.key);
            let want = Want::Value(value.reading.value.clone());
            draft.lines.push(Line { path: line.key.path, want });
            accepted.push(line.key.to_string());
        }
        if accepted.is_empty() {
            let reason = "the device has nothing else there whose value is known".to_owned();
            return Err(FleetError::Invalid { field: "lines", reason });
        }
        draft.ticket.clone_from(&ticket);
        draft.comment = format!("accepted {}", accepted.join(", "));
        draft.comment.truncate(draft.comment.floor_char_boundary(Draft::MAX_COMMENT));
        let object = with_ticket(accepted.join(", "), ticket.as_deref());
        self.save_baseline(context, &LevelName::Device(device), draft, None, None).await?;
        let entry = AuditEntry::by(context, Verb::AcceptConfiguration, Some(view.device.id), object);
        self.store.commit(Commit { changes: Vec::new(), audit: vec![entry] }).await?;
        Ok(())
    }

    async fn wish(
        &self,
        context: &Context,
        device: PublicId,
        verb: Verb,
        change: impl Fn(&Configured) -> ConfigurationChange + Send,
        ticket: Option<&str>,
    ) -> Result<(), FleetError> {
        if ticket.is_some_and(|ticket| ticket.chars().count() > Draft::MAX_TICKET) {
            let reason = format!("a ticket has {} characters at most", Draft::MAX_TICKET);
            return Err(FleetError::Invalid { field: "ticket", reason });
        }
        let view = self.enrolled(device).await?;
        let row = self.store.configured(view.device.id).await?;
        let row = row.ok_or(FleetError::NotFound("configuration"))?;
        let object = with_ticket(format!("generation {}", row.generation), ticket);
        let commit = Commit {
            changes: vec![Change::Configuration(change(&row))],
            audit: vec![AuditEntry::by(context, verb, Some(row.device), object)],
        };
        self.store.commit(commit).await?;
        self.hasten_configuration(row.device, context.now);
        Ok(())
    }
}
