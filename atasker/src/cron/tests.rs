//! Every promise about times of the calendar, by name; `oracle` has the same for zones and years at random.

mod oracle;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use super::{Cron, Resolved, Tz};

/// A moment, written as `2026-03-29T01:00Z` or with an offset.
fn at(text: &str) -> SystemTime {
    let moment: Timestamp = text.parse().expect("it is a moment");
    super::walk::moment(moment.as_second()).expect("the system's clock can show it")
}

/// By the rules that come along, so that the machine's own don't matter.
fn resolved(text: &str, zone: &str) -> Resolved {
    let zone = TimeZoneDatabase::bundled().get(zone).expect("it is a zone");
    Resolved::new(Cron::parse(text).expect("it is right").expression, zone)
}

/// The first times after `after`, as they read in UTC.
fn times(text: &str, zone: &str, after: &str, many: usize) -> Vec<String> {
    let cron = resolved(text, zone);
    let next = |at: &SystemTime| cron.next_after(*at);
    let found = std::iter::successors(next(&at(after)), next).take(many);
    found.map(|at| Timestamp::try_from(at).expect("it is within the calendar").to_string()).collect()
}

#[test]
fn a_time_of_day_in_a_gap_comes_right_after_it() {
    assert_eq!(
        times("30 2 * * *", "Europe/Prague", "2026-03-28T00:00Z", 3),
        ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
}

#[test]
fn several_times_of_day_in_a_gap_are_one() {
    assert_eq!(
        times("0,20,40 2,3 * * *", "Europe/Prague", "2026-03-29T00:30Z", 3),
        ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z"],
    );
    assert_eq!(
        times("* 30 2 * * *", "Europe/Prague", "2026-03-29T00:30Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
}

#[test]
fn of_a_time_of_day_shown_twice_the_first_counts() {
    let expected = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(times("30 2 * * *", "Europe/Prague", "2026-10-23T12:00Z", 3), expected);
    // Asked between the two, in the second and after it, too.
    for after in
        ["2026-10-25T00:30Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00Z", "2026-10-25T01:29Z", "2026-10-25T01:30Z"]
    {
        assert_eq!(times("30 2 * * *", "Europe/Prague", after, 1), expected[2..], "{after}");
    }
}

#[test]
fn a_rhythm_follows_the_time_that_passes() {
    let quarters = times("*/15 * * * *", "Europe/Prague", "2026-03-29T00:20Z", 4);
    assert_eq!(
        quarters,
        ["2026-03-29T00:30:00Z", "2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"]
    );
    for (midnight, next, hours) in [
        ("2026-03-27T23:00Z", "2026-03-28T23:00Z", 24),
        ("2026-03-28T23:00Z", "2026-03-29T22:00Z", 23),
        ("2026-10-24T22:00Z", "2026-10-25T23:00Z", 25),
    ] {
        let count = |text| resolved(text, "Europe/Prague").count_between(at(midnight), at(next));
        assert_eq!((count("0 * * * *"), count("*/15 * * * *")), (hours, 4 * hours), "{midnight}");
    }
    // A rhythm of some hours only has none in a gap, and twice as many in an hour that is shown twice.
    assert_eq!(times("*/30 2 * * *", "Europe/Prague", "2026-03-29T00:00Z", 1), ["2026-03-30T00:00:00Z"]);
    assert_eq!(
        times("*/30 2 * * *", "Europe/Prague", "2026-10-25T00:00Z", 4),
        ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:00:00Z"],
    );
}

#[test]
fn half_an_hour_is_skipped_and_shown_twice_on_lord_howe() {
    let zone = "Australia/Lord_Howe";
    // 2026-10-04 02:00 becomes 02:30; 2026-04-05 02:00 becomes 01:30.
    assert_eq!(times("15 2 * * *", zone, "2026-10-03T12:00Z", 2), ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
    assert_eq!(times("45 1 * * *", zone, "2026-04-04T12:00Z", 2), ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]);
    assert_eq!(
        times("*/15 1 * * *", zone, "2026-04-04T14:20Z", 5),
        [
            "2026-04-04T14:30:00Z",
            "2026-04-04T14:45:00Z",
            "2026-04-04T15:00:00Z",
            "2026-04-04T15:15:00Z",
            "2026-04-05T14:30:00Z"
        ],
    );
}

#[test]
fn a_day_that_was_skipped_comes_at_the_start_of_the_next() {
    // Apia had no 2011-12-30.
    assert_eq!(
        times("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00Z", 3),
        ["2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"],
    );
    assert_eq!(times("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", 1), ["2011-12-30T10:00:00Z"]);
    assert_eq!(times("0 */6 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", 1), ["2012-12-29T10:00:00Z"]);
}

#[test]
fn midnight_that_is_skipped_comes_at_one() {
    assert_eq!(
        times("@daily", "America/Sao_Paulo", "2017-10-14T12:00Z", 2),
        ["2017-10-15T03:00:00Z", "2017-10-16T02:00:00Z"],
    );
}

#[test]
fn seldom_dates_are_found() {
    assert_eq!(times("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", 2), ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
    assert_eq!(times("0 0 29 2 *", "UTC", "2096-03-01T00:00Z", 1), ["2104-02-29T00:00:00Z"]);
    assert_eq!(times("0 0 29 2 +Mon", "UTC", "2072-03-01T00:00Z", 1), ["2112-02-29T00:00:00Z"]);
    assert_eq!(
        times("0 12 31 * *", "UTC", "2026-01-31T12:00Z", 3),
        ["2026-03-31T12:00:00Z", "2026-05-31T12:00:00Z", "2026-07-31T12:00:00Z"],
    );
}

#[test]
fn the_next_time_is_after_and_never_the_same() {
    let minutes = resolved("* * * * *", "UTC");
    let minute = at("2026-01-01T00:00Z");
    assert_eq!(minutes.next_after(minute), Some(minute + Duration::from_secs(60)));
    assert_eq!(minutes.next_after(minute - Duration::from_nanos(1)), Some(minute));
    assert_eq!(minutes.next_after(minute + Duration::from_nanos(1)), Some(minute + Duration::from_secs(60)));
    let before = UNIX_EPOCH - Duration::from_millis(500);
    assert_eq!(resolved("* * * * * *", "UTC").next_after(before), Some(UNIX_EPOCH));
}

#[test]
fn no_moment_panics_and_the_calendar_ends() {
    let extremes = [i64::MIN, i64::MIN / 2, -377_705_116_800, -377_705_000_000, -62_135_596_800, -1]
        .into_iter()
        .chain([0, 253_402_000_000 - 1, 253_402_000_000, 253_402_207_200, 253_402_300_800, i64::MAX / 2, i64::MAX]);
    let moments: Vec<SystemTime> = extremes.filter_map(super::walk::moment).collect();
    for zone in ["UTC", "Europe/Prague", "Pacific/Apia", "America/Sao_Paulo", "Asia/Manila"] {
        for text in ["* * * * * *", "0 0 29 2 *", "*/7 3 31 * *", "30 2 * * *"] {
            let cron = resolved(text, zone);
            for at in &moments {
                assert!(cron.next_after(*at).is_none_or(|next| next > *at), "{text} {zone} {at:?}");
                for until in &moments {
                    assert!(cron.count_between(*at, *until) <= 100_000);
                }
            }
        }
    }
    assert_eq!(resolved("@yearly", "UTC").next_after(at("9999-06-01T00:00Z")), None);
    assert!(resolved("@yearly", "UTC").next_after(at("9998-06-01T00:00Z")).is_some());
    assert!(resolved("@yearly", "UTC").next_after(at("-009000-06-01T00:00Z")).is_some());
}

#[test]
fn many_are_counted_up_to_a_hundred_thousand() {
    let (from, to) = (at("2000-01-01T00:00Z"), at("2026-01-01T00:00Z"));
    assert_eq!(resolved("* * * * * *", "Europe/Prague").count_between(from, to), 100_000);
    assert_eq!(resolved("* * * * *", "Europe/Prague").count_between(from, to), 100_000);
    assert_eq!(resolved("@daily", "Europe/Prague").count_between(from, to), 9497);
    assert_eq!(resolved("@daily", "Europe/Prague").count_between(to, from), 0);
    assert_eq!(resolved("@daily", "UTC").count_between(from, from + Duration::from_secs(86_400)), 1);
}

#[test]
fn a_zone_is_looked_up_when_a_time_is_asked_for_and_offered_by_its_name() {
    let cron = Cron::parse("@daily").expect("it is right");
    assert!(cron.clone().tz("Europe/Prague").resolve().is_ok());
    assert!(cron.clone().tz("europe/prague".to_owned()).resolve().is_ok());
    let error = cron.clone().tz("Europe/Pargue").resolve().expect_err("no zone is called so");
    assert_eq!((error.field(), error.value()), ("tz", "\"Europe/Pargue\""));
    assert!(error.to_string().ends_with("did you mean `Europe/Prague`?"), "{error}");
    let error = cron.clone().tz("+02:00").next_after(UNIX_EPOCH).expect_err("it is an offset");
    assert!(error.to_string().contains("such as `Europe/Prague`"), "{error}");
    // A zone of another name is looked up anew.
    assert!(cron.tz("Europe/Pargue").tz(Tz::Utc).next_after(UNIX_EPOCH).is_ok());
}

#[test]
fn texts_are_zones() {
    for (text, zone) in [("UTC", Tz::Utc), ("utc", Tz::Utc), ("Local", Tz::Local), ("local", Tz::Local)] {
        assert_eq!(Tz::from(text), zone);
        assert_eq!(Tz::from(zone.to_string()), zone);
    }
    assert_eq!(Tz::from("Asia/Tokyo"), Tz::Named("Asia/Tokyo".into()));
    assert_eq!(Tz::default(), Tz::Utc);
}

#[test]
fn every_zone_that_is_offered_has_rules() {
    for name in TimeZoneDatabase::bundled().available() {
        let name = name.as_str().to_owned();
        assert!(Tz::from(name.clone()).rules().is_ok(), "{name}");
    }
}

#[test]
fn an_expression_shows_itself_and_its_fault() {
    let cron: Cron = "0 9 * * Mon-Fri".parse().expect("it is right");
    assert_eq!(cron.to_string(), "0 9 * * Mon-Fri");
    assert!(format!("{cron:?}").contains("Utc"));
    let error = Cron::parse("0 24 * * *").expect_err("there is no such hour");
    assert_eq!((error.field(), error.value()), ("cron", "\"0 24 * * *\""));
    assert!(
        error.to_string().starts_with("cron = \"0 24 * * *\" makes no sense: it has `24` in field 2 of 5"),
        "{error}"
    );
}
