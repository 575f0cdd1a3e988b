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

mod audit;
pub use audit::*;

mod commit;
pub use commit::*;

mod cursor;
pub use cursor::*;

mod fixture;

mod observation;
pub use observation::*;

mod operation;
pub use operation::*;

mod paging;
pub use paging::*;

mod registration;
pub use registration::*;

mod report;
pub use report::*;

mod restore;
pub use restore::*;

mod timeline;
pub use timeline::*;

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

            every_audit_entry_survives,
            the_audit_log_is_read_newest_first,

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
            a_device_without_a_registration_is_not_shown,
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
            the_history_is_capped_by_a_purge,

            restore_gives_exactly_the_live_state,
            restore_gives_what_every_operation_waits_for,
            what_has_ended_stays_ended,
            a_purge_leaves_the_live_state_alone,

            every_timeline_entry_survives,
            the_timeline_is_of_one_device_and_newest_first,
            the_timeline_is_capped_by_a_purge,
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
            include_str!("battery/audit.rs"),
            include_str!("battery/commit.rs"),
            include_str!("battery/cursor.rs"),
            include_str!("battery/observation.rs"),
            include_str!("battery/operation.rs"),
            include_str!("battery/paging.rs"),
            include_str!("battery/registration.rs"),
            include_str!("battery/report.rs"),
            include_str!("battery/restore.rs"),
            include_str!("battery/timeline.rs"),
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
