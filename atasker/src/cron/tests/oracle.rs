//! The same times by a calculation that shares nothing with ours: another database (`chrono-tz`), fields that are never
//! written as text, and every minute of some days looked at one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike};
use proptest::prelude::*;

use super::resolved;

/// A zone, and the last year of which both databases know the same.
const ZONES: &[(&str, i32)] = &[
    ("UTC", 2090),
    ("Europe/Prague", 2090),
    ("America/New_York", 2090),
    ("America/St_Johns", 2090),
    ("Australia/Lord_Howe", 2090),
    ("Europe/Dublin", 2090),
    ("Europe/London", 2090),
    ("Antarctica/Troll", 2090),
    ("Pacific/Chatham", 2090),
    ("Asia/Kolkata", 2090),
    ("Asia/Kathmandu", 2024),
    ("Pacific/Apia", 2024),
    ("Pacific/Kwajalein", 2024),
    ("Pacific/Kiritimati", 2024),
    ("Africa/Casablanca", 2024),
    ("Africa/Cairo", 2024),
    ("America/Sao_Paulo", 2024),
    ("America/Caracas", 2024),
    ("Asia/Gaza", 2024),
    ("Asia/Pyongyang", 2024),
    ("Asia/Tehran", 2024),
    ("Europe/Moscow", 2024),
    ("Europe/Istanbul", 2024),
    ("Antarctica/Casey", 2024),
];

/// Offsets are whole minutes from here on.
const FIRST_YEAR: i32 = 1973;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// How a field is written, and what matches it.
#[derive(Clone, Debug)]
enum Field {
    Any,
    List(Vec<u32>),
    Range(u32, u32),
    Step(u32),
}

impl Field {
    fn written(&self) -> String {
        match self {
            Field::Any => "*".into(),
            Field::List(values) => values.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
            Field::Range(from, to) => format!("{from}-{to}"),
            Field::Step(step) => format!("*/{step}"),
        }
    }

    fn has(&self, value: u32, least: u32) -> bool {
        match self {
            Field::Any => true,
            Field::List(values) => values.contains(&value),
            Field::Range(from, to) => (*from..=*to).contains(&value),
            Field::Step(step) => (value - least).is_multiple_of(*step),
        }
    }

    fn is_list(&self) -> bool {
        matches!(self, Field::List(_))
    }
}

#[derive(Clone, Debug)]
struct Spec {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Spec {
    fn written(&self) -> String {
        [&self.minute, &self.hour, &self.day, &self.month, &self.weekday].map(Field::written).join(" ")
    }

    fn has(&self, civil: NaiveDateTime) -> bool {
        self.has_date(civil.date()) && self.hour.has(civil.hour(), 0) && self.minute.has(civil.minute(), 0)
    }

    fn has_date(&self, civil: NaiveDate) -> bool {
        let day = self.day.has(civil.day(), 1);
        let weekday = self.weekday.has(civil.weekday().num_days_from_sunday(), 0);
        let date = match (&self.day, &self.weekday) {
            (Field::Any, _) => weekday,
            (_, Field::Any) => day,
            _ => day || weekday,
        };
        date && self.month.has(civil.month(), 1)
    }

    /// Whether some date matches: `31 2` is refused when it is read.
    fn ever_comes(&self) -> bool {
        new_year(2024).iter_days().take(4 * 366).any(|date| self.has_date(date))
    }

    fn is_fixed(&self) -> bool {
        self.minute.is_list() && self.hour.is_list()
    }

    /// All times between two moments, which are some days away from what is compared.
    fn all(&self, zone: chrono_tz::Tz, from: i64, to: i64) -> BTreeSet<i64> {
        let minutes = (from..to).step_by(60);
        let shown = minutes.map(|at| (at, zone.from_utc_datetime(&naive(at)).naive_local()));
        if !self.is_fixed() {
            return shown.filter(|(_, civil)| self.has(*civil)).map(|(at, _)| at).collect();
        }
        // When each time was first shown; what never was comes with the next that was.
        let mut first_shown = BTreeMap::new();
        for (at, civil) in shown {
            first_shown.entry(civil).or_insert(at);
        }
        let (Some(first), Some(last)) = (first_shown.keys().next(), first_shown.keys().next_back()) else {
            return BTreeSet::new();
        };
        let minutes = std::iter::successors(Some(*first), |civil| Some(*civil + TimeDelta::minutes(1)));
        let wanted = minutes.take_while(|civil| civil <= last).filter(|civil| self.has(*civil));
        wanted.filter_map(|civil| first_shown.range(civil..).next()).map(|(_, at)| *at).collect()
    }
}

/// The first of January.
fn new_year(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).expect("it is within the calendar")
}

fn naive(at: i64) -> NaiveDateTime {
    DateTime::from_timestamp(at, 0).expect("it is within the calendar").naive_utc()
}

