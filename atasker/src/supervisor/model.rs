//! The protocols of a whole supervisor: start, stop, spawn, put and trigger from many threads at once.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::owner::Owner;
use crate::pool;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, check_model, thread};
use crate::time::Deadline;
use crate::wait::{Stay, WaitList, block_until};
use crate::waits::{Awaited, Donor, Edge, Served};
use crate::{
    CancelOutcome, Config, PutError, QueueWorker, ScheduleContext, Supervisor, TaskError, When, WorkerState,
    background_task, background_worker,
};

/// Of a body that belongs to no supervisor.
const NOBODYS: Owner = Owner { pool: 0, lane: 0 };

fn supervisor() -> Supervisor {
    let config = Config::new().pool_size(1).reserve_normal(0).reserve_high(0);
    Supervisor::new("model", config).expect("a sound configuration")
}

/// A queue worker with room for one item, and the count of items it has seen.
fn counting(s: &Supervisor) -> (Arc<AtomicUsize>, QueueWorker<usize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let body = move |_: usize| _ = count.fetch_add(1, Ordering::SeqCst);
    let worker = background_worker(body).queue_bounded(1).supervisor(s).start().expect("starts");
    (seen, worker)
}

/// Tasks that race with a stop run, or are refused; their handles tell which, and the counts agree.
#[test]
fn spawn_and_stop() {
    check_model(|| {
        let s = supervisor();
        let spawner = thread::spawn({
            let s = s.clone();
            move || {
                let results = (0..2).map(|_| background_task(|| ()).supervisor(&s).start().wait());
                results.filter(|result| !matches!(result, Err(TaskError::Rejected))).count() as u64
            }
        });
        let stopper = thread::spawn({
            let s = s.clone();
            move || s.stop()
        });
        let report = s.stop();
        let ran = spawner.join().expect("spawned");
        assert_eq!(stopper.join().expect("stopped"), report, "everyone gets the same report");
        assert!(report.complete);
        assert_eq!(report.ran, ran);
        assert_eq!(s.info().threads, 0);
    });
}

/// A task that is cancelled while its supervisor stops is in the report as what its handle was told.
#[test]
fn cancel_and_stop() {
    check_model(|| {
        let s = supervisor();
        let task = background_task(|| ()).supervisor(&s).start();
        let canceller = thread::spawn(move || task.cancel());
        let report = s.stop();
        let cancelled = u64::from(canceller.join().expect("cancelled") == CancelOutcome::Dequeued);
        assert_eq!((report.ran, report.cancelled), (1 - cancelled, cancelled));
    });
}

/// A body spawns while a stop gives up on its thread: what it spawned ends, one way or the other.
#[test]
fn spawn_inside_and_give_up() {
    check_model(|| {
        let s = supervisor();
        let inner = s.clone();
        let outer = background_task(move || background_task(|| ()).supervisor(&inner).start()).supervisor(&s).start();
        let stopper = thread::spawn({
            let s = s.clone();
            move || s.stop_timeout(std::time::Duration::ZERO)
        });
        if let Ok(spawned) = outer.wait() {
            // Ran, cancelled or refused; without an end the model would deadlock here.
            _ = spawned.wait();
        }
        stopper.join().expect("stopped");
    });
}

/// Items that race with a stop of their worker are run or come back.
#[test]
fn put_and_stop() {
    check_model(|| {
        let s = supervisor();
        let (seen, worker) = counting(&s);
        let putter = thread::spawn({
            let worker = worker.clone();
            move || (0..3).filter(|&item| worker.put(item).is_ok()).count()
        });
        let early = usize::from(worker.try_put(9).is_ok());
        worker.stop();
        assert!(!worker.is_running());
        let put = putter.join().expect("put") + early;
        assert_eq!(seen.load(Ordering::SeqCst), put, "delivered or given back");
        assert_eq!(worker.try_put(1), Err(PutError::NotRunning(1)));
        assert!(s.stop().complete);
    });
}

