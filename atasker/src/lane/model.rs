//! The lane's protocols: a future is asked to end while it goes to sleep; a place that is given back goes to the next.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use super::Leash;
use super::carrier::Carrier;
use crate::sync::{check_model, thread};
use crate::time::Deadline;
use crate::wait;

/// A future that is asked to end looks once more, however its sleep and the asking interleave.
#[test]
fn pull_and_poll() {
    check_model(|| {
        let leash = Arc::new(Leash::default());
        let puller = thread::spawn({
            let leash = Arc::clone(&leash);
            move || leash.pull()
        });
        // Without a wake-up the model would deadlock here.
        wait::block_until(Deadline::Never, |waker| {
            loop {
                if leash.is_pulled() {
                    return Some(());
                }
                if leash.stay(waker) {
                    return None;
                }
            }
        });
        puller.join().expect("pulled");
    });
}

impl Carrier {
    /// Makes it a thread of the model, which polls it when it is woken.
    pub(super) fn set_out(mut self, _on: &Handle) {
        thread::spawn(move || {
            wait::poll_until(|waker| match Pin::new(&mut self).poll(&mut Context::from_waker(waker)) {
                Poll::Ready(()) => Some(()),
                Poll::Pending => None,
            });
        });
    }
}

/// With shuttle: a lane has too many steps for loom.
#[cfg(atasker_shuttle)]
mod gate {
    use std::sync::{Arc, Weak};
    use std::task::{Context, Waker};
    use std::time::Instant;

    use tokio::runtime::{Builder, Handle, Runtime};

    use crate::config::LaneConfig;
    use crate::lane::{Body, End, Lane, Source, Ticket, Watcher};
    use crate::owner::Scope;
    use crate::priority::Priority;
    use crate::stops::Leftover;
    use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use crate::sync::{Mutex, check_model, thread};
    use crate::time::Deadline;
    use crate::wait::WaitList;
    use crate::waits::{Awaited, Donor, Edge, Served};

    /// Whom the lane tells that it is quiet.
    #[derive(Default)]
    struct Listener {
        quiet: WaitList,
    }

    impl Watcher for Listener {
        fn quiet(&self) {
            self.quiet.wake_all();
        }

        fn look_for_slow_starts(&self, _lane: &Arc<Lane>, _at: Instant) {}
    }

    /// What all bodies of a model share.
    #[derive(Default)]
    struct Tally {
        flying: AtomicUsize,
        done: AtomicUsize,
        /// Those of which nothing is left.
        gone: AtomicUsize,
        ended: WaitList,
        /// A waker that a body has left, which outlives it.
        stale: Mutex<Option<Waker>>,
        /// Wakers of those that wait until so many have ended.
        waiting: Mutex<Vec<(usize, Waker)>>,
    }

    impl Tally {
        fn wake(&self, is_called: impl Fn(usize) -> bool) {
            let wakers: Vec<_> = self.waiting.lock().extract_if(.., |(ended, _)| is_called(*ended)).collect();
            wakers.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }

    /// What a body does.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Deed {
        /// Sleeps once, as a future does, and then ends.
        Sleep,
        /// Blocks until another has ended, and then ends.
        Block,
        /// Ends, and then blocks until another has: as the drop of a result may. Only then is it gone.
        Linger,
        /// Pending until so many have ended, of those that it waits for.
        Await(usize),
    }

    struct Probe {
        tally: Arc<Tally>,
        /// So many may be in flight.
        places: usize,
        deed: Deed,
        begun: AtomicBool,
        slept: AtomicBool,
        ended: AtomicBool,
        /// What it waits for, once they wait at the gate.
        waits_for: Mutex<Vec<Arc<Probe>>>,
        edges: Mutex<Vec<Edge>>,
        lane: Arc<Lane>,
    }

    impl Awaited for Probe {
        fn key(&self) -> usize {
            std::ptr::from_ref(self).addr()
        }

        fn serve(self: Arc<Self>, donor: Donor) -> Served {
            if Body::is_live(&*self) { self.lane.clone().host(donor, Priority::Normal, self) } else { Served::No }
        }
    }

    impl Probe {
        fn end(&self) {
            self.tally.flying.fetch_sub(1, Ordering::SeqCst);
            let done = self.tally.done.fetch_add(1, Ordering::SeqCst) + 1;
            self.tally.ended.wake_all();
            // Not at each end: that its guest has ended, the gate tells the host.
            self.tally.wake(|ended| ended == done);
        }

        /// Blocks until so many have ended.
        fn block(&self, ended: usize) {
            let look = || (self.tally.done.load(Ordering::SeqCst) >= ended).then_some(());
            self.tally.ended.block_until(Deadline::Never, look);
        }
    }

    impl Body for Probe {
        fn name(&self) -> String {
            "probe".to_owned()
        }

        fn is_live(&self) -> bool {
            !self.begun.load(Ordering::SeqCst)
        }

