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
    /// How it registers and tries again.
    pub registering: Registering,
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

/// How a device registers and tries again (LwM2M 1.1 but for the first). What is left out is as the device has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Registering {
    /// `/1/x/5`: how long it stays away after Disable.
    #[schema(example = 86_400)]
    pub disable_timeout_seconds: Option<u32>,
    /// `/1/x/13`: its place in the order in which a device registers with its servers.
    #[schema(example = 0)]
    pub priority: Option<u32>,
    /// `/1/x/14`: how long it waits before it registers.
    #[schema(example = 5)]
    pub initial_delay_seconds: Option<u32>,
    /// `/1/x/15`: whether it registers with no further server if it can't here.
    pub failure_block: Option<bool>,
    /// `/1/x/16`: whether it bootstraps anew if it can't register.
    pub bootstrap_on_failure: Option<bool>,
    /// `/1/x/17`: how often it tries in one attempt.
    #[schema(example = 5)]
    pub retry_count: Option<u32>,
    /// `/1/x/18`: the first pause between two tries; twice as long after each further one.
    #[schema(example = 60)]
    pub retry_timer_seconds: Option<u32>,
    /// `/1/x/19`: the pause between two attempts.
    #[schema(example = 86_400)]
    pub sequence_delay_seconds: Option<u32>,
    /// `/1/x/20`: how many attempts it makes.
    #[schema(example = 1)]
    pub sequence_count: Option<u32>,
    /// `/1/x/23`: whether it sends nothing by itself.
    pub mute_send: Option<bool>,
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
    /// What it put right, round by round, where the device would not finish or take something.
    pub repairs: Vec<BootstrapRepair>,
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

/// One round of a repair: the device was looked at, held against what it was to have, and mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootstrapRepair {
    /// When it began.
    pub at: Time,
    /// What set it off.
    #[schema(example = "Finish: 4.06 (“/1/0/7 is missing”)")]
    pub cause: String,
    /// What was found, and what was done about it.
    pub findings: Vec<BootstrapFinding>,
    /// The format in which the whole account was written anew, because nothing that could be mended was to be seen.
    pub anew: Option<Format>,
}

/// One thing that was not as it was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootstrapFinding {
    /// Where.
    pub path: NodePath,
    /// What is wrong there.
    #[schema(example = "/1/3 is left over: the plan deletes it")]
    pub what: String,
    /// What was done and what the device answered, or why nothing was.
    #[schema(example = "Delete /1/3: 2.02")]
    pub done: String,
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
            registering: plan.registering.into(),
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
            registering: plan.registering.into(),
            hold_off: plan.hold_off_seconds,
            own_bootstrap_credential: plan.own_bootstrap_credential,
            delete: plan.delete.into_iter().map(|path| path.0).collect(),
            writes: plan.writes.into_iter().map(|write| (write.path.0, write.value.into())).collect(),
            format: plan.format.map(ContentFormat::from),
        }
    }
}

impl From<fleet::Registering> for Registering {
    fn from(given: fleet::Registering) -> Self {
        Self {
            disable_timeout_seconds: given.disable_timeout,
            priority: given.priority,
            initial_delay_seconds: given.initial_delay,
            failure_block: given.failure_block,
            bootstrap_on_failure: given.bootstrap_on_failure,
            retry_count: given.retry_count,
            retry_timer_seconds: given.retry_timer,
            sequence_delay_seconds: given.sequence_delay,
            sequence_count: given.sequence_count,
            mute_send: given.mute_send,
        }
    }
}

impl From<Registering> for fleet::Registering {
    fn from(given: Registering) -> Self {
        Self {
            disable_timeout: given.disable_timeout_seconds,
            priority: given.priority,
            initial_delay: given.initial_delay_seconds,
            failure_block: given.failure_block,
            bootstrap_on_failure: given.bootstrap_on_failure,
            retry_count: given.retry_count,
            retry_timer: given.retry_timer_seconds,
            sequence_delay: given.sequence_delay_seconds,
            sequence_count: given.sequence_count,
            mute_send: given.mute_send,
        }
    }
}

impl From<fleet::Repair> for BootstrapRepair {
    fn from(repair: fleet::Repair) -> Self {
        let finding = |finding: fleet::Finding| BootstrapFinding {
            path: finding.path.into(),
            what: finding.what,
            done: finding.done,
        };
        Self {
            at: repair.at.into(),
            cause: repair.cause,
            findings: repair.findings.into_iter().map(finding).collect(),
            anew: repair.anew.and_then(Format::of),
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
            repairs: record.repairs.into_iter().map(BootstrapRepair::from).collect(),
            request: record.request.to_string(),
        }
    }
}