/// Two who wait for room, and a consumer that makes it one by one: none is forgotten.
#[test]
fn two_putters_and_one_room() {
    check_model(|| {
        let s = supervisor();
        let (seen, worker) = counting(&s);
        let putters: Vec<_> = (0..2)
            .map(|_| {
                let worker = worker.clone();
                thread::spawn(move || (0..2).for_each(|item| worker.put(item).expect("it runs")))
            })
            .collect();
        putters.into_iter().for_each(|putter| putter.join().expect("put"));
        worker.stop();
        assert_eq!(seen.load(Ordering::SeqCst), 4);
        assert!(s.stop().complete);
    });
}

/// A pool thread that puts to a full queue, or stops its consumer, at one place: it runs the consumer itself.
#[test]
fn a_putter_in_the_only_place_helps() {
    check_model(|| {
        let s = supervisor();
        let (seen, worker) = counting(&s);
        let inside = worker.clone();
        let task = background_task(move || {
            (0..3).for_each(|item| inside.put(item).expect("it runs"));
            inside.stop();
        });
        let task = task.supervisor(&s).start();
        _ = worker.put(7);
        task.wait().expect("no deadlock");
        assert!(seen.load(Ordering::SeqCst) >= 3);
        assert!(s.stop().complete);
    });
}

/// Any number of triggers during a run come to one more run; none is lost.
#[test]
fn trigger_and_stop() {
    check_model(|| {
        let s = supervisor();
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let worker = background_worker(move || _ = count.fetch_add(1, Ordering::SeqCst))
            .event()
            .supervisor(&s)
            .start()
            .expect("starts");
        let other = thread::spawn({
            let worker = worker.clone();
            move || worker.trigger()
        });
        let before = runs.load(Ordering::SeqCst);
        let promised = worker.trigger();
        other.join().expect("triggered");
        assert!(promised);
        // A run that was promised and lost would be waited for without end, which the model's bound on steps tells.
        while runs.load(Ordering::SeqCst) == before {
            thread::yield_now();
        }
        assert!(s.stop().complete);
    });
}

/// A nested wait at one place, while the pool's own thread may take the awaited task.
#[test]
fn nested_wait_in_one_place() {
    check_model(|| {
        let s = supervisor();
        let inner = s.clone();
        let outer = background_task(move || {
            let first = background_task(|| 1).supervisor(&inner).start();
            let second = background_task(|| 2).supervisor(&inner).start();
            second.wait().expect("runs here") + first.wait().expect("runs here")
        });
        assert_eq!(outer.supervisor(&s).start().wait().expect("no deadlock"), 3);
        assert!(s.stop().complete);
    });
}

/// What a body on another executor waits for, of which a donor knows the key only.
struct Elsewhere {
    ended: AtomicUsize,
    changed: WaitList,
}

fn elsewhere() -> Arc<Elsewhere> {
    Arc::new(Elsewhere { ended: AtomicUsize::new(0), changed: WaitList::default() })
}

impl Awaited for Elsewhere {
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn serve(self: Arc<Self>, _donor: Donor) -> Served {
        Served::No
    }
}

/// The only place is a body's that waits for one elsewhere, which awaits a task: it runs in that place, or the pool's own
/// thread takes it before, or it is cancelled; and it ends one way.
#[test]
fn donor_pool_thread_and_cancel() {
    check_model(|| [false, true].into_iter().for_each(donate));
}

