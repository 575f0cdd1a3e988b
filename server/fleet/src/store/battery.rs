//! The battery: what every implementation of [`Store`] is held to, one case a behaviour.
//!
//! Each case is handed a store without content and panics where it is not as it should be.
//! [`store_battery!`](crate::store_battery) makes a `#[test]` of each:
//!
//! ```ignore
//! fn run(case: fleet::store::battery::Case) {
//!     futures::executor::block_on(case(&MemoryStore::new()));
//! }
//! fleet::store_battery!(run);
//! ```
//!
//! The cases are filed by what they are about. They know no implementation: what is not written in the documentation
//! of [`Store`] and [`Change`](crate::Change) is not asked for.

#![expect(clippy::unwrap_used, reason = "a battery is a test that other packages run")]

use futures::future::BoxFuture;

use crate::Store;

mod account;
pub use account::*;

mod artefact;
pub use artefact::*;

mod audit;
pub use audit::*;

mod authority;
pub use authority::*;

mod claim;
pub use claim::*;

mod commit;
pub use commit::*;

mod configuration;
pub use configuration::*;

mod credential;
pub use credential::*;

mod cursor;
pub use cursor::*;

mod diary;
pub use diary::*;

mod enrolment;
pub use enrolment::*;

mod event_log;
pub use event_log::*;

mod fixture;

mod group;
pub use group::*;

mod model;
pub use model::*;

mod observation;
pub use observation::*;

mod operation;
pub use operation::*;

mod paging;
pub use paging::*;

mod plan;
pub use plan::*;

mod registration;
pub use registration::*;

mod report;
pub use report::*;

mod restore;
pub use restore::*;

mod secure_session;
pub use secure_session::*;

mod submission;
pub use submission::*;

mod timeline;
pub use timeline::*;

mod token;
pub use token::*;

mod update;
pub use update::*;

mod update_list;
pub use update_list::*;

mod user;
pub use user::*;

mod webhook;
pub use webhook::*;

mod queue;
pub use queue::*;

mod wish;
pub use wish::*;

/// One case, to be run on a new store.
pub type Case = for<'a> fn(&'a dyn Store) -> BoxFuture<'a, ()>;

