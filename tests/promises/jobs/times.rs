//! When light jobs run.

use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use atasker::{Cron, When};

use super::{HOUR, SECOND};
use crate::support::{clocked_pool, eventually, next, pool};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_moment_that_is_past_comes_at_once() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let moments = [When::At(clock.now()), When::Wall(clock.wall() - DAY), When::Wall(SystemTime::UNIX_EPOCH)];
    for (n, when) in moments.into_iter().enumerate() {
        let tell = tell.clone();
        s.at(when, move || tell.send(n).unwrap()).unwrap();
    }
    clock.run_until_idle();
    let mut came: Vec<_> = told.try_iter().collect();
    came.sort_unstable();
    assert_eq!(came, [0, 1, 2]);

    let s = pool(1);
    let (tell, told) = mpsc::channel();
    s.at(Instant::now(), move || tell.send(()).unwrap()).unwrap();
    next(&told);
}

#[test]
fn the_longest_durations_never_come_and_never_panic() {
    let (s, clock) = clocked_pool(1);
    let never = s.every(Duration::MAX, || unreachable!("it never comes")).unwrap();
    let centuries = s.every(DAY * 365 * 500, || unreachable!("nor does this")).unwrap();
    let far = clock.wall() + DAY * 365 * 1000;
    let later = s.at(far, || unreachable!("or this")).unwrap();
    clock.advance(DAY * 1000);
    assert!(never.is_active() && centuries.is_active() && later.is_active());
    assert_eq!(never.next_run(), None);
    assert!(never.cancel() && centuries.cancel() && later.cancel());
}

#[test]
fn no_run_is_early() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    for millis in (0..400_u64).step_by(7) {
        let due = Instant::now() + Duration::from_millis(millis);
        let tell = tell.clone();
        s.at(due, move || tell.send(Instant::now() >= due).unwrap()).unwrap();
    }
    for micros in [900, 20_000, 120_000] {
        let (period, began) = (Duration::from_micros(micros), Instant::now());
        let (mut run, tell) = (0, tell.clone());
        let body = move || {
            run += 1;
            // The k-th run is never before the k-th tick; `began` is before the grid does.
            _ = tell.send(began.elapsed() >= period * run);
        };
        s.every(period, body).unwrap();
    }
    let runs: Vec<bool> = (0..100).map(|_| next(&told)).collect();
    assert!(runs.into_iter().all(|in_time| in_time));
}

#[test]
fn jobs_that_come_together_stay_on_their_grids() {
    let (s, clock) = clocked_pool(2);
    let (tell, told) = mpsc::channel();
    let began = clock.now();
    for n in 0..50_u32 {
        let (tell, inside) = (tell.clone(), clock.clone());
        clock.advance(Duration::from_micros(17));
        let (first, mut run) = (clock.now() + HOUR, 0);
        let body = move || {
            tell.send((n, inside.now() == first + HOUR * run)).unwrap();
            run += 1;
        };
        s.every(HOUR, body).unwrap();
    }
    clock.advance(HOUR * 1000);
    assert!(clock.now() > began + HOUR * 1000);
    let runs: Vec<_> = told.try_iter().collect();
    assert_eq!(runs.len(), 50_000);
    assert!(runs.iter().all(|(_, on_grid)| *on_grid));
}

#[test]
fn a_hundred_thousand_in_one_instant_do_not_stall_the_clock() {
    let s = pool(2);
    let at = Instant::now() + Duration::from_millis(300);
    for _ in 0..100_000 {
        s.at(at, || ()).unwrap();
    }
    let (tell, told) = mpsc::channel();
    s.at(at + Duration::from_millis(1), move || tell.send(()).unwrap()).unwrap();
    next(&told);
    eventually("all have run", || s.info().jobs.completed == 100_001);
    assert_eq!(s.info().jobs.active, 0);
}

#[test]
fn wall_clock_jumps_move_what_is_planned_by_the_wall_clock_and_nothing_else() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let (by_wall, by_cron, by_grid) = (tell.clone(), tell.clone(), tell);
    let noon = clock.wall() + HOUR * 12;
    let at = s.at(noon, move || by_wall.send("at").unwrap()).unwrap();
    let cron = s.cron("0 12 * * *", move || by_cron.send("cron").unwrap()).unwrap();
    let every = s.every(HOUR * 5, move || by_grid.send("every").unwrap()).unwrap();
    assert_eq!([&at, &cron].map(|job| job.next_run()), [Some(When::Wall(noon)); 2]);
    // Put back: nothing comes, and nothing is lost.
    clock.set_wall(noon - HOUR * 20);
    clock.advance(HOUR * 4);
    assert!(told.try_recv().is_err());
    assert_eq!(at.next_run(), Some(When::Wall(noon)));
    clock.advance(HOUR);
    assert_eq!(next(&told), "every");
    // Put forward: what was passed runs once.
    clock.set_wall(noon + HOUR);
    let mut came: Vec<_> = told.try_iter().collect();
    came.sort_unstable();
    assert_eq!(came, ["at", "cron"]);
    assert_eq!((at.next_run(), cron.next_run()), (None, Some(When::Wall(noon + DAY))));
    assert_eq!(every.runs(), 1);
}

#[test]
fn cron_lines_go_by_their_zone() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let midnight = clock.wall();
    let inside = clock.clone();
    let line = Cron::parse("30 2 * * *").unwrap().tz("Europe/Prague");
    let job = s.cron(line, move || tell.send(inside.wall()).unwrap()).unwrap();
    clock.advance(DAY * 180);
    let runs: Vec<_> = told.try_iter().collect();
    assert_eq!(runs.len(), 180);
    assert_eq!(runs[0], midnight + HOUR + SECOND * 1800);
    // The clocks there go forward on the 26th of March.
    assert_eq!(runs[179], midnight + DAY * 179 + SECOND * 1800);
    assert!(runs.is_sorted() && job.cancel());
}
