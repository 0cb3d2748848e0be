//! What becomes of light jobs when their supervisor stops, and what is left of them.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{Error, JobTotals, Supervisor};

use super::{HOUR, SECOND};
use crate::support::{
    Drops, Gate, Latch, OnDrop, child_ends_with, clocked_pool, eventually, in_limited_child, next, pool, returns,
};

fn at_rest(jobs: JobTotals) -> bool {
    jobs.started == jobs.active + jobs.completed + jobs.cancelled
}

#[test]
fn a_stop_ends_all_and_drops_their_bodies() {
    for now in [false, true] {
        let s = pool(1);
        let drops = Drops::new();
        let jobs: Vec<_> = (0..100)
            .map(|n| {
                let value = drops.value();
                if n % 2 == 0 {
                    s.every(HOUR, move || _ = &value)
                } else {
                    s.at(Instant::now() + HOUR, move || _ = &value)
                }
            })
            .collect::<Result<_, _>>()
            .unwrap();
        let stopper = Supervisor::clone(&s);
        assert!(returns(move || if now { stopper.stop_now() } else { stopper.stop() }).complete);
        assert_eq!(drops.count(), 100);
        assert!(jobs.iter().all(|job| !job.is_active() && !job.cancel() && job.next_run().is_none()));
        let totals = s.info().jobs;
        assert!(at_rest(totals) && totals.cancelled == 100 && totals.runs == 0, "{totals:?}");
        assert!(matches!(s.every(SECOND, || ()), Err(Error::Stopped)));
        assert!(matches!(s.at(Instant::now(), || ()), Err(Error::Stopped)));
        assert!(matches!(s.cron("@daily", || ()), Err(Error::Stopped)));
    }
}

#[test]
fn they_do_not_come_back_with_their_supervisor() {
    let (s, clock) = clocked_pool(1);
    let job = s.every(SECOND, || ()).unwrap();
    clock.advance(SECOND * 2);
    s.stop();
    s.start().unwrap();
    clock.advance(SECOND * 5);
    assert_eq!((job.runs(), job.is_active()), (2, false));
    let again = s.every(SECOND, || ()).unwrap();
    clock.advance(SECOND);
    assert_eq!(again.runs(), 1);
}

#[test]
fn what_is_due_and_queued_is_accounted_for_by_a_stop() {
    for now in [false, true] {
        let s = pool(1);
        let (gate, _blockers) = s.occupy(1, atasker::Priority::Normal);
        let drops = Drops::new();
        for _ in 0..10 {
            let value = drops.value();
            s.at(Instant::now(), move || _ = &value).unwrap();
        }
        eventually("some wait for the place", || s.info().queued[atasker::Priority::Normal] > 0);
        let stopper = Supervisor::clone(&s);
        let stop = std::thread::spawn(move || if now { stopper.stop_now() } else { stopper.stop() });
        eventually("the stop is on its way", || matches!(s.every(SECOND, || ()), Err(Error::Stopped)));
        gate.open();
        assert!(stop.join().unwrap().complete);
        let totals = s.info().jobs;
        assert!(at_rest(totals) && totals.active == 0, "{totals:?}");
        assert_eq!(drops.count(), 10);
        if !now {
            assert!(totals.completed > 0, "{totals:?}");
        }
    }
}

#[test]
fn jobs_that_wait_for_each_other_do_not_hold_a_stop_up() {
    for _ in 0..20 {
        let s = pool(3);
        let at = Instant::now() + Duration::from_millis(120);
        let (running, all) = (Latch::new(1), Latch::new(3));
        for _ in 0..3 {
            let (running, all) = (running.clone(), all.clone());
            let body = move || {
                running.count_down();
                all.count_down();
                all.wait();
            };
            s.at(at, body).unwrap();
        }
        running.wait();
        let stopper = Supervisor::clone(&s);
        assert!(returns(move || stopper.stop()).complete);
        assert_eq!(s.info().jobs.completed, 3);
    }
}