        fn begin(&self) -> bool {
            if self.begun.swap(true, Ordering::SeqCst) {
                return false;
            }
            assert!(self.tally.flying.fetch_add(1, Ordering::SeqCst) < self.places, "no more than there are places");
            true
        }

        fn turn(self: Arc<Self>, cx: &mut Context<'_>, ticket: &mut Ticket) -> Option<Arc<dyn Body>> {
            match self.deed {
                Deed::Sleep if !self.slept.swap(true, Ordering::SeqCst) => {
                    let waker = cx.waker().clone();
                    waker.wake_by_ref();
                    *self.tally.stale.lock() = Some(waker);
                    return Some(self);
                }
                Deed::Await(ended) => {
                    self.tally.waiting.lock().push((ended, cx.waker().clone()));
                    if self.tally.done.load(Ordering::SeqCst) < ended {
                        let others = self.waits_for.lock().clone();
                        if self.edges.lock().is_empty() {
                            let edge = |other| Edge::new(self.key(), self.lane.lends(), other);
                            let edges = others.into_iter().map(|other| edge(other)).collect();
                            *self.edges.lock() = edges;
                        }
                        ticket.lend(self.key(), cx.waker());
                        return Some(self);
                    }
                    let edges = std::mem::take(&mut *self.edges.lock());
                    let others = std::mem::take(&mut *self.waits_for.lock());
                    drop((edges, others));
                }
                Deed::Block => self.block(1),
                Deed::Sleep | Deed::Linger => {}
            }
            ticket.count(End::Completed);
            self.end();
            if self.deed == Deed::Linger {
                self.block(2);
            }
            self.ended.store(true, Ordering::SeqCst);
            self.tally.gone.fetch_add(1, Ordering::SeqCst);
            None
        }

        fn has_ended(&self) -> bool {
            self.ended.load(Ordering::SeqCst)
        }

        fn cut_off(self: Arc<Self>, _ticket: &mut Ticket) {
            unreachable!("no carrier of a model goes down");
        }

        fn refuse(self: Arc<Self>) -> bool {
            true
        }

        fn drop_body(self: Arc<Self>) {}

        fn is_task(&self) -> bool {
            true
        }

        fn ask_to_end(self: Arc<Self>) -> Option<Leftover> {
            None
        }
    }

    fn probe(lane: &Arc<Lane>, tally: &Arc<Tally>, places: usize, deed: Deed) -> Arc<Probe> {
        Arc::new(Probe {
            tally: Arc::clone(tally),
            places,
            deed,
            begun: AtomicBool::new(false),
            slept: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            waits_for: Mutex::default(),
            edges: Mutex::default(),
            lane: Arc::clone(lane),
        })
    }

    /// A lane of a model, with that many places and threads, and a way to put bodies in.
    struct Modelled {
        lane: Arc<Lane>,
        listener: Arc<Listener>,
        tally: Arc<Tally>,
        places: usize,
    }

    impl Modelled {
        fn new(on: &Handle, places: usize) -> Self {
            let listener = Arc::new(Listener::default());
            let watcher: Weak<dyn Watcher> = Arc::<Listener>::downgrade(&listener) as Weak<dyn Watcher>;
            let config = LaneConfig::new().pool_size(places).critical_max(0);
            let lane = Lane::new("model", "model".to_owned(), 0, config, watcher);
            assert!(lane.lend(on.clone()));
            lane.open();
            Self { lane, listener, tally: Arc::default(), places }
        }

        fn submit(&self, source: Source, deed: Deed) -> impl Fn(Priority) + Clone + Send + 'static {
            let (lane, tally, places) = (Arc::clone(&self.lane), Arc::clone(&self.tally), self.places);
            move |priority| {
                let body = probe(&lane, &tally, places, deed);
                lane.submit(priority, body, source).expect("it is open");
            }
        }