fn donate(cancels: bool) {
    let s = supervisor();
    let elsewhere = elsewhere();
    let awaited = Arc::clone(&elsewhere);
    let outer = background_task(move || {
        let mut stay = Stay::new(&awaited.changed);
        let ready = |waker: &Waker| {
            stay.register(waker);
            (awaited.ended.load(Ordering::SeqCst) > 0).then_some(())
        };
        pool::wait_for(Deadline::Never, true, || Arc::<Elsewhere>::clone(&awaited), ready)
    });
    let outer = outer.supervisor(&s).start();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let task = background_task(move || count.fetch_add(1, Ordering::SeqCst)).supervisor(&s).start();
    let task = Arc::new(Mutex::new(task));
    let canceller = thread::spawn({
        let task = Arc::clone(&task);
        move || cancels && task.lock().cancel() == CancelOutcome::Dequeued
    });
    let runtime = thread::spawn(move || {
        let key = Awaited::key(&*elsewhere);
        let result = block_until(Deadline::Never, |waker| {
            let mut cx = Context::from_waker(waker);
            match pool::enter_guest(NOBODYS, key, || Pin::new(&mut *task.lock()).poll(&mut cx)) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            }
        });
        elsewhere.ended.store(1, Ordering::SeqCst);
        elsewhere.changed.wake_all();
        result.expect("a wait without a deadline ends with a result")
    });
    outer.wait().expect("no deadlock");
    let dequeued = canceller.join().expect("cancelled");
    assert_eq!(runtime.join().expect("polled").is_ok(), !dequeued);
    assert_eq!(ran.load(Ordering::SeqCst), usize::from(!dequeued));
    assert!(s.stop().complete);
    assert_eq!(s.info().totals.largest_active, 1);
}

/// Something that a donor runs once, on its own thread; and that sleeps there until it is told to go on.
struct Sleeper {
    ran: AtomicUsize,
    goes: AtomicUsize,
    told: WaitList,
}

impl Awaited for Sleeper {
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn serve(self: Arc<Self>, _donor: Donor) -> Served {
        if self.ran.swap(1, Ordering::SeqCst) > 0 {
            return Served::No;
        }
        self.told.block_until(Deadline::Never, || (self.goes.load(Ordering::SeqCst) > 0).then_some(()));
        Served::Here
    }
}

/// While a donor runs a body, the way leads on where it has looked before, and its wake-up is used up by that body's sleep.
#[test]
fn a_wake_up_that_a_body_uses_up() {
    check_model(|| {
        let s = supervisor();
        let sleeper = |goes| {
            let goes = AtomicUsize::new(goes);
            Arc::new(Sleeper { ran: AtomicUsize::new(0), goes, told: WaitList::default() })
        };
        let (first, behind, sleeps, last) = (elsewhere(), elsewhere(), sleeper(0), sleeper(1));
        let _edges = [
            Edge::new(first.key(), 0, Arc::<Elsewhere>::clone(&behind)),
            Edge::new(first.key(), 0, Arc::<Sleeper>::clone(&sleeps)),
        ];
        let ended = Arc::clone(&last);
        let outer = background_task(move || {
            let ready = |_: &Waker| (ended.ran.load(Ordering::SeqCst) > 0).then_some(());
            pool::wait_for(Deadline::Never, true, || Arc::<Elsewhere>::clone(&first), ready)
        });
        let outer = outer.supervisor(&s).start();
        let _added = Edge::new(behind.key(), 0, last);
        sleeps.goes.store(1, Ordering::SeqCst);
        sleeps.told.wake_all();
        outer.wait().expect("no deadlock");
        assert!(s.stop().complete);
    });
}

/// A body waits by an executor that is not ours for what waits for the body, and for another task: that runs in the same
/// place, since all in it wait.
#[test]
fn what_is_carried_and_waits() {
    check_model(|| {
        let s = supervisor();
        let (inner, body) = (s.clone(), elsewhere());
        let outer = background_task(move || {
            let behind = Arc::clone(&body);
            let first = background_task(move || {
                let mut stay = Stay::new(&behind.changed);
                let ready = |waker: &Waker| {
                    stay.register(waker);
                    (behind.ended.load(Ordering::SeqCst) > 0).then_some(())
                };
                pool::wait_for(Deadline::Never, true, || Arc::<Elsewhere>::clone(&behind), ready)
            });
            let mut first = first.supervisor(&inner).start();
            let mut second = background_task(|| 2).supervisor(&inner).start();
            let result = block_until(Deadline::Never, |waker| {
                let mut cx = Context::from_waker(waker);
                assert!(Pin::new(&mut first).poll(&mut cx).is_pending());
                match Pin::new(&mut second).poll(&mut cx) {
                    Poll::Ready(result) => Some(result),
                    Poll::Pending => None,
                }
            });
            body.ended.store(1, Ordering::SeqCst);
            body.changed.wake_all();
            (first, result)
        });
        let (first, result) = outer.supervisor(&s).start().wait().expect("no deadlock");
        assert!(matches!(result.expect("a wait without a deadline ends with a result"), Ok(2)));
        first.wait().expect("it has ended, too");
        assert!(s.stop().complete);
    });
}