/// When the zone's clock was changed in a year, to the minute.
fn changes(zone: chrono_tz::Tz, year: i32) -> Vec<i64> {
    let start = |year| new_year(year).and_time(NaiveTime::MIN).and_utc().timestamp();
    let (start, end) = (start(year), start(year + 1));
    let offset = |at: i64| zone.offset_from_utc_datetime(&naive(at)).fix().local_minus_utc();
    let days = (start..end).step_by(DAY as usize);
    let changed = days.filter(|day| offset(*day) != offset(day + DAY));
    changed.filter_map(|day| (day..=day + DAY).step_by(60).find(|at| offset(*at) != offset(day))).collect()
}

/// Whether the two databases, of different ages, know the same of a zone in that time.
fn databases_agree(name: &str, from: i64, to: i64) -> bool {
    let theirs: chrono_tz::Tz = name.parse().expect("it is a zone");
    let ours = jiff::tz::TimeZoneDatabase::bundled().get(name).expect("it is a zone");
    (from..to).step_by(15 * 60).all(|at| {
        let at_ours = jiff::Timestamp::from_second(at).expect("it is within the calendar");
        ours.to_offset(at_ours).seconds() == theirs.offset_from_utc_datetime(&naive(at)).fix().local_minus_utc()
    })
}

fn moment(at: i64) -> SystemTime {
    let away = Duration::from_secs(at.unsigned_abs());
    if at < 0 { UNIX_EPOCH - away } else { UNIX_EPOCH + away }
}

fn field(least: u32, most: u32, steps: &'static [u32]) -> impl Strategy<Value = Field> {
    prop_oneof![
        2 => Just(Field::Any),
        4 => prop::collection::btree_set(least..=most, 1..4).prop_map(|set| Field::List(set.into_iter().collect())),
        1 => (least..=most, least..=most).prop_map(|(a, b)| Field::Range(a.min(b), a.max(b))),
        1 => prop::sample::select(steps).prop_map(Field::Step),
    ]
}

fn spec() -> impl Strategy<Value = Spec> {
    let date = prop_oneof![
        3 => Just((Field::Any, Field::Any, Field::Any)),
        1 => (field(1, 31, &[2, 5]), field(1, 12, &[3]), field(0, 6, &[2])),
    ];
    // Most changes are in the small hours.
    let small = prop::collection::btree_set(0..=4u32, 1..4).prop_map(|set| Field::List(set.into_iter().collect()));
    let hour = prop_oneof![2 => field(0, 23, &[2, 3, 6]), 3 => small];
    (field(0, 59, &[1, 5, 7, 15, 30]), hour, date)
        .prop_map(|(minute, hour, (day, month, weekday))| Spec { minute, hour, day, month, weekday })
        .prop_filter("the date comes", Spec::ever_comes)
}

/// A zone, and a moment near a change of its clock where it has one in that year.
fn place() -> impl Strategy<Value = (&'static str, i64)> {
    let away = prop_oneof![1 => -2 * DAY..2 * DAY, 3 => -3 * HOUR..3 * HOUR];
    (prop::sample::select(ZONES), any::<prop::sample::Index>(), any::<prop::sample::Index>(), away).prop_map(
        |((name, last), year, change, away)| {
            let zone: chrono_tz::Tz = name.parse().expect("it is a zone");
            let year = FIRST_YEAR + i32::try_from(year.index((last - FIRST_YEAR) as usize)).expect("it is a year");
            let changes = changes(zone, year);
            let near = match changes.len() {
                0 => (i64::from(year) - 1970) * 365 * DAY,
                many => changes[change.index(many)],
            };
            (name, near + away)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn times_are_those_of_an_independent_calculation((zone, from) in place(), spec in spec(), length in 1..3 * DAY) {
        let cron = resolved(&spec.written(), zone);
        let to = from + length;
        let margin = 3 * DAY;
        let start = (from - margin).div_euclid(MINUTE) * MINUTE;
        prop_assume!(databases_agree(zone, start, to + margin));
        let all = spec.all(zone.parse().expect("it is a zone"), start, to + margin);
        let expected: Vec<SystemTime> = all.range(from + 1..=to).copied().map(moment).collect();

        let next = |at: &SystemTime| cron.next_after(*at);
        let found: Vec<SystemTime> =
            std::iter::successors(next(&moment(from)), next).take_while(|at| *at <= moment(to)).collect();
        prop_assert_eq!(&found, &expected, "{} in {}", spec.written(), zone);
        prop_assert_eq!(cron.count_between(moment(from), moment(to)), expected.len() as u64);
    }

    #[test]
    fn a_count_is_the_sum_of_its_parts((zone, from) in place(), spec in spec(), days in 0i64..400, cut in 0.0..1.0) {
        let cron = resolved(&spec.written(), zone);
        let length = days * DAY + 1234;
        let middle = from + (length as f64 * cut) as i64;
        let to = from + length;
        let whole = cron.count_between(moment(from), moment(to));
        let parts = cron.count_between(moment(from), moment(middle)) + cron.count_between(moment(middle), moment(to));
        prop_assert_eq!(whole, parts.min(100_000));
    }
}
