//! Bootstrap plans and sessions. Plans and steps are JSON of a form of its own: what stands in a database stays readable
//! whatever becomes of the form that people are shown.

use fleet::{
    BootstrapId, BootstrapRecord, BootstrapResult, CredentialId, DeviceId, Finding, Plan, Registering,
    Repair, RequestId, StepRecord, StoreError, Timestamp,
};
use objects::{ContentFormat, Path};
use serde::{Deserialize, Serialize};

use super::{OrCorrupt, Word, operation::Kept, text, text_column, uuid};
use crate::store::entity;

/// The column `plan`.
pub(in crate::store) fn plan_column(plan: &Plan) -> String {
    serde_json::to_string(&Stored::from(plan)).expect("strings, numbers and lists are always JSON")
}

pub(in crate::store) fn plan(column: &str) -> Option<Plan> {
    serde_json::from_str::<Stored>(column).ok()?.plan()
}

#[derive(Serialize, Deserialize)]
struct Stored {
    lifetime: u32,
    default_pmin: Option<u32>,
    default_pmax: Option<u32>,
    notification_storing: bool,
    binding: String,
    /// Plans of before have none.
    #[serde(default)]
    registering: Registering,
    hold_off: Option<u32>,
    own_bootstrap_credential: bool,
    delete: Vec<String>,
    writes: Vec<(String, Kept)>,
    format: Option<u16>,
}

impl From<&Plan> for Stored {
    fn from(plan: &Plan) -> Self {
        Self {
            lifetime: plan.lifetime,
            default_pmin: plan.default_pmin,
            default_pmax: plan.default_pmax,
            notification_storing: plan.notification_storing,
            binding: plan.binding.clone(),
            registering: plan.registering.clone(),
            hold_off: plan.hold_off,
            own_bootstrap_credential: plan.own_bootstrap_credential,
            delete: plan.delete.iter().map(Path::to_string).collect(),
            writes: plan.writes.iter().map(|(path, value)| (path.to_string(), value.into())).collect(),
            format: plan.format.map(|format| format.0),
        }
    }
}

impl Stored {
    fn plan(self) -> Option<Plan> {
        let writes = self.writes.into_iter().map(|(path, kept)| Some((path.parse().ok()?, kept.value()?)));
        Some(Plan {
            lifetime: self.lifetime,
            default_pmin: self.default_pmin,
            default_pmax: self.default_pmax,
            notification_storing: self.notification_storing,
            binding: self.binding,
            registering: self.registering,
            hold_off: self.hold_off,
            own_bootstrap_credential: self.own_bootstrap_credential,
            delete: self.delete.iter().map(|path| path.parse().ok()).collect::<Option<_>>()?,
            writes: writes.collect::<Option<_>>()?,
            format: self.format.map(ContentFormat),
        })
    }
}

pub(in crate::store) fn record_row(record: &BootstrapRecord) -> entity::bootstrap_session::Model {
    let steps: Vec<(i64, &str, &str)> =
        record.steps.iter().map(|step| (step.at.0, step.asked.as_str(), step.answer.as_str())).collect();
    entity::bootstrap_session::Model {
        id: record.id.0.as_bytes().to_vec(),
        device_id: record.device.0,
        request: record.request.0.as_bytes().to_vec(),
        started_at: record.started_at.0,
        ended_at: record.ended_at.map(|at| at.0),
        result: record.result.word().to_owned(),
        reason: text_column(&record.reason),
        credential_id: record.credential.map(|credential| credential.0),
        steps: serde_json::to_string(&steps).expect("strings and numbers are always JSON"),
        repairs: repairs_column(&record.repairs),
    }
}

/// A round of a repair; a finding is where, what and what was done.
#[derive(Serialize, Deserialize)]
struct StoredRepair {
    at: i64,
    cause: String,
    findings: Vec<(String, String, String)>,
    anew: Option<u16>,
}

