//! No user code runs on the clock's thread: what a moment brings is done by the pool, and delays no other moment.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use atasker::{Config, Supervisor, Task, background_future, background_task, background_worker};

use crate::support::{OnDrop, eventually, in_time, next, pool, supervisor};

const SOON: Duration = Duration::from_millis(5);

/// Where user code was called.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<String>>>);

impl Threads {
    fn note(&self) {
        self.0.lock().unwrap().push(thread::current().name().unwrap_or("unnamed").to_owned());
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    fn assert_none_is_the_clock(&self) {
        let threads = self.0.lock().unwrap();
        assert!(!threads.iter().any(|thread| thread.ends_with("-clock")), "{threads:?}");
    }
}

/// A waker that does something wherever it is woken.
struct Does<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Does<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn waker(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Arc::new(Does(f)).into()
}

fn poll<T>(task: &mut Task<T>, waker: &Waker) -> Poll<Result<T, atasker::TaskError>> {
    Pin::new(task).poll(&mut Context::from_waker(waker))
}

#[test]
fn no_waker_is_woken_on_the_clock_s_thread() {
    in_time(|| {
        let s = pool(1);
        let threads = Threads::default();
        let noting = threads.clone();
        let noting = waker(move || noting.note());
        let mut plain = background_task(|| 1).delay(SOON).supervisor(&s).start();
        let mut asynchronous = background_future(async { 2 }).delay(SOON).supervisor(&s).start();
        assert!(poll(&mut plain, &noting).is_pending() && poll(&mut asynchronous, &noting).is_pending());
        eventually("both have ended", || plain.is_finished() && asynchronous.is_finished());
        eventually("it was woken", || !threads.is_empty());
        threads.assert_none_is_the_clock();
    });
}

/// It is called for a task that is due and one that the end of its runtime cuts off.
#[test]
fn a_waker_that_stops_the_supervisor_ends_all() {
    in_time(|| {
        let s = pool(1);
        let stopping = Supervisor::clone(&s);
        let (tell, told) = mpsc::channel();
        let stops = waker(move || tell.send(stopping.stop().complete).unwrap());
        let mut task = background_task(|| ()).delay(SOON).supervisor(&s).start();
        assert!(poll(&mut task, &stops).is_pending());
        assert!(!next(&told), "it only asks");
        assert!(s.stop().complete);
    });
}

/// A waker that takes long makes no worker late: that is run in its time by another thread.
#[test]
fn a_waker_that_blocks_holds_up_no_deadline() {
    in_time(|| {
        let s = pool(2);
        let (go, gone) = mpsc::channel::<()>();
        let (go, gone) = (Mutex::new(Some(go)), Mutex::new(gone));
        let blocks = waker(move || _ = gone.lock().unwrap().recv());
        let mut task = background_task(|| ()).delay(SOON).supervisor(&s).start();
        assert!(poll(&mut task, &blocks).is_pending());
        let (tell, told) = mpsc::channel();
        let ticks = background_worker(move || tell.send(()).unwrap()).interval(SOON).supervisor(&s).start().unwrap();
        eventually("it has ended", || task.is_finished());
        (0..5).for_each(|_| next(&told));
        drop(go.lock().unwrap().take());
        ticks.stop();
    });
}

/// Nobody has its handle, and its end comes as the clock lets it go.
#[test]
fn what_a_due_task_leaves_is_not_dropped_on_the_clock_s_thread() {
    in_time(|| {
        let s = pool(2);
        let threads = Threads::default();
        for _ in 0..500 {
            let noting = threads.clone();
            let left = OnDrop::new(move || noting.note());
            background_task(move || left).delay(Duration::from_micros(50)).supervisor(&s).detach();
        }
        s.stop();
        threads.assert_none_is_the_clock();
    });
}

/// The runtime that the lane was lent is gone when the task is due.
#[test]
fn what_a_dead_runtime_cuts_off_is_not_dropped_on_the_clock_s_thread() {
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let s = supervisor(Config::new());
        s.set_runtime(runtime.handle().clone()).unwrap();
        let threads = Threads::default();
        let noting = threads.clone();
        let captured = OnDrop::new(move || noting.note());
        let body = async move { drop(captured) };
        let task = background_future(body).delay(Duration::from_millis(50)).supervisor(&s).start();
        let mut worker_body = Some(OnDrop::new({
            let noting = threads.clone();
            move || noting.note()
        }));
        let worker = background_worker(move || {
            let kept = worker_body.take();
            async move { drop(kept) }
        });
        // Its handle would keep the body.
        drop(worker.interval(SOON).initial(Duration::from_millis(50)).supervisor(&s).start().unwrap());
        runtime.shutdown_background();
        assert!(task.wait().is_err());
        eventually("what both had is gone", || threads.0.lock().unwrap().len() == 2);
        threads.assert_none_is_the_clock();
    });
}
