//! How a device registers and tries again: the optional resources of its Server instance (LwM2M Core 1.1.1 §E.2, §6.2.1).

use objects::Value;
use serde::{Deserialize, Serialize};

use super::PlanError;

/// How a device registers and tries again. What is left out is as the device has it. In JSON, of plans and where they are kept, by
/// the names of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registering {
    /// `/1/x/5`: how long it stays away after Disable, in seconds.
    pub disable_timeout: Option<u32>,
    /// `/1/x/13`: its place in the order in which a device registers with its servers.
    pub priority: Option<u32>,
    /// `/1/x/14`: how long it waits before it registers, in seconds.
    pub initial_delay: Option<u32>,
    /// `/1/x/15`: whether it registers with no further server if it can't here.
    pub failure_block: Option<bool>,
    /// `/1/x/16`: whether it bootstraps anew if it can't register.
    pub bootstrap_on_failure: Option<bool>,
    /// `/1/x/17`: how often it tries in one attempt.
    pub retry_count: Option<u32>,
    /// `/1/x/18`: the first pause between two tries, in seconds; twice as long after each further one.
    pub retry_timer: Option<u32>,
    /// `/1/x/19`: the pause between two attempts, in seconds.
    pub sequence_delay: Option<u32>,
    /// `/1/x/20`: how many attempts it makes.
    pub sequence_count: Option<u32>,
    /// `/1/x/23`: whether it sends nothing by itself.
    pub mute_send: Option<bool>,
}

impl Registering {
    /// The resources that have a value, with their numbers. A device of LwM2M 1.0 knows only the first of them.
    pub(super) fn values(&self, speaks_1_0: bool) -> Vec<(u16, Value)> {
        let seconds = |seconds: Option<u32>| seconds.map(|seconds| Value::Integer(seconds.into()));
        let number = |number: Option<u32>| number.map(|number| Value::Unsigned(number.into()));
        let truth = |truth: Option<bool>| truth.map(Value::Boolean);
        let all = [
            (5, seconds(self.disable_timeout)),
            (13, number(self.priority)),
            (14, number(self.initial_delay)),
            (15, truth(self.failure_block)),
            (16, truth(self.bootstrap_on_failure)),
            (17, number(self.retry_count)),
            (18, number(self.retry_timer)),
            (19, number(self.sequence_delay)),
            (20, number(self.sequence_count)),
            (23, truth(self.mute_send)),
        ];
        let known = all.into_iter().filter(|(id, _)| !speaks_1_0 || *id == 5);
        known.filter_map(|(id, value)| Some((id, value?))).collect()
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        for (resource, count) in [(17, self.retry_count), (20, self.sequence_count)] {
            if count == Some(0) {
                return Err(PlanError::NoTries { resource });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use objects::{Models, ObjectId, Path, Registry, ResourceId};

    use super::*;

    fn full() -> Registering {
        Registering {
            disable_timeout: Some(60),
            priority: Some(1),
            initial_delay: Some(2),
            failure_block: Some(false),
            bootstrap_on_failure: Some(true),
            retry_count: Some(5),
            retry_timer: Some(60),
            sequence_delay: Some(3_600),
            sequence_count: Some(3),
            mute_send: Some(true),
        }
    }

    #[test]
    fn each_is_of_the_type_that_its_definition_has() {
        let registry = Registry::core();
        let values = full().values(false);
        assert_eq!(values.len(), 10);
        for (id, value) in values {
            let path = Path::Resource(ObjectId(1), objects::InstanceId(0), ResourceId(id));
            let model = Models::newest(&registry).resource_at(&path).unwrap();
            assert_eq!(model.data_type, Some(value.data_type()), "{path}");
        }
    }

    #[test]
    fn a_device_of_lwm2m_1_0_is_given_what_it_knows() {
        assert_eq!(full().values(true), [(5, Value::Integer(60))]);
        assert_eq!(Registering::default().values(false), []);
    }

    #[test]
    fn no_try_at_all_is_none() {
        let none = Registering { retry_count: Some(0), ..full() };
        assert_eq!(none.check(), Err(PlanError::NoTries { resource: 17 }));
        assert!(none.check().unwrap_err().to_string().contains("/1/x/17"));
        assert_eq!(full().check(), Ok(()));
    }
}
