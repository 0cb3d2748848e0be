//! Light jobs: closures on the clock.

mod ends;
mod times;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use atasker::{Error, Job, background_task, is_cancelled};

use crate::support::{Drops, Gate, Latch, clocked_pool, eventually, next, pool};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn it_runs_first_after_one_period_and_then_on_its_grid() {
    let (s, clock) = clocked_pool(1);
    let began = clock.now();
    let (tell, told) = mpsc::channel();
    let inside = clock.clone();
    let job = s.every(SECOND, move || tell.send(inside.now()).unwrap()).unwrap();
    clock.run_until_idle();
    assert!(told.try_recv().is_err() && job.runs() == 0);
    assert_eq!(job.next_run(), Some((began + SECOND).into()));
    clock.advance(HOUR);
    let runs: Vec<_> = told.try_iter().collect();
    assert_eq!(runs, (1..=3600).map(|n| began + SECOND * n).collect::<Vec<_>>());
    assert_eq!((job.runs(), job.next_run()), (3600, Some((clock.now() + SECOND).into())));
}

#[test]
fn it_never_runs_twice_at_once_and_what_passes_meanwhile_is_missed() {
    let (s, clock) = clocked_pool(4);
    let began = clock.now();
    let (gate, running) = (Gate::new(), Latch::new(1));
    let (held, told_running) = (gate.clone(), running.clone());
    let job = s
        .every(SECOND, move || {
            told_running.count_down();
            held.wait();
        })
        .unwrap();
    clock.jump(SECOND);
    running.wait();
    clock.jump(SECOND * 5 + SECOND / 2);
    assert_eq!((job.runs(), job.next_run()), (1, None));
    gate.open();
    clock.run_until_idle();
    assert_eq!((job.runs(), job.next_run()), (1, Some((began + SECOND * 7).into())));
    clock.advance(SECOND);
    assert_eq!(job.runs(), 2);
}

#[test]
fn a_panic_is_counted_and_the_job_lives_on() {
    let (s, clock) = clocked_pool(1);
    let mut runs = 0;
    let job = s
        .every(SECOND, move || {
            runs += 1;
            assert!(runs % 2 == 0, "an odd run");
        })
        .unwrap();
    let once = s.at(clock.now() + SECOND, || panic!("once")).unwrap();
    clock.advance(SECOND * 10);
    assert_eq!((job.runs(), once.runs(), once.is_active()), (10, 1, false));
    let jobs = s.info().jobs;
    assert_eq!((jobs.started, jobs.active, jobs.completed), (2, 1, 1));
    assert_eq!((jobs.runs, jobs.panicked), (11, 6));
}

#[test]
fn a_handle_cancels_and_dropping_it_does_not() {
    let (s, clock) = clocked_pool(1);
    let drops = Drops::new();
    let (kept, value) = (drops.value(), drops.value());
    let job = s.every(SECOND, move || _ = &kept).unwrap();
    drop(s.every(SECOND, move || _ = &value).unwrap());
    clock.advance(SECOND);
    assert_eq!(s.info().jobs.runs, 2);
    assert!(job.is_active() && job.clone().cancel());
    assert!(!job.is_active() && !job.cancel() && job.next_run().is_none());
    assert_eq!(drops.count(), 1);
    clock.advance(SECOND);
    assert_eq!((job.runs(), s.info().jobs.runs), (1, 3));
    s.stop();
    assert_eq!(drops.count(), 2);
}

#[test]
fn no_run_starts_after_a_cancel_and_the_one_under_way_sees_it() {
    let (s, clock) = clocked_pool(2);
    let drops = Drops::new();
    let (gate, running) = (Gate::new(), Latch::new(1));
    let (held, told_running, value) = (gate.clone(), running.clone(), drops.value());
    let (tell, told) = mpsc::channel();
    let job = s
        .every(SECOND, move || {
            _ = &value;
            told_running.count_down();
            held.wait();
            tell.send(is_cancelled()).unwrap();
        })
        .unwrap();
    clock.jump(SECOND);
    running.wait();
    assert!(job.cancel());
    assert_eq!(drops.count(), 0);
    gate.open();
    assert!(next(&told));
    clock.advance(SECOND * 3);
    assert_eq!((job.runs(), drops.count(), s.info().jobs.cancelled), (1, 1, 1));
}