#[test]
fn a_run_that_a_stop_gave_up_on_is_named_and_the_job_is_over() {
    fn a_long_job(running: &Latch, gate: &Gate) {
        running.count_down();
        gate.wait();
    }
    let s = pool(1);
    let (gate, running) = (Gate::new(), Latch::new(1));
    let (held, told_running) = (gate.clone(), running.clone());
    let job = s.every(Duration::from_millis(1), move || a_long_job(&told_running, &held)).unwrap();
    running.wait();
    let report = s.stop_timeout(Duration::from_millis(20));
    assert!(!report.complete);
    assert!(report.abandoned[0].name.contains("a_run_that_a_stop_gave_up_on"), "{report}");
    s.start().unwrap();
    gate.open();
    eventually("it has ended", || !job.is_active());
    assert_eq!(job.runs(), 1);
    assert!(at_rest(s.info().jobs));
}

#[test]
fn those_behind_a_run_that_was_given_up_on_do_not_come_back() {
    let s = pool(1);
    let at = Instant::now() + Duration::from_millis(120);
    let (gate, running) = (Gate::new(), Latch::new(1));
    let jobs: Vec<_> = (0..10)
        .map(|_| {
            let (gate, running) = (gate.clone(), running.clone());
            let body = move || {
                running.count_down();
                gate.wait();
            };
            s.at(at, body).unwrap()
        })
        .collect();
    running.wait();
    assert!(!s.stop_timeout(Duration::from_millis(5)).complete);
    s.start().unwrap();
    gate.open();
    eventually("all have ended", || jobs.iter().all(|job| !job.is_active()) && s.info().jobs.active == 0);
    assert_eq!(jobs.iter().map(|job| job.runs()).sum::<u64>(), 1);
}

#[test]
fn a_stop_in_a_body_or_in_its_drop_only_asks() {
    let (s, clock) = clocked_pool(1);
    let inside = Supervisor::clone(&s);
    let (tell, told) = mpsc::channel();
    let telling = tell.clone();
    s.at(clock.now(), move || telling.send(inside.stop().complete).unwrap()).unwrap();
    clock.run_until_idle();
    assert!(!next(&told));
    s.block();

    let s = pool(1);
    let inside = Supervisor::clone(&s);
    let value = OnDrop::new(move || tell.send(inside.stop().complete).unwrap());
    let job = s.every(HOUR, move || _ = &value).unwrap();
    assert!(returns(move || job.cancel()));
    assert!(!next(&told));
    s.block();
}

#[test]
fn cancels_and_stops_at_random_leave_nothing() {
    let s = pool(3);
    for _ in 0..20 {
        s.start().unwrap();
        let drops = Drops::new();
        let jobs: Vec<_> = (0..300_u64)
            .map(|n| {
                let value = drops.value();
                s.every(Duration::from_micros(1 + n % 700), move || _ = &value).unwrap()
            })
            .collect();
        std::thread::scope(|scope| {
            for part in jobs.chunks(100) {
                scope.spawn(move || {
                    for job in part {
                        if job.cancel() {
                            assert!(!job.is_active());
                        }
                    }
                });
            }
            scope.spawn(|| s.stop());
        });
        s.stop();
        assert!(jobs.iter().all(|job| !job.is_active()));
        assert_eq!(drops.count(), 300);
        let totals = s.info().jobs;
        assert!(at_rest(totals) && totals.active == 0, "{totals:?}");
    }
}

#[test]
fn a_fork_refuses_them() {
    if !in_limited_child() {
        child_ends_with("jobs::ends::a_fork_refuses_them", 0);
        return;
    }
    let s = pool(1);
    let job = s.every(Duration::from_micros(100), || ()).unwrap();
    // SAFETY: the child calls nothing but what is tried here, and ends.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let refused = matches!(s.every(SECOND, || ()), Err(Error::Forked)) && !job.cancel() && !job.is_active();
        // SAFETY: ends the process.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for that child.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
    assert!(job.cancel());
}
