//! Bootstrap: plans and sessions.

use objects::ContentFormat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Format, NodePath, Time};
// utoipa takes whatever is called `Value` for any JSON.
use super::Value as TypedValue;

words! {
    /// How a bootstrap session ended.
    BootstrapOutcome = BootstrapResult {
        /// It goes on, or the server stopped within it.
        UnderWay,
        /// The device has taken everything.
        Finished,
        /// It did not.
        Failed,
    }
}

words! {
    /// Whose plan holds for a device.
    PlanOrigin {
        /// Its own.
        Device,
        /// That of its class.
        Class,
        /// The default.
        Default,
    }
}

/// What a class or a device gets by bootstrap, beside its account at this server. What is left out is as in the default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// `/1/x/1`.
    #[schema(example = 86_400)]
    pub lifetime_seconds: u32,
    /// `/1/x/2`.
    pub default_pmin_seconds: Option<u32>,
    /// `/1/x/3`.
    #[schema(example = 3_600)]
    pub default_pmax_seconds: Option<u32>,
    /// `/1/x/6`.
    pub notification_storing: bool,
    /// `/1/x/7`.
    #[schema(example = "U")]
    pub binding: String,
    /// `/0/x/11` of the management account.
    #[schema(example = 1)]
    pub hold_off_seconds: Option<u32>,
    /// Whether the bootstrap account is given a credential of the device's own, where it has come with a claim's.
    pub own_bootstrap_credential: bool,
    /// What is deleted first: `/`, objects or instances.
    #[schema(example = json!(["/0", "/1"]))]
    pub delete: Vec<NodePath>,
    /// Resources of other objects that are written too.
    pub writes: Vec<PlanWrite>,
    /// The format of what is written to a device that names none.
    #[schema(example = "tlv")]
    pub format: Option<Format>,
}

/// A resource that bootstrap writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanWrite {
    /// Which.
    pub path: NodePath,
    /// What.
    pub value: TypedValue,
}

/// The plan that holds for a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectivePlan {
    /// The plan.
    pub plan: Plan,
    /// Whose it is.
    pub origin: PlanOrigin,
}

/// A bootstrap of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootstrapSession {
    /// Its id.
    #[schema(example = "0193c8d7b1a27c5e8d6f2f2a9f3f4c11")]
    pub id: String,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// How it ended.
    pub result: BootstrapOutcome,
    /// Why, where it failed: what was refused or missing, and what to do.
    #[schema(example = "")]
    pub reason: String,
    /// Its steps, in order.
    pub steps: Vec<BootstrapStep>,
    /// The request it belongs to.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub request: String,
}

/// A step of a bootstrap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootstrapStep {
    /// When it was asked.
    pub at: Time,
    /// What was asked; never a value.
    #[schema(example = "Write /0/1 (TLV, 8 values)")]
    pub asked: String,
    /// What came back; empty while nothing has.
    #[schema(example = "2.04 Changed")]
    pub answer: String,
}

impl Default for Plan {
    fn default() -> Self {
        fleet::Plan::default().into()
    }
}

impl From<fleet::Plan> for Plan {
    fn from(plan: fleet::Plan) -> Self {
        let write = |(path, value): (objects::Path, objects::Value)| PlanWrite {
            path: path.into(),
            value: value.into(),
        };
        Self {
            lifetime_seconds: plan.lifetime,
            default_pmin_seconds: plan.default_pmin,
            default_pmax_seconds: plan.default_pmax,
            notification_storing: plan.notification_storing,
            binding: plan.binding,
            hold_off_seconds: plan.hold_off,
            own_bootstrap_credential: plan.own_bootstrap_credential,
            delete: plan.delete.into_iter().map(NodePath).collect(),
            writes: plan.writes.into_iter().map(write).collect(),
            format: plan.format.and_then(Format::of),
        }
    }
}

impl From<Plan> for fleet::Plan {
    fn from(plan: Plan) -> Self {
        Self {
            lifetime: plan.lifetime_seconds,
            default_pmin: plan.default_pmin_seconds,
            default_pmax: plan.default_pmax_seconds,
            notification_storing: plan.notification_storing,
            binding: plan.binding,
            hold_off: plan.hold_off_seconds,
            own_bootstrap_credential: plan.own_bootstrap_credential,
            delete: plan.delete.into_iter().map(|path| path.0).collect(),
            writes: plan.writes.into_iter().map(|write| (write.path.0, write.value.into())).collect(),
            format: plan.format.map(ContentFormat::from),
        }
    }
}

impl From<fleet::BootstrapRecord> for BootstrapSession {
    fn from(record: fleet::BootstrapRecord) -> Self {
        let step = |step: fleet::StepRecord| BootstrapStep {
            at: step.at.into(),
            asked: step.asked,
            answer: step.answer,
        };
        Self {
            id: record.id.to_string(),
            started_at: record.started_at.into(),
            ended_at: record.ended_at.map(Time::from),
            result: record.result.into(),
            reason: record.reason,
            steps: record.steps.into_iter().map(step).collect(),
            request: record.request.to_string(),
        }
    }
}