/// A supervisor and a worker that are started and stopped at random end in one legal state.
#[test]
fn start_and_stop() {
    check_model(|| {
        let s = supervisor();
        let starter = thread::spawn({
            let s = s.clone();
            move || {
                _ = s.start();
                background_worker(|| ()).event().supervisor(&s).start().map(|worker| worker.trigger()).is_ok()
            }
        });
        let stopper = thread::spawn({
            let s = s.clone();
            move || s.stop().complete
        });
        assert!(stopper.join().expect("stopped"));
        starter.join().expect("started");
        let report = s.stop();
        assert!(report.complete);
        assert!(s.info().workers.iter().all(|worker| worker.state == crate::WorkerState::Stopped));
        assert_eq!(s.info().threads, 0);
    });
}

/// A stop that a body asks for is led by a thread of its own, and joined by whoever blocks.
#[test]
fn stop_from_inside() {
    check_model(|| {
        let s = supervisor();
        let inner = s.clone();
        let task = background_task(move || inner.stop().complete).supervisor(&s).start();
        s.block();
        assert!(!task.wait().expect("ran"), "inside, it only asks");
        assert!(s.stop().complete);
    });
}

/// Whoever waits for a stop to be requested wakes by it, and finds everybody refused.
#[test]
fn stop_and_those_who_await_it() {
    check_model(|| {
        let s = supervisor();
        s.start().expect("starts");
        let waiter = thread::spawn({
            let s = s.clone();
            move || {
                let mut requested = pin!(s.stop_requested());
                block_until(Deadline::Never, |waker| {
                    requested.as_mut().poll(&mut Context::from_waker(waker)).is_ready().then_some(())
                });
                background_task(|| ()).supervisor(&s).start().wait()
            }
        });
        s.stop();
        assert!(matches!(waiter.join().expect("woken"), Err(TaskError::Rejected)));
    });
}

/// A worker with a schedule that is paused and resumed while it runs for a trigger: it lives on, and its next run is
/// planned.
#[test]
fn pause_and_consult() {
    check_model(|| {
        let s = supervisor();
        let hourly = |cx: &ScheduleContext| Some(When::At(cx.now() + Duration::from_secs(3600)));
        let worker = background_worker(|| ()).schedule(hourly).supervisor(&s).start().expect("starts");
        let pauser = thread::spawn({
            let worker = worker.clone();
            move || {
                worker.pause();
                worker.resume();
            }
        });
        assert!(worker.trigger());
        pauser.join().expect("paused");
        while worker.info().state != WorkerState::Idle || worker.info().runs == 0 {
            assert!(worker.is_running(), "it has ended");
            thread::yield_now();
        }
        assert!(worker.info().next_run.is_some(), "its next run is planned");
        s.stop();
    });
}