        /// Waits until nothing is left, and lets the carriers go: one that stayed would be a deadlock.
        fn end(self, bodies: usize) {
            let opening = self.lane.drain(Scope::Lane).expect("it was opened");
            let close = || self.lane.close_if_quiet(opening, Scope::Lane);
            let closed = self.listener.quiet.block_until(Deadline::Never, close);
            // Quiet means that nothing of a body is left, and all is counted.
            assert_eq!(self.tally.gone.load(Ordering::SeqCst), bodies);
            self.lane.shut_down(closed.expect("a wait without a deadline ends with a result"));
            assert_eq!(self.lane.sample().counts.completed, bodies as u64);
        }
    }

    /// It runs nothing here: a carrier is a thread of the model.
    fn runtime(threads: usize) -> Runtime {
        Builder::new_multi_thread().worker_threads(threads).build().expect("a runtime can be had")
    }

    /// Bodies that are handed in from two threads pass one place on, and a stop ends when the last has given it back.
    #[test]
    fn submit_and_finish() {
        let runtime = runtime(1);
        let on = runtime.handle().clone();
        check_model(move || {
            let modelled = Modelled::new(&on, 1);
            let submit = modelled.submit(Source::Caller, Deed::Sleep);
            let other = thread::spawn({
                let submit = submit.clone();
                move || [Priority::Low, Priority::High].into_iter().for_each(submit)
            });
            submit(Priority::Normal);
            // Its carrier may carry another by now, or rest.
            let stale = modelled.tally.stale.lock().take();
            stale.into_iter().for_each(Waker::wake);
            submit(Priority::Normal);
            other.join().expect("submitted");
            assert_eq!(modelled.lane.sample().counts.submitted, 4);
            modelled.end(4);
        });
    }

    /// A body in the only place is pending until two others have ended, which wait for a place: they run in its place, one
    /// after the other. Another thread takes them, too, where it can.
    #[test]
    fn host_and_guests() {
        let runtime = runtime(1);
        let on = runtime.handle().clone();
        check_model(move || {
            let modelled = Modelled::new(&on, 1);
            let Modelled { lane, tally, .. } = &modelled;
            // Two are in flight at a time: the host, and a guest in its place.
            let host = probe(lane, tally, 2, Deed::Await(2));
            lane.submit(Priority::High, Arc::<Probe>::clone(&host), Source::Caller).expect("it is open");
            let guests = [(); 2].map(|()| probe(lane, tally, 2, Deed::Sleep));
            for guest in &guests {
                lane.submit(Priority::Normal, Arc::<Probe>::clone(guest), Source::Caller).expect("it is open");
            }
            *host.waits_for.lock() = guests.into();
            tally.wake(|_| true);
            modelled.end(3);
        });
    }

    /// The first guest waits for its host, and that for the second one only: all of them wait, so it runs beside the first.
    #[test]
    fn a_guest_that_waits_for_its_host() {
        let runtime = runtime(1);
        let on = runtime.handle().clone();
        check_model(move || {
            let modelled = Modelled::new(&on, 1);
            let Modelled { lane, tally, .. } = &modelled;
            let host = probe(lane, tally, 3, Deed::Await(1));
            lane.submit(Priority::High, Arc::<Probe>::clone(&host), Source::Caller).expect("it is open");
            let guests = [Deed::Await(2), Deed::Sleep].map(|deed| probe(lane, tally, 3, deed));
            guests[0].waits_for.lock().push(Arc::clone(&host));
            for guest in &guests {
                lane.submit(Priority::Normal, Arc::<Probe>::clone(guest), Source::Caller).expect("it is open");
            }
            *host.waits_for.lock() = guests.into();
            tally.wake(|_| true);
            modelled.end(3);
        });
    }

    /// The same with places for two, while some come as many at a time, for which one calls behind the last.
    #[test]
    fn many_and_rest() {
        let runtime = runtime(2);
        let on = runtime.handle().clone();
        check_model(move || {
            let modelled = Modelled::new(&on, 2);
            let clock = thread::spawn({
                let (submit, lane) = (modelled.submit(Source::InsideMany, Deed::Sleep), Arc::clone(&modelled.lane));
                move || {
                    [Priority::Normal, Priority::Normal].into_iter().for_each(submit);
                    lane.call_for_many();
                }
            });
            modelled.submit(Source::Caller, Deed::Sleep)(Priority::High);
            clock.join().expect("put in");
            modelled.end(3);
        });
    }

    /// A body that blocks its carrier's thread, while it runs or behind its end, holds up nobody: what it waits for is run by
    /// another one.
    #[test]
    fn block_and_take() {
        let runtime = runtime(1);
        let on = runtime.handle().clone();
        check_model(move || {
            for (deed, places) in [(Deed::Block, 2), (Deed::Linger, 2)] {
                let modelled = Modelled::new(&on, places);
                modelled.submit(Source::Caller, deed)(Priority::High);
                modelled.submit(Source::Caller, Deed::Sleep)(Priority::Low);
                modelled.end(2);
            }
        });
    }

    /// A body that a stop gives up on just when it ends, while the lane opens again: it counts there or nowhere, and never in
    /// the next opening.
    #[test]
    fn give_up_and_count() {
        let runtime = runtime(1);
        let on = runtime.handle().clone();
        check_model(move || {
            let modelled = Modelled::new(&on, 1);
            modelled.submit(Source::Caller, Deed::Sleep)(Priority::Normal);
            let (named, leftovers) = modelled.lane.give_up(modelled.lane.opening());
            let named = named.len();
            leftovers.into_iter().for_each(|leftover| leftover());
            let earlier = modelled.lane.sample();
            modelled.lane.open();
            let next = modelled.lane.sample();
            assert!(earlier.counts.completed <= 1 && named <= 1, "it was alone");
            assert_eq!((next.counts.completed, next.active.total()), (0, 0));
        });
    }
}