/// Makes a test of each case of the [battery](crate::store::battery). `$run` is a function that takes a
/// [`Case`](crate::store::battery::Case) and runs it on a new store.
#[macro_export]
macro_rules! store_battery {
    ($run:path) => {
        $crate::store_battery!(@tests $run:
            a_user_is_found_by_the_exact_name,
            a_user_is_unique_by_name_and_by_its_ids,
            an_administrator_is_no_other_role,
            a_session_is_kept_replaced_and_ended,
            a_session_is_gone_when_it_has_ended,

            every_artefact_survives,
            artefacts_are_listed_newest_first,
            an_artefact_is_withdrawn_once_and_removed,
            what_a_class_takes_is_kept_and_replaced,
            an_update_key_is_added_once_and_revoked_once,
            what_a_device_runs_is_known_by_instance,
            what_a_removed_device_ran_goes_with_its_data,

            every_audit_entry_survives,
            the_audit_log_is_read_newest_first,
            the_audit_log_is_filtered,

            boots_are_counted,
            a_store_that_works_says_so,
            a_new_store_is_empty,
            a_commit_without_content_is_taken,
            the_changes_of_a_commit_apply_in_their_order,
            a_conflicting_commit_changes_nothing,
            what_refers_to_no_device_is_a_conflict,
            concurrent_commits_apply_in_the_order_they_were_begun,
            among_concurrent_commits_a_conflict_fails_alone,

            a_cursor_that_no_store_made_is_refused,
            a_cursor_of_another_list_is_refused,
            a_damaged_cursor_does_no_harm,

            an_observation_begins_is_replaced_and_ends,
            an_observation_of_several_paths_is_one,
            all_observations_of_a_device_end_together,
            observations_stay_when_a_registration_changes,
            every_token_and_format_survives,

            every_operation_survives,
            an_operation_goes_its_way,
            an_operation_that_has_ended_ends_once,
            an_operation_ends_in_every_final_state,
            an_operation_without_a_row_is_no_conflict,
            an_operation_is_queued_once,
            operations_are_listed_newest_first,
            ended_operations_are_dropped_in_time,

            devices_are_paged_in_the_order_of_the_bytes_of_their_names,
            a_prefix_is_taken_as_it_is_written,
            devices_are_filtered_by_state,
            devices_are_paged_by_when_they_were_heard,
            pages_are_complete_while_devices_come,
            pages_of_a_timeline_are_complete_while_it_grows,
            a_page_has_at_least_one_row_and_at_most_the_maximum,
            the_last_page_says_so,

            a_registered_device_is_shown_as_it_registered,
            a_device_is_unique_by_row_public_name_and_endpoint,
            an_update_replaces_the_registration,
            a_registration_id_belongs_to_one_device,
            a_stale_registration_is_a_conflict,
            an_ended_registration_comes_back_only_anew,
            a_lease_moves_what_it_names_and_nothing_else,
            a_lease_without_a_registration_changes_nothing,
            a_registration_ends_in_two_ways,
            a_registration_ends_once,
            the_overview_counts,

            every_value_survives,
            the_latest_reading_replaces_the_one_before,
            a_reading_with_an_older_device_time_is_history_only,
            a_device_clock_that_runs_ahead_hides_nothing,
            the_latest_readings_are_ordered_and_bounded_by_path,
            the_history_is_newest_first_by_when_it_was_so,
            a_duplicate_delivery_stores_nothing_twice,
            concurrent_duplicates_are_stored_once,
            deliveries_are_told_apart,
            a_delivery_may_repeat_after_its_time,
            the_newest_notification_is_known_after_a_start,
            the_history_is_capped_by_a_purge,
            values_are_kept_as_their_class_says,

            restore_gives_exactly_the_live_state,
            the_hot_state_is_read_back_in_parts,
            restore_gives_what_every_operation_waits_for,
            what_has_ended_stays_ended,
            a_purge_leaves_the_live_state_alone,

            every_timeline_entry_survives,
            the_timeline_is_of_one_device_and_newest_first,
            the_timeline_is_capped_by_a_purge,

            every_claim_survives,
            a_claim_is_unique,
            claims_are_listed_newest_first,
            a_quota_is_used_up_and_never_gone_beyond,
            a_quota_holds_among_concurrent_claims,
            a_second_claim_needs_an_approval,
            a_claim_is_closed_by_hand,
            a_device_knows_its_claims,

            every_credential_survives,
            a_credential_is_unique_and_held_by_somebody,
            an_identity_opens_one_credential_at_a_time,
            an_identity_finds_what_opens_or_else_the_newest_that_did,
            a_staged_credential_proves_itself_once,
            a_credential_ends_once,
            credentials_are_listed_newest_first,
            the_last_use_never_goes_back,
            a_device_is_secured_while_a_credential_opens_sessions,
            a_registration_says_what_its_sender_has_proved,
            many_devices_are_added_at_one_time_or_none,
            an_import_finds_what_is_there,

            credentials_of_every_kind_survive,
            a_key_pair_is_forgotten_once_it_is_proved,
            a_class_keeps_its_policy,
            the_credentials_of_a_class_are_found,
            a_certificate_that_was_seen_is_kept,
            authorities_are_kept_replaced_and_removed,
            keys_of_the_servers_own_are_kept,

            every_secure_session_survives,
            secure_sessions_are_read_page_by_page,
            a_secure_session_needs_a_credential_that_opens,
            a_secure_session_only_goes_forward,
            a_start_raises_what_is_reserved,
            a_secure_session_ends,
            secure_sessions_are_gone_with_their_credential,

            every_entry_of_the_diary_survives,
            incidents_of_one_kind_are_one_entry,
            the_diary_is_filtered,
            an_entry_of_the_diary_is_cleared,
            the_diary_is_bounded,

            an_added_device_is_awaited_until_it_registers,
            a_registration_may_end_by_what_people_do,
            the_registration_of_a_removed_device_is_over_and_none_begins,
            a_removed_device_is_out_of_the_way,
            a_removed_device_is_enrolled_again_under_its_row,
            a_removal_keeps_or_deletes_what_a_device_left,
            devices_are_filtered_by_class_and_security,
            a_class_is_unique_and_there_before_its_devices,

            what_happens_to_a_device_is_logged,
            every_end_of_a_registration_is_logged,
            a_conflict_is_not_logged,
            the_event_log_is_read_from_where_one_was,
            the_event_log_forgets_and_never_counts_back,

            a_group_is_kept_changed_and_removed,
            a_group_is_unique_by_its_ids_and_name,
            members_join_and_leave_and_are_counted,
            who_is_not_there_joins_nothing,
            a_removed_device_leaves_its_groups,
            labels_are_kept_and_replaced,
            the_devices_of_a_class_are_counted,
            devices_are_filtered_by_label_and_group,
            a_class_keeps_its_rule,
            a_device_is_contested_until_it_has_a_class,
            candidates_are_what_rules_are_asked_about,

            object_definitions_are_kept_replaced_and_taken_back,

            a_plan_is_kept_replaced_and_taken_back,
            a_bootstrap_session_is_followed_step_by_step,
            interrupted_bootstrap_sessions_have_failed,
            the_newest_bootstrap_sessions_are_kept,

            a_submission_is_begun_once_and_answered,
            a_submission_is_forgotten_in_time,

            a_token_is_found_by_its_hash,
            a_token_is_unique_and_owned,
            a_token_is_used_and_revoked,
            tokens_that_ended_long_ago_are_dropped,

            every_baseline_survives,
            versions_follow_each_other,
            baselines_are_listed,
            where_a_device_stands_survives,
            what_somebody_wants_of_a_configuration_stays,
            configurations_are_listed_and_counted,
            planned_configurations_are_read_part_by_part,
            a_removal_ends_a_configuration,

            every_update_survives,
            an_update_is_begun_once,
            an_update_goes_on_and_ends_once,
            what_somebody_wants_of_an_update_stays,
            progress_is_written_in_batches,
            updates_are_listed_newest_first,
            running_updates_are_read_part_by_part,
            an_update_is_found_by_what_its_device_fetches,
            failures_of_a_device_are_told_latest_first,
            updates_are_counted_by_their_phases,
            ended_updates_are_dropped_in_time,
            the_newest_ended_updates_of_a_device_are_kept,
            a_removal_keeps_or_deletes_updates,

            an_account_changes,
            accounts_are_listed_by_name,

            every_webhook_survives,
            a_webhook_follows_its_deliveries,
            a_webhook_is_paused_and_removed,

            what_waits_is_listed_by_priority_and_age,
            what_waits_is_filtered,
            a_superseded_operation_ends_once,
            awake_times_are_kept_and_taken_back,
            awake_times_come_back_with_the_fleet,

            what_classes_wish_is_kept_and_replaced,
            every_answer_to_a_wish_survives,
            an_observation_by_wish_is_one_until_it_is_let_go,
            who_is_wished_of_is_listed,
            who_answers_no_composite_is_remembered,
            what_a_removed_device_was_asked_goes_with_its_data,
        );
    };
    (@tests $run:path: $($case:ident),* $(,)?) => {$(
        #[test]
        fn $case() {
            $run(|store| Box::pin($crate::store::battery::$case(store)));
        }
    )*};
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_in_the_list() {
        let files = [
            include_str!("battery/account.rs"),
            include_str!("battery/artefact.rs"),
            include_str!("battery/audit.rs"),
            include_str!("battery/authority.rs"),
            include_str!("battery/claim.rs"),
            include_str!("battery/commit.rs"),
            include_str!("battery/configuration.rs"),
            include_str!("battery/credential.rs"),
            include_str!("battery/cursor.rs"),
            include_str!("battery/diary.rs"),
            include_str!("battery/enrolment.rs"),
            include_str!("battery/event_log.rs"),
            include_str!("battery/group.rs"),
            include_str!("battery/model.rs"),
            include_str!("battery/observation.rs"),
            include_str!("battery/operation.rs"),
            include_str!("battery/paging.rs"),
            include_str!("battery/plan.rs"),
            include_str!("battery/registration.rs"),
            include_str!("battery/report.rs"),
            include_str!("battery/restore.rs"),
            include_str!("battery/secure_session.rs"),
            include_str!("battery/submission.rs"),
            include_str!("battery/timeline.rs"),
            include_str!("battery/token.rs"),
            include_str!("battery/update.rs"),
            include_str!("battery/update_list.rs"),
            include_str!("battery/user.rs"),
            include_str!("battery/webhook.rs"),
            include_str!("battery/queue.rs"),
            include_str!("battery/wish.rs"),
        ];
        let list = include_str!("battery.rs");
        for line in files.iter().flat_map(|file| file.lines()) {
            if let Some(rest) = line.strip_prefix("pub async fn ") {
                let name = rest.split('(').next().unwrap();
                assert!(list.contains(&format!("            {name},\n")), "{name} is not run");
            }
        }
    }
}