/// A chain of rooms: a task puts to a queue worker, which puts to one on a lane, which starts a task, which puts to another, while
/// a stop drains. What was accepted is run to the chain's end, whichever room the stop looks at first.
#[test]
fn chain_and_stop() {
    check_model(|| {
        let s = supervisor();
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        let third = background_worker(move |_: usize| _ = count.fetch_add(1, Ordering::SeqCst));
        let third = third.queue().supervisor(&s).start().expect("starts");
        let own = s.clone();
        let second = background_worker(move |item: usize| {
            let third = third.clone();
            let last = background_task(move || third.put(item).expect("it belongs to what was accepted"));
            drop(last.supervisor(&own).start());
            async {}
        });
        let second = second.queue().supervisor(&s).start().expect("starts");
        let first =
            background_worker(move |item: usize| second.put(item)).queue().supervisor(&s).start().expect("starts");
        let task = background_task({
            let first = first.clone();
            move || first.put(1)
        });
        let task = task.supervisor(&s).start();
        let putter = thread::spawn(move || first.put(2).is_ok());
        let report = s.stop();
        assert!(report.complete);
        assert_eq!((report.errors, report.rejected, report.discarded), (0, 0, 0));
        task.wait().expect("it was accepted").expect("so is what it puts");
        let accepted = 1 + usize::from(putter.join().expect("put"));
        assert_eq!(ended.load(Ordering::SeqCst), accepted);
    });
}

/// A worker that starts on a lane while that is stopped alone: it is refused, or asked to end.
#[test]
fn start_on_a_lane_and_stop_it() {
    check_model(|| {
        let s = supervisor();
        let lane = s.lane("io", crate::LaneConfig::new().threads(1)).expect("a sound configuration");
        s.start().expect("starts");
        let starter = thread::spawn({
            let s = s.clone();
            move || background_worker(|| async {}).event().lane("io").supervisor(&s).start()
        });
        assert!(lane.stop().complete);
        if let Ok(worker) = starter.join().expect("started") {
            assert!(!worker.is_running());
        }
        assert!(s.stop().complete);
    });
}

/// Somebody enters a lane while it is stopped, with a leader that may be behind, and opened: what is opened stays open, and nothing
/// stays in flight.
#[test]
fn enter_close_and_open() {
    check_model(|| {
        let s = supervisor();
        let lane = s.lane("io", crate::LaneConfig::new().threads(1)).expect("a sound configuration");
        s.start().expect("starts");
        let visitor = thread::spawn({
            let lane = lane.clone();
            move || _ = lane.block_on(async {})
        });
        thread::yield_now();
        lane.stop_timeout(Duration::ZERO);
        lane.open().expect("its supervisor runs");
        visitor.join().expect("visited");
        assert!(lane.info().is_open, "a stop of the opening before has closed it");
        assert!(s.stop().complete);
        assert_eq!(lane.info().active.total(), 0);
    });
}

/// A bounded stop gives up while its leader goes on, and somebody starts anew: nothing of the new run is touched.
#[test]
fn give_up_and_start_anew() {
    check_model(|| {
        let s = supervisor();
        let (seen, worker) = counting(&s);
        worker.put(1).expect("it runs");
        let stopper = thread::spawn({
            let s = s.clone();
            move || s.stop_timeout(Duration::ZERO)
        });
        s.stop_timeout(Duration::ZERO);
        while s.start().is_err() {
            thread::yield_now();
        }
        let next = background_worker(|_: usize| ()).queue().supervisor(&s).start();
        stopper.join().expect("stopped");
        if let Ok(next) = next
            && s.info().state == crate::SupervisorState::Running
        {
            assert!(next.is_running(), "an earlier stop has ended it");
        }
        s.stop();
        assert!(seen.load(Ordering::SeqCst) <= 1);
    });
}

/// A stop comes while a supervisor starts the workers that start with it: the next start finds each.
#[test]
fn stop_beside_a_start_with_autostart() {
    check_model(|| {
        let s = supervisor();
        let worker = background_worker(|| ()).event().autostart(true).supervisor(&s).start().expect("starts");
        s.stop();
        let stopper = thread::spawn({
            let s = s.clone();
            move || _ = s.stop()
        });
        s.start().expect("starts");
        stopper.join().expect("stopped");
        s.stop();
        s.start().expect("starts");
        assert!(worker.is_running());
        s.stop();
    });
}
