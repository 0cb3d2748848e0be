//! What a task's handle tells and collects.

mod cancel;
mod futures;
mod many;

use std::error::Error as StdError;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use atasker::{Config, Error, Priority, Task, TaskError, TaskStatus, WaitError, background_task};

use crate::support::{Drops, Gate, PATIENCE, eventually, in_time, pool, start, supervisor};

const A_MOMENT: Duration = Duration::from_millis(20);

#[test]
fn the_status_follows_the_task() {
    let s = pool(1);
    let (gate, mut running) = s.occupy(1, Priority::Normal);
    let running = running.remove(0);
    let status = |task: &Task<()>| (task.status(), task.is_finished(), task.info().status);

    let delayed = background_task(|| ()).delay(Duration::MAX).supervisor(&s).start();
    let (queued, panics, cancelled) = (start(&s, || ()), start(&s, || panic!("as told")), start(&s, || ()));
    cancelled.cancel();
    assert_eq!(status(&delayed), (TaskStatus::Delayed, false, TaskStatus::Delayed));
    assert_eq!(status(&queued), (TaskStatus::Queued, false, TaskStatus::Queued));
    assert_eq!(status(&running), (TaskStatus::Running, false, TaskStatus::Running));
    assert_eq!(status(&cancelled), (TaskStatus::Cancelled, true, TaskStatus::Cancelled));
    gate.open();
    eventually("both have ended", || queued.is_finished() && panics.is_finished());
    assert_eq!(status(&running), (TaskStatus::Completed, true, TaskStatus::Completed));
    assert_eq!(status(&queued), (TaskStatus::Completed, true, TaskStatus::Completed));
    assert_eq!(status(&panics), (TaskStatus::Panicked, true, TaskStatus::Panicked));
    s.stop();
    assert_eq!(status(&delayed), (TaskStatus::Cancelled, true, TaskStatus::Cancelled));
    assert_eq!(status(&start(&s, || ())), (TaskStatus::Rejected, true, TaskStatus::Rejected));
}

#[test]
fn wait_timeout_gives_the_task_back_and_is_never_early() {
    let s = pool(1);
    let gate = Gate::new();
    let opened = gate.clone();
    let task = start(&s, move || {
        opened.wait();
        5
    });
    let id = task.id();
    let before = Instant::now();
    let Err(WaitError::NotReady(task)) = task.wait_timeout(A_MOMENT) else { panic!("it can't be ready") };
    assert!(before.elapsed() >= A_MOMENT);
    assert_eq!(task.id(), id);
    let Err(WaitError::NotReady(task)) = task.wait_timeout(Duration::ZERO) else { panic!("it can't be ready") };
    gate.open();
    assert_eq!(task.wait_timeout(Duration::MAX).unwrap(), 5);
}

#[test]
fn wait_timeout_collects_what_has_ended_without_waiting() {
    let s = pool(1);
    let (done, failed) = (start(&s, || 5), start(&s, || -> u8 { panic!("as told") }));
    eventually("both have ended", || done.is_finished() && failed.is_finished());
    assert_eq!(done.wait_timeout(Duration::ZERO).unwrap(), 5);
    let error = failed.wait_timeout(Duration::ZERO).unwrap_err();
    assert!(matches!(error, WaitError::Failed(TaskError::Panicked(panic)) if panic.message() == "as told"));
}

#[test]
fn wait_timeout_ends_with_the_task() {
    in_time(|| {
        let s = pool(1);
        let gate = Gate::new();
        let opened = gate.clone();
        let task = start(&s, move || {
            opened.wait();
            5
        });
        thread::scope(|scope| {
            let waiter = scope.spawn(|| task.wait_timeout(Duration::from_secs(1_000_000)));
            gate.open();
            assert_eq!(waiter.join().unwrap().unwrap(), 5);
        });
    });
}

#[test]
fn try_result_gives_the_task_back_until_it_has_ended() {
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let task = start(&s, || 5);
    let Err(WaitError::NotReady(mut task)) = task.try_result() else { panic!("it can't be ready") };
    gate.open();
    let value = loop {
        match task.try_result() {
            Ok(value) => break value,
            Err(WaitError::NotReady(back)) => task = back,
            Err(error) => panic!("{error}"),
        }
        thread::yield_now();
    };
    assert_eq!(value, 5);
    let failed = start(&s, || -> u8 { panic!("as told") });
    eventually("it has ended", || failed.is_finished());
    assert!(matches!(failed.try_result(), Err(WaitError::Failed(TaskError::Panicked(_)))));
}

#[test]
fn a_result_is_dropped_once_by_whoever_has_it_last() {
    let s = pool(1);
    let drops = Drops::new();
    let result = |drops: &Drops| {
        let value = drops.value();
        start(&s, move || value)
    };
    let value = result(&drops).wait().unwrap();
    assert_eq!(drops.count(), 0);
    drop(value);
    assert_eq!(drops.count(), 1);
    let task = result(&drops);
    eventually("it has ended", || task.is_finished());
    drop(task);
    // By the thread that ran it, where that lets go last.
    eventually("it is dropped", || drops.count() == 2);
}

#[test]
fn info_tells_times_only_where_they_are_asked_for() {
    let s = pool(1);
    let task = start(&s, || ());
    eventually("it has ended", || task.is_finished());
    let info = task.info();
    assert_eq!((info.id, info.name.as_str()), (task.id(), task.name()));
    assert_eq!((info.submitted_at, info.started_at, info.finished_at), (None, None, None));

    s.set_config(s.config().task_times(true)).unwrap();
    let before = Instant::now();
    let task = start(&s, Instant::now);
    eventually("it has ended", || task.is_finished());
    let info = task.info();
    let (submitted, started) = (info.submitted_at.unwrap(), info.started_at.unwrap());
    let ran = task.wait().unwrap();
    assert!(before <= submitted && submitted <= started && started <= ran && ran <= info.finished_at.unwrap());
}