fn repairs_column(repairs: &[Repair]) -> String {
    let finding = |finding: &Finding| (finding.path.to_string(), finding.what.clone(), finding.done.clone());
    let stored: Vec<StoredRepair> = repairs
        .iter()
        .map(|repair| StoredRepair {
            at: repair.at.0,
            cause: repair.cause.clone(),
            findings: repair.findings.iter().map(finding).collect(),
            anew: repair.anew.map(|format| format.0),
        })
        .collect();
    serde_json::to_string(&stored).expect("strings and numbers are always JSON")
}

fn repairs(column: &str) -> Option<Vec<Repair>> {
    let finding =
        |(path, what, done): (String, String, String)| Some(Finding { path: path.parse().ok()?, what, done });
    let repair = |stored: StoredRepair| {
        Some(Repair {
            at: Timestamp(stored.at),
            cause: stored.cause,
            findings: stored.findings.into_iter().map(finding).collect::<Option<_>>()?,
            anew: stored.anew.map(ContentFormat),
        })
    };
    serde_json::from_str::<Vec<StoredRepair>>(column).ok()?.into_iter().map(repair).collect()
}

pub(in crate::store) fn record(row: entity::bootstrap_session::Model) -> Result<BootstrapRecord, StoreError> {
    let what = "bootstrap session";
    let steps: Vec<(i64, String, String)> = serde_json::from_str(&row.steps).or_corrupt(what)?;
    Ok(BootstrapRecord {
        id: BootstrapId(uuid(&row.id).or_corrupt(what)?),
        device: DeviceId(row.device_id),
        request: RequestId(uuid(&row.request).or_corrupt(what)?),
        started_at: Timestamp(row.started_at),
        ended_at: row.ended_at.map(Timestamp),
        result: BootstrapResult::from_word(&row.result).or_corrupt(what)?,
        reason: text(&row.reason),
        credential: row.credential_id.map(CredentialId),
        steps: steps
            .into_iter()
            .map(|(at, asked, answer)| StepRecord { at: Timestamp(at), asked, answer })
            .collect(),
        repairs: repairs(&row.repairs).or_corrupt(what)?,
    })
}

#[cfg(test)]
mod tests {
    use objects::Value;

    use super::*;

    #[test]
    fn every_plan_comes_back_as_it_was() {
        let path = |text: &str| text.parse::<Path>().unwrap();
        let full = Plan {
            lifetime: u32::MAX,
            default_pmin: Some(0),
            default_pmax: Some(60),
            notification_storing: true,
            binding: "UQ\0\"".into(),
            registering: Registering {
                disable_timeout: Some(0),
                priority: Some(u32::MAX),
                initial_delay: Some(1),
                failure_block: Some(true),
                bootstrap_on_failure: Some(false),
                retry_count: Some(5),
                retry_timer: Some(60),
                sequence_delay: Some(3_600),
                sequence_count: Some(2),
                mute_send: Some(true),
            },
            hold_off: Some(5),
            own_bootstrap_credential: true,
            delete: vec![Path::Root, path("/1"), path("/3/0")],
            writes: vec![
                (path("/3/0/15"), Value::String("Europe/Berlin\0☃".into())),
                (path("/2/0/2/1"), Value::Integer(-1)),
                (path("/10/0/3"), Value::Opaque(vec![0, 255])),
            ],
            format: Some(ContentFormat::SENML_CBOR),
        };
        let bare = Plan {
            default_pmin: None,
            default_pmax: None,
            registering: Registering::default(),
            hold_off: None,
            delete: vec![],
            writes: vec![],
            format: None,
            ..full.clone()
        };
        for one in [full, bare] {
            let column = plan_column(&one);
            assert_eq!(plan(&column), Some(one), "{column}");
        }
        for text in ["", "{}", "[]", "null"] {
            assert_eq!(plan(text), None, "{text}");
        }
    }

    #[test]
    fn a_plan_of_before_is_read() {
        let before = r#"{"lifetime":60,"default_pmin":null,"default_pmax":null,"notification_storing":true,"binding":"U",
            "hold_off":null,"own_bootstrap_credential":true,"delete":["/0"],"writes":[],"format":null}"#;
        assert_eq!(plan(before).unwrap().registering, Registering::default());
    }
}
