//! Workers that run by the calendar of a zone, on a clock that the test moves.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atasker::{Cron, Error, ScheduledWorker, Supervisor, TestClock, Tz, WorkerContext, WorkerKind, background_worker};

use super::HOUR;
use crate::support::{Tested, clocked_pool, eventually, pool};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Seconds since 1970 of 2026-03-28 00:00 UTC. Clocks in Prague go forward at 01:00 UTC of the next day, by an hour.
const BEFORE_SPRING: u64 = 1_774_656_000;

/// Seconds since 1970 of 2026-10-24 00:00 UTC. Clocks in Prague go back at 01:00 UTC of the next day, by an hour.
const BEFORE_AUTUMN: u64 = 1_792_800_000;

/// Starts a worker by a line in Prague, from `began` on; what it tells are the hours and minutes since then that it was due.
fn prague(s: &Tested, clock: &TestClock, line: &str, began: u64) -> (ScheduledWorker, Receiver<(u64, u64)>) {
    let began = UNIX_EPOCH + Duration::from_secs(began);
    clock.set_wall(began);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        let minutes = cx.due_on_wall().unwrap().duration_since(began).unwrap().as_secs() / 60;
        tell.send((minutes / 60, minutes % 60)).unwrap();
    };
    let worker = background_worker(body).cron(line).tz("Europe/Prague").supervisor(s).start().unwrap();
    (worker, told)
}

fn all<T>(told: &Receiver<T>) -> Vec<T> {
    told.try_iter().collect()
}

#[test]
fn a_time_of_day_in_a_gap_runs_once_and_right_after_it() {
    let (s, clock) = clocked_pool(1);
    let (worker, told) = prague(&s, &clock, "30 2 * * *", BEFORE_SPRING);
    assert_eq!(worker.info().kind, WorkerKind::Cron);
    clock.advance(DAY * 3);
    assert_eq!(all(&told), [(1, 30), (25, 0), (48, 30)]);
    assert_eq!(worker.info().missed, 0);
}

#[test]
fn of_a_time_of_day_shown_twice_the_first_runs() {
    let (s, clock) = clocked_pool(1);
    let (_worker, told) = prague(&s, &clock, "30 2 * * *", BEFORE_AUTUMN);
    clock.advance(DAY * 3);
    assert_eq!(all(&told), [(0, 30), (24, 30), (49, 30)]);
}

#[test]
fn a_rhythm_follows_the_time_that_passes_through_both_changes() {
    for began in [BEFORE_SPRING, BEFORE_AUTUMN] {
        let (s, clock) = clocked_pool(1);
        let (worker, told) = prague(&s, &clock, "*/20 * * * *", began);
        clock.advance(DAY * 2);
        let expected: Vec<_> = (1..=48 * 3).map(|run| (run / 3, run % 3 * 20)).collect();
        assert_eq!((all(&told), worker.info().missed), (expected, 0));
    }
}

#[test]
fn the_zone_is_kept_and_not_an_offset() {
    let (s, clock) = clocked_pool(1);
    let (_worker, told) = prague(&s, &clock, "0 9 * * *", BEFORE_SPRING);
    clock.advance(DAY * 365);
    let due = all(&told);
    assert_eq!(due.len(), 365);
    // Nine in Prague is eight by universal time in winter, seven in summer: to 25 October, and then again eight.
    let hours: Vec<u64> = due.iter().map(|(hour, _)| hour % 24).collect();
    assert_eq!((hours[0], hours[1], hours[210], hours[211], hours[364]), (8, 7, 7, 8, 8));
}

#[test]
fn info_tells_when_it_comes_next() {
    let (s, clock) = clocked_pool(1);
    let (worker, _told) = prague(&s, &clock, "0 9 * * *", BEFORE_SPRING);
    let at = |hours: u64| Some(UNIX_EPOCH + Duration::from_secs(BEFORE_SPRING + hours * 3600));
    assert_eq!(worker.info().next_run(), at(8));
    clock.advance(HOUR * 8);
    assert_eq!(worker.info().next_run(), at(31));
    assert_eq!(worker.info().next_run, Some(clock.now() + HOUR * 23));
    worker.stop();
    assert_eq!(worker.info().next_run(), None);
}

#[test]
fn a_wall_clock_set_forward_over_many_times_runs_one_and_counts_the_others() {
    let (s, clock) = clocked_pool(1);
    let (worker, told) = prague(&s, &clock, "0 * * * *", BEFORE_SPRING);
    clock.set_wall(clock.wall() + HOUR * 10 + MINUTE);
    assert_eq!(all(&told), [(1, 0)]);
    assert_eq!((worker.info().runs, worker.info().missed), (1, 9));
    clock.advance(HOUR);
    assert_eq!(all(&told), [(11, 0)]);
}

#[test]
fn a_wall_clock_that_is_corrected_backwards_runs_nothing_twice() {
    let (s, clock) = clocked_pool(1);
    let (worker, told) = prague(&s, &clock, "0 9 * * *", BEFORE_SPRING);
    clock.advance(HOUR * 8 + MINUTE);
    assert_eq!(all(&told), [(8, 0)]);
    clock.set_wall(clock.wall() - HOUR);
    clock.advance(HOUR * 2);
    assert_eq!(all(&told), []);
    // Set back by days it is another date, whose times come.
    clock.set_wall(clock.wall() - DAY * 20);
    let next = worker.info().next_run().unwrap();
    assert!(next < clock.wall() + DAY, "{next:?}");
}

