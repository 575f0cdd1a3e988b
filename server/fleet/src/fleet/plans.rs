//! The verbs on classes, on what bootstrap writes, and on what it has written.

use objects::Models;

use super::{claims::named, credentials::bootstrap_trigger, timeline};
use crate::{
    AuditEntry, Begun, BootstrapId, BootstrapRecord, Change, Class, ClassId, ClassPolicy, Commit, Context,
    Fleet, FleetError, Permission, Plan, PlanScope, PublicId, Retention, TimelineKind, Verb,
};

impl Fleet {
    /// The classes, by name.
    pub async fn classes(&self, context: &Context) -> Result<Vec<Class>, FleetError> {
        self.demand(context, Permission::View, "classes").await?;
        Ok(self.store.classes().await?)
    }

    /// How many devices a class has at most that are counted.
    pub const CLASS_COUNTED: u64 = 10_000;

    /// How many devices a class has; none for more than [`Fleet::CLASS_COUNTED`].
    pub async fn class_size(&self, context: &Context, class: ClassId) -> Result<Option<u64>, FleetError> {
        self.demand(context, Permission::View, "class size").await?;
        let size = self.store.class_size(class, Self::CLASS_COUNTED + 1).await?;
        Ok((size <= Self::CLASS_COUNTED).then_some(size))
    }

    /// Makes a class; its name has 1 to [`Class::MAX_NAME`] characters and is unique.
    pub async fn add_class(&self, context: &Context, name: &str) -> Result<Class, FleetError> {
        self.demand(context, Permission::Administer, "add class").await?;
        let name = named(name, Class::MAX_NAME)?;
        let class = Class {
            id: ClassId(self.random_id()),
            name,
            policy: ClassPolicy::default(),
            retention: Retention::default(),
        };
        let commit = Commit {
            changes: vec![Change::ClassAdded(class.clone())],
            audit: vec![AuditEntry::by(context, Verb::AddClass, None, class.name.clone())],
        };
        self.commit_class(commit).await?;
        Ok(class)
    }

    /// The plan of a class or a device, if it has one of its own.
    pub async fn plan(&self, context: &Context, scope: PlanScope) -> Result<Option<Plan>, FleetError> {
        self.demand(context, Permission::View, "plan").await?;
        Ok(self.store.plan(scope).await?)
    }

    /// What a device is given at its next bootstrap, and whose plan that is; none if it is the default.
    pub async fn effective_plan(
        &self,
        context: &Context,
        device: PublicId,
    ) -> Result<(Plan, Option<PlanScope>), FleetError> {
        self.demand(context, Permission::View, "effective plan").await?;
        let device = self.view(device).await?.device;
        self.plan_of(device.id, device.class).await
    }

    /// Sets a plan, or takes it back: then the plan of the class or the default holds.
    pub async fn save_plan(
        &self,
        context: &Context,
        scope: PlanScope,
        plan: Option<Plan>,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "save plan").await?;
        let (device, of) = match scope {
            PlanScope::Class(class) => (None, format!("class {}", self.class(class).await?.name)),
            PlanScope::Device(id) => {
                let view = self.store.device_row(id).await?;
                let view = view.filter(|view| view.device.removed_at.is_none());
                let device = view.ok_or(FleetError::NotFound("device"))?.device;
                (Some(id), format!("device {}", device.endpoint))
            }
        };
        if let Some(plan) = &plan {
            let registry = self.registry();
            plan.check(&Models::newest(&registry))?;
        }
        let done = if plan.is_some() { "set" } else { "taken back" };
        let mut changes = vec![Change::PlanSaved { scope, plan: plan.map(Box::new) }];
        if let Some(device) = device {
            let detail = format!("bootstrap plan {done} by {}", context.actor.name());
            changes.push(timeline(context, device, TimelineKind::Enrolment, &detail));
        }
        let audit = vec![AuditEntry::by(context, Verb::SavePlan, device, format!("{of}; {done}"))];
        self.store.commit(Commit { changes, audit }).await?;
        Ok(())
    }

    /// The bootstrap sessions of a device, newest first.
    pub async fn bootstraps(
        &self,
        context: &Context,
        device: PublicId,
    ) -> Result<Vec<BootstrapRecord>, FleetError> {
        self.demand(context, Permission::View, "bootstraps").await?;
        let device = self.view(device).await?.device.id;
        Ok(self.store.bootstraps(device).await?)
    }

    /// One bootstrap session of a device.
    pub async fn bootstrap_record(
        &self,
        context: &Context,
        device: PublicId,
        id: BootstrapId,
    ) -> Result<BootstrapRecord, FleetError> {
        self.demand(context, Permission::View, "bootstrap record").await?;
        let device = self.view(device).await?.device.id;
        let record = self.store.bootstrap(id).await?;
        record.filter(|record| record.device == device).ok_or(FleetError::NotFound("bootstrap"))
    }

    /// Asks a device to bootstrap anew: Execute `/1/x/9`, as [`Fleet::begin`] does.
    pub async fn trigger_bootstrap(&self, context: &Context, device: PublicId) -> Result<Begun, FleetError> {
        self.demand(context, Permission::Operate, "trigger bootstrap").await?;
        let view = self.enrolled(device).await?;
        let operation = bootstrap_trigger(&view).ok_or(FleetError::NotRegistered)?;
        self.begin(context, device, operation, None).await
    }

    /// The plan that holds for a device: its own, that of its class, or the default.
    pub(super) async fn plan_of(
        &self,
        device: crate::DeviceId,
        class: ClassId,
    ) -> Result<(Plan, Option<PlanScope>), FleetError> {
        for scope in [PlanScope::Device(device), PlanScope::Class(class)] {
            if let Some(plan) = self.store.plan(scope).await? {
                return Ok((plan, Some(scope)));
            }
        }
        Ok((Plan::default(), None))
    }

    pub(super) async fn class(&self, id: ClassId) -> Result<Class, FleetError> {
        let classes = self.store.classes().await?;
        classes.into_iter().find(|class| class.id == id).ok_or(FleetError::NotFound("class"))
    }
}
