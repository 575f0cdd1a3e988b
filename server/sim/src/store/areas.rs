//! The parts of the port that have traits of their own. All of them only read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use fleet::{
    Artefact, ArtefactId, ClassId, ClassRule, DeviceId, Fingerprint, Group, GroupId, Installed, Labels,
    RunsArtefact, StoreError, Timestamp, UpdateKey, UpdatePolicy,
    configuration::{Baseline, Configured, ConfiguredState, Level},
    queue::Awake,
    store::{
        Artefacts, Candidate, ConfigurationQuery, Configurations, Groups, Page, PageRequest,
        PlannedConfiguration, Queues, RunningUpdate, UpdateQuery, Updates, Waiting, WaitingQuery, Wishing,
    },
    update::{DownloadDigest, Update, UpdateId, UpdatePhase},
    wish::{Kept, NoComposites, Wishes},
};
use objects::Path;

use super::FaultyStore;

macro_rules! read {
    ($area:ident: $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $area for FaultyStore {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.look().await?;
                self.inner.ask(|store| store.$name($($argument),*))
            })*
        }
    };
}

read! { Artefacts:
    artefacts(page: &PageRequest) -> Page<Artefact>;
    artefact(id: ArtefactId) -> Option<Artefact>;
    artefact_blobs() -> Vec<(ArtefactId, Vec<Fingerprint>)>;
    update_policy(class: ClassId) -> Option<UpdatePolicy>;
    update_keys(class: ClassId) -> Vec<UpdateKey>;
    installed(device: DeviceId) -> Vec<Installed>;
    artefact_runs(artefact: ArtefactId) -> u64;
    runs_artefact(artefact: ArtefactId, after: Option<DeviceId>, limit: usize) -> Vec<RunsArtefact>;
}

read! { Updates:
    update(id: UpdateId) -> Option<Update>;
    updates(query: &UpdateQuery) -> Page<Update>;
    running_updates(after: Option<UpdateId>, limit: usize) -> Vec<RunningUpdate>;
    update_by_download(digest: &DownloadDigest) -> Option<Update>;
    failed_updates(device: DeviceId, since: Timestamp, limit: usize) -> Vec<Timestamp>;
    update_counts(artefact: Option<ArtefactId>) -> BTreeMap<UpdatePhase, u64>;
}

read! { Queues:
    waiting(query: &WaitingQuery) -> Page<Waiting>;
    awake(device: DeviceId) -> Awake;
    class_awake_times() -> BTreeMap<ClassId, Duration>;
}

read! { Wishing:
    wishes() -> Vec<(ClassId, Wishes)>;
    kept_wishes(device: DeviceId) -> Kept;
    no_composites(device: DeviceId) -> Option<NoComposites>;
    wished_of(classes: &BTreeSet<ClassId>, after: Option<DeviceId>, limit: usize) -> Vec<DeviceId>;
}

read! { Configurations:
    baselines() -> Vec<Baseline>;
    baseline(level: Level, version: Option<u32>) -> Option<Baseline>;
    baseline_versions(level: Level, page: &PageRequest) -> Page<Baseline>;
    configured(device: DeviceId) -> Option<Configured>;
    planned_configurations(after: Option<DeviceId>, limit: usize) -> Vec<PlannedConfiguration>;
    configurations(query: &ConfigurationQuery) -> Page<Configured>;
    configuration_counts() -> BTreeMap<ConfiguredState, u64>;
}

read! { Groups:
    groups() -> Vec<Group>;
    groups_of(device: DeviceId) -> BTreeSet<GroupId>;
    members(group: GroupId, after: Option<DeviceId>, limit: usize) -> Vec<DeviceId>;
    member_count(group: GroupId) -> u64;
    labels(device: DeviceId) -> Labels;
    labels_of(devices: &[DeviceId]) -> BTreeMap<DeviceId, Labels>;
    class_size(class: ClassId, at_most: u64) -> u64;
    class_rules() -> Vec<(ClassId, ClassRule)>;
    contested(class: ClassId, limit: usize) -> Vec<DeviceId>;
    devices_after(after: Option<DeviceId>, limit: usize) -> Vec<DeviceId>;
    candidates(devices: &[DeviceId], paths: &[Path]) -> Vec<Candidate>;
}