#[test]
fn jobs_cancel_themselves_and_start_others_from_their_own_bodies() {
    let (s, clock) = clocked_pool(1);
    let own: Arc<Mutex<Option<Job>>> = Arc::default();
    let (mine, runs) = (Arc::clone(&own), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&runs);
    let job = s
        .every(SECOND, move || {
            if count.fetch_add(1, Ordering::SeqCst) == 2 {
                assert!(mine.lock().unwrap().as_ref().unwrap().cancel());
            }
        })
        .unwrap();
    *own.lock().unwrap() = Some(job.clone());
    clock.advance(SECOND * 10);
    assert_eq!((runs.load(Ordering::SeqCst), job.is_active()), (3, false));

    fn again(s: &atasker::Supervisor, clock: &atasker::TestClock, left: u32, done: mpsc::Sender<()>) {
        let (supervisor, inside) = (s.clone(), clock.clone());
        let body = move || match left {
            0 => done.send(()).unwrap(),
            _ => again(&supervisor, &inside, left - 1, done),
        };
        s.at(clock.now() + SECOND, body).unwrap();
    }
    let (done, when_done) = mpsc::channel();
    let began = clock.now();
    again(&s, &clock, 1000, done);
    while when_done.try_recv().is_err() {
        assert_eq!(clock.advance_to_next(), Some(SECOND));
    }
    assert_eq!(clock.now(), began + SECOND * 1001);
}

#[test]
fn a_body_may_wait_for_tasks_of_a_full_pool() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let inside = s.clone();
    s.every(SECOND, move || tell.send(background_task(|| 7).supervisor(&inside).start().wait()).unwrap()).unwrap();
    clock.advance(SECOND);
    assert_eq!(next(&told).unwrap(), 7);
}

#[test]
fn a_job_that_blocks_keeps_nobody_from_other_threads() {
    let s = pool(2);
    let gate = Gate::new();
    let at = Instant::now() + Duration::from_millis(150);
    let (tell, told) = mpsc::channel();
    // Many of one moment, so that they share an entry of the queue.
    for n in 0..100 {
        let (gate, tell) = (gate.clone(), tell.clone());
        let body = move || if n == 0 { gate.wait() } else { tell.send(n).unwrap() };
        s.at(at, body).unwrap();
    }
    let others: Vec<i32> = (1..100).map(|_| next(&told)).collect();
    assert_eq!(others.len(), 99);
    gate.open();
    eventually("all have ended", || s.info().jobs.completed == 100);
}

#[test]
fn a_job_stands_in_line_with_what_the_pool_has_to_do() {
    let s = pool(1);
    let (gate, blockers) = s.occupy(1, atasker::Priority::Normal);
    let (tell, told) = mpsc::channel();
    let telling = tell.clone();
    s.at(Instant::now(), move || telling.send("job").unwrap()).unwrap();
    eventually("it waits for a place", || s.info().queued[atasker::Priority::Normal] == 1);
    let high = background_task(move || tell.send("high").unwrap()).priority(atasker::Priority::High).supervisor(&s);
    let high = high.start();
    gate.open();
    assert_eq!((next(&told), next(&told)), ("high", "job"));
    high.wait().unwrap();
    blockers.into_iter().for_each(|blocker| blocker.wait().unwrap());
}

#[test]
fn a_period_of_zero_is_an_error() {
    let (s, _clock) = clocked_pool(1);
    let drops = Drops::new();
    let value = drops.value();
    let error = s.every(Duration::ZERO, move || _ = &value).unwrap_err();
    assert!(matches!(&error, Error::Config(config) if config.to_string().contains("every")), "{error}");
    let error = s.cron("0 9 * * Mno", || ()).unwrap_err();
    assert!(matches!(&error, Error::Config(config) if config.to_string().contains("Mon")), "{error}");
    assert_eq!((drops.count(), s.info().jobs.started), (1, 0));
}