#[test]
fn info_tells_only_the_times_that_have_come() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0).task_times(true));
    let (gate, running) = s.occupy(1, Priority::Normal);
    let times = |task: &Task<()>| {
        let info = task.info();
        (info.submitted_at.is_some(), info.started_at.is_some(), info.finished_at.is_some())
    };
    assert_eq!(times(&running[0]), (true, true, false));
    let queued = start(&s, || ());
    assert_eq!(times(&queued), (true, false, false));
    queued.cancel();
    assert_eq!(times(&queued), (true, false, true));
    let delay = Duration::from_millis(5);
    let delayed = background_task(|| ()).delay(delay).supervisor(&s).start();
    gate.open();
    eventually("it has ended", || delayed.is_finished());
    let info = delayed.info();
    assert!(info.started_at.unwrap() - info.submitted_at.unwrap() >= delay);
}

#[test]
fn a_task_that_ends_wakes_the_one_who_waits() {
    let s = pool(2);
    in_time(move || {
        for round in 0..5_000 {
            let (tell, told) = mpsc::channel::<()>();
            let task = start(&s, move || told.recv().is_ok());
            // The result comes before, during and after the way to sleep.
            let teller = start(&s, move || {
                (0..round % 50).for_each(|_| std::hint::spin_loop());
                tell.send(()).unwrap();
            });
            assert!(task.wait().unwrap());
            teller.wait().unwrap();
        }
    });
}

#[test]
fn a_task_may_be_waited_for_on_another_thread_than_it_was_started_on() {
    let s = pool(1);
    let task = start(&s, || 5);
    assert_eq!(thread::spawn(move || task.wait().unwrap()).join().unwrap(), 5);
}

#[test]
fn a_thread_s_own_park_token_is_left_alone() {
    in_time(|| {
        let s = pool(1);
        thread::current().unpark();
        start(&s, || ()).wait().unwrap();
        thread::park(); // returns at once: the wait has not taken the token
        start(&s, || {
            thread::current().unpark();
            thread::park();
        })
        .wait_timeout(PATIENCE)
        .unwrap();
    });
}

#[test]
fn errors_are_errors_and_handles_can_be_shared() {
    fn is_error<E: StdError + Send + Sync + 'static>() {}
    fn is_shared<T: Send + Sync + Unpin + 'static>() {}
    is_error::<TaskError>();
    is_error::<Error>();
    is_shared::<Task<std::cell::Cell<u8>>>();
    is_shared::<Task<mpsc::Receiver<u8>>>();
}

#[test]
fn every_error_of_a_task_converts_and_says_what_to_do() {
    fn not_ready(s: &atasker::Supervisor) -> atasker::Result<u8> {
        Ok(background_task(|| 5).delay(Duration::MAX).supervisor(s).start().try_result()?)
    }
    fn rejected(s: &atasker::Supervisor) -> atasker::Result<u8> {
        s.stop();
        Ok(start(s, || 5).wait()?)
    }
    struct NoDebug;
    let s = pool(1);
    let error = background_task(|| NoDebug).delay(Duration::MAX).supervisor(&s).start().try_result().err().unwrap();
    assert!(format!("{error:?} {error}").contains("not ready"));
    drop(error);
    assert!(matches!(not_ready(&s), Err(Error::NotReady)));
    let error = rejected(&s).unwrap_err();
    assert!(matches!(error, Error::Task(TaskError::Rejected)));
    assert!(error.source().is_none(), "what is below it stands in its text");
    assert!(error.to_string().contains("stopped"), "{error}");
    assert!(TaskError::Deadlock.to_string().contains("wait for itself"));
    assert!(TaskError::Cancelled.to_string().contains("cancelled"));
    assert!(TaskError::WouldBlock.to_string().contains(".await"));
}

#[test]
fn debug_tells_who_it_is() {
    let s = pool(1);
    let task = background_task(|| ()).name("report").delay(Duration::MAX).supervisor(&s).start();
    let text = format!("{task:?}");
    assert!(text.contains("report") && text.contains("Delayed") && text.contains("Normal"), "{text}");
}

/// What a task is kept in serves for one task after the other: of other types, started elsewhere, collected or not.
#[test]
fn no_task_gets_what_another_has_left() {
    let s = pool(3);
    let one_after_the_other = |thread: u64| {
        let mut kept = Vec::new();
        for n in (0..20_000_u64).map(|n| n * 4 + thread) {
            let text = n.to_string();
            let words = [n; 9];
            let (number, string) = (start(&s, move || n), start(&s, move || text));
            let (large, dropped) = (start(&s, move || words), start(&s, move || [n; 4]));
            drop(dropped);
            let cancelled = start(&s, move || Box::new(n));
            cancelled.cancel();
            assert_eq!(number.wait().unwrap(), n);
            match cancelled.wait() {
                Ok(boxed) => assert_eq!(*boxed, n),
                Err(error) => assert!(matches!(error, TaskError::Cancelled)),
            }
            kept.push((n, string));
            if n % 7 == 0 {
                assert_eq!(large.wait().unwrap(), words);
            }
            if kept.len() == 50 {
                kept.drain(..).for_each(|(n, string)| assert_eq!(string.wait().unwrap(), n.to_string()));
            }
        }
    };
    let one_after_the_other = &one_after_the_other;
    thread::scope(|scope| (0..4).for_each(|thread| _ = scope.spawn(move || one_after_the_other(thread))));
}
