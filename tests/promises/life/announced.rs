//! A stop that is announced: who hears of it, and that nothing is refused yet.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use atasker::{SupervisorState, background_task, background_worker};

use crate::support::{Gate, eventually, in_time, next, pool, start};

fn is_ready(future: &mut Pin<Box<impl Future<Output = ()>>>) -> bool {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn an_announcement_is_heard_and_refuses_nothing() {
    let s = pool(2);
    s.start().unwrap();
    let mut requested = Box::pin(s.stop_requested());
    assert!(!is_ready(&mut requested) && !s.is_stopping());
    s.request_stop();
    s.request_stop();
    assert!(is_ready(&mut requested) && s.is_stopping());
    assert_eq!(s.info().state, SupervisorState::Running);
    assert_eq!(start(&s, || 1).wait().unwrap(), 1);
    let queue = background_worker(|_: u8| ()).queue().supervisor(&s).start().unwrap();
    queue.put(1).unwrap();
    let report = s.stop();
    assert_eq!((report.complete, report.ran), (true, 1));
    assert_eq!(queue.info().runs, 1);
    assert!(s.is_stopping(), "it has ended, and did not begin anew");
}

#[test]
fn an_announcement_belongs_to_one_run() {
    let s = pool(1);
    s.start().unwrap();
    s.request_stop();
    let mut of_the_first = Box::pin(s.stop_requested());
    s.stop();
    // There is no run that this could be about.
    s.request_stop();
    s.start().unwrap();
    assert!(!s.is_stopping());
    assert!(!is_ready(&mut Box::pin(s.stop_requested())));
    assert!(!is_ready(&mut of_the_first), "polled first in the second run");
}

#[test]
fn one_that_was_never_started_keeps_it_for_its_first_run() {
    let s = pool(1);
    s.request_stop();
    assert!(s.is_stopping() && is_ready(&mut Box::pin(s.stop_requested())));
    assert_eq!(s.info().state, SupervisorState::Created);
    assert_eq!(start(&s, || 1).wait().unwrap(), 1);
    assert!(s.is_stopping());
    s.stop();
    s.start().unwrap();
    assert!(!s.is_stopping());
}

#[test]
fn a_stop_without_an_announcement_is_one() {
    let s = pool(1);
    s.start().unwrap();
    let (gate, _running) = s.occupy(1, atasker::Priority::Normal);
    let stopping = (*s).clone();
    let stop = std::thread::spawn(move || stopping.stop());
    eventually("it is seen", || s.is_stopping());
    gate.open();
    assert!(stop.join().unwrap().complete);
    let never_started = pool(1);
    never_started.stop();
    assert!(never_started.is_stopping());
}

#[test]
fn block_returns_at_the_announcement_inside_and_at_the_end_outside() {
    let s = pool(1);
    let (gate, inside) = (Gate::new(), (*s).clone());
    let keeps = gate.clone();
    let body = move || {
        inside.block();
        keeps.wait();
    };
    let (tell, told) = std::sync::mpsc::channel();
    let task = background_task(body).supervisor(&s).start();
    let outside = (*s).clone();
    let outside = std::thread::spawn(move || {
        outside.block();
        tell.send(()).unwrap();
    });
    s.request_stop();
    gate.open();
    in_time(move || task.wait()).unwrap();
    assert!(told.try_recv().is_err());
    s.stop();
    next(&told);
    outside.join().unwrap();
}

#[test]
fn a_body_from_inside_may_announce() {
    let s = pool(1);
    let inside = (*s).clone();
    let body = move || {
        inside.request_stop();
        inside.block();
        inside.is_stopping()
    };
    assert!(in_time({
        let task = background_task(body).supervisor(&s).start();
        move || task.wait().unwrap()
    }));
    assert_eq!(s.info().state, SupervisorState::Running);
}

/// Counts how often it wakes.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_stop_of_one_that_was_never_started_wakes_who_waits_for_it() {
    let s = pool(1);
    let wakes = Arc::<Counting>::default();
    let waker = Waker::from(Arc::clone(&wakes));
    let mut requested = Box::pin(s.stop_requested());
    assert!(requested.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    s.stop();
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    assert!(is_ready(&mut requested));
}

#[test]
fn those_who_wait_for_a_stop_sleep_through_everything_else() {
    const WAITING: usize = 20_000;
    let s = pool(1);
    s.start().unwrap();
    let wakes = Arc::<Counting>::default();
    let waker = Waker::from(Arc::clone(&wakes));
    let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(s.stop_requested())).collect();
    for requested in &mut waiting {
        assert!(requested.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    for _ in 0..100 {
        start(&s, || ()).wait().unwrap();
        background_worker(|| ()).event().supervisor(&s).start().unwrap().stop();
    }
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    s.request_stop();
    assert_eq!(wakes.0.load(Ordering::SeqCst), WAITING);
    assert!(waiting.iter_mut().all(is_ready));
}

#[test]
fn many_who_wait_for_a_stop_cost_no_more_each() {
    let s = pool(1);
    s.start().unwrap();
    let inside = (*s).clone();
    // The last ones are polled again and leave first: what looks for them from the front, or moves all behind the first to
    // leave, does not end within a test's patience.
    in_time(move || {
        let mut waiting: Vec<_> = (0..400_000).map(|_| Box::pin(inside.stop_requested())).collect();
        assert!(!waiting.iter_mut().any(is_ready));
        assert!(!waiting.iter_mut().rev().any(is_ready));
        waiting.into_iter().rev().for_each(drop);
    });
}
