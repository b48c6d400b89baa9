//! What holds for a store whatever stands behind it.
//!
//! [`contract_suite!`](crate::contract_suite) makes one test per case for a function that gives a
//! [`Place`] of its own to each. SQLite runs it with this crate's unit tests, Postgres with the
//! service tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

pub mod concurrency;
pub mod evidence;
pub mod findings;
pub mod finishing;
pub mod history;
pub mod migration;
pub mod retention;
pub mod runs;
pub mod sample;
pub mod schema;
pub mod tampering;

use crate::{OpenMode, Store, StoreUrl};

/// An empty store of one's own, and its address to open it again.
pub struct Place {
    /// The address.
    pub url: StoreUrl,
    /// The store, open for writing.
    pub store: Store,
}

impl Place {
    /// Creates the store at an address where there is none yet.
    pub async fn create(url: StoreUrl) -> Self {
        let store = Store::open(&url, OpenMode::ReadWrite).await.unwrap();
        Self { url, store }
    }
}

impl Store {
    /// Runs any SQL: how a test plays somebody who has the database but not this program.
    pub async fn tamper(&self, sql: &str) -> Result<(), crate::StoreError> {
        let mut tx = self.write().await?;
        tx.execute_text(sql.to_owned()).await?;
        tx.commit().await
    }

    /// The first column of the first row of a query that counts.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut tx = self.read().await.unwrap();
        tx.row(sql, &[]).await.unwrap().unwrap().int("count").unwrap()
    }
}

/// One test per case of the contract. `$fresh` is an async function that gives something which
/// dereferences to a [`Place`] and removes the store when it is dropped.
#[macro_export]
macro_rules! contract_suite {
    ($fresh:path) => {
        $crate::contract_suite!(@cases $fresh;
            evidence::a_document_comes_back_byte_for_byte,
            evidence::the_same_evidence_in_two_runs_is_stored_once,
            evidence::appending_twice_is_appending_once,
            evidence::documents_are_appended_together_or_not_at_all,
            evidence::another_document_for_the_same_question_is_refused,
            evidence::evidence_goes_only_to_its_own_open_run,
            evidence::a_body_is_found_by_its_address,
            evidence::what_json_would_lose_is_refused,
            runs::a_record_comes_back_to_the_nanosecond,
            runs::a_run_begins_once,
            runs::a_run_is_found_by_a_prefix_that_only_it_has,
            runs::a_prefix_is_text_not_a_pattern,
            runs::runs_are_listed_newest_first_in_pages,
            runs::runs_are_filtered_by_target_and_state,
            runs::a_rare_run_is_found_behind_many_others,
            runs::an_unfinished_record_names_the_evidence_so_far,
            runs::a_run_whose_owner_is_gone_is_interrupted,
            runs::a_heartbeat_keeps_a_run_alive_and_takes_it_over,
            runs::reaping_writes_down_what_reading_tells,
            runs::an_interrupted_run_stays_interrupted_until_it_finishes,
            finishing::a_finish_that_fails_midway_leaves_nothing,
            finishing::finishing_again_with_the_same_record_changes_nothing,
            finishing::a_record_must_name_what_was_appended,
            finishing::a_run_without_an_assessment_cannot_finish,
            finishing::the_chain_does_not_fork,
            finishing::exceptions_come_back_with_the_run,
            finishing::alerts_wait_in_the_outbox_until_they_are_delivered,
            finishing::certificates_are_noted_once_per_subject,
            finishing::hostile_text_does_not_stop_a_run,
            finishing::many_controls_are_written_in_few_statements,
            history::a_baseline_is_a_complete_run_with_a_reason,
            history::previous_is_the_last_complete_run_before,
            history::a_bundle_brings_the_run_that_its_delta_compares_with,
            history::a_control_has_a_history,
            findings::a_finding_opens_resolves_and_regresses,
            findings::only_a_pass_of_the_same_control_resolves,
            findings::a_check_that_was_not_selected_changes_nothing,
            findings::a_waiver_begins_and_ends,
            findings::what_is_open_and_what_is_waived_is_counted,
            tampering::evidence_cannot_be_updated_or_deleted,
            tampering::a_changed_body_is_named,
            tampering::a_changed_envelope_is_named,
            tampering::a_changed_record_is_named,
            tampering::a_body_under_a_wrong_address_is_noticed_when_it_is_written_again,
            tampering::raw_evidence_shows_every_row_wrong_or_right,
            retention::old_runs_go_with_the_evidence_that_only_they_have,
            retention::what_something_speaks_of_stays,
            retention::a_run_outlives_what_it_was_compared_with,
            retention::asking_whether_it_can_be_written_leaves_nothing,
            concurrency::two_writers_both_finish,
            concurrency::two_runs_of_one_target_finish_one_after_the_other,
            concurrency::the_same_evidence_from_many_writers_is_stored_once,
            schema::opening_again_changes_nothing,
            schema::a_newer_schema_is_refused_with_both_versions,
            schema::a_store_of_another_program_is_refused,
            schema::a_store_opened_for_reading_refuses_to_write,
        );
    };
    (@cases $fresh:path; $($module:ident :: $case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let place = $fresh().await;
                $crate::contract_suite::$module::$case(&place).await;
            }
        )*
    };
}