#[test]
fn what_passes_while_it_runs_or_is_paused_does_not_pile_up() {
    let (s, clock) = clocked_pool(1);
    let inside = clock.clone();
    // Each run takes five minutes and a half, and passes five minutes.
    let body = move || inside.advance(MINUTE * 5 + MINUTE / 2);
    let worker = background_worker(body).cron("* * * * *").supervisor(&s).start().unwrap();
    assert_eq!(clock.advance_to_next(), Some(MINUTE * 6 + MINUTE / 2));
    assert_eq!((worker.info().runs, worker.info().missed), (1, 5));
    worker.pause();
    clock.advance(HOUR);
    worker.resume();
    clock.run_until_idle();
    assert_eq!(worker.info().runs, 1, "minutes of a pause are gone");
    clock.advance_to_next();
    assert_eq!(worker.info().runs, 2);
}

#[test]
fn a_wrong_line_and_an_unknown_zone_are_refused_at_the_start() {
    let s = pool(1);
    let start = |line: &str, zone: &'static str| background_worker(|| ()).cron(line).tz(zone).supervisor(&s).start();
    for (line, zone, field, cure) in [
        ("61 * * * *", "UTC", "cron", "write 0 to 59"),
        ("0 0 30 2 *", "UTC", "cron", "never comes"),
        ("@daily", "Europe/Pargue", "tz", "did you mean `Europe/Prague`?"),
    ] {
        let Err(Error::Config(error)) = start(line, zone) else { panic!("{line} in {zone} is refused") };
        assert_eq!(error.field(), field);
        assert!(error.to_string().contains(cure), "{error}");
    }
    assert!(s.info().workers.is_empty());
}

#[test]
fn a_line_is_a_text_or_a_cron_with_its_zone() {
    let (s, clock) = clocked_pool(1);
    clock.set_wall(UNIX_EPOCH + Duration::from_secs(BEFORE_SPRING));
    let tokyo = || Cron::parse("0 9 * * *").unwrap().tz("Asia/Tokyo");
    let next = |worker: ScheduledWorker| {
        let next = worker.info().next_run().unwrap().duration_since(clock.wall()).unwrap();
        next.as_secs() / 3600
    };
    let start = |line: Cron| background_worker(|| ()).cron(line).supervisor(&s).start().unwrap();
    assert_eq!(next(start(tokyo())), 24);
    let over = background_worker(|| ()).cron(tokyo()).tz(Tz::Utc).supervisor(&s).start().unwrap();
    assert_eq!(next(over), 9);
    let text = background_worker(|| ()).cron("0 9 * * *".to_owned()).supervisor(&s).start().unwrap();
    assert_eq!(next(text), 9);
    assert!(background_worker(|| ()).cron("@hourly").tz(Tz::Local).supervisor(&s).start().is_ok());
}

#[test]
fn an_async_body_runs_by_the_same_calendar() {
    let (s, clock) = clocked_pool(1);
    clock.set_wall(UNIX_EPOCH + Duration::from_secs(BEFORE_AUTUMN));
    let worker =
        background_worker(|| async {}).cron("@hourly").tz("Europe/Prague").times(25).supervisor(&s).start().unwrap();
    clock.advance(DAY);
    assert_eq!((worker.info().runs, worker.is_running()), (24, true));
    clock.advance(HOUR);
    eventually("it stops after its last run", || !worker.is_running());
}

#[test]
fn a_trigger_beside_the_calendar_moves_nothing() {
    let (s, clock) = clocked_pool(1);
    let (worker, told) = prague(&s, &clock, "0 9 * * *", BEFORE_SPRING);
    let next = worker.info().next_run();
    let triggered = background_worker(|| ()).cron("0 9 * * *").tz("Europe/Prague").supervisor(&s).start().unwrap();
    assert!(triggered.trigger());
    clock.run_until_idle();
    assert_eq!((triggered.info().runs, triggered.info().next_run()), (1, next));
    clock.advance(HOUR * 8);
    assert_eq!((triggered.info().runs, all(&told)), (2, vec![(8, 0)]));
}

#[test]
fn seconds_are_the_smallest_step_and_none_is_early() {
    let (s, clock) = clocked_pool(1);
    clock.set_wall(UNIX_EPOCH + Duration::from_secs(BEFORE_SPRING) + Duration::from_millis(250));
    let (tell, told) = mpsc::channel();
    let inside = clock.clone();
    let body = move |cx: &WorkerContext| tell.send((cx.due_on_wall().unwrap(), inside.wall())).unwrap();
    background_worker(body).cron("*/2 * * * * *").supervisor(&s).start().unwrap();
    clock.advance(MINUTE);
    let runs = all(&told);
    assert_eq!(runs.len(), 30);
    assert!(runs.iter().all(|(due, started)| due == started), "{runs:?}");
}

#[test]
fn an_attribute_says_the_same() {
    static SUPERVISOR: OnceLock<Supervisor> = OnceLock::new();
    static DUE: Mutex<Vec<SystemTime>> = Mutex::new(Vec::new());

    #[background_worker(cron = "30 2 * * *", tz = "Europe/Prague", supervisor = SUPERVISOR.get().unwrap())]
    fn nightly(cx: &WorkerContext) {
        DUE.lock().unwrap().extend(cx.due_on_wall());
    }

    let (s, clock) = clocked_pool(1);
    clock.set_wall(UNIX_EPOCH + Duration::from_secs(BEFORE_SPRING));
    SUPERVISOR.set(Supervisor::clone(&s)).unwrap();
    nightly.start().unwrap();
    clock.advance(DAY * 2);
    let hours =
        DUE.lock().unwrap().iter().map(|due| due.duration_since(UNIX_EPOCH).unwrap().as_secs()).collect::<Vec<_>>();
    assert_eq!(hours, [BEFORE_SPRING + 90 * 60, BEFORE_SPRING + 25 * 3600]);
}
