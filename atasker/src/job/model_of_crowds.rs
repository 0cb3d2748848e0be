//! How a crowd of jobs is shared among threads. With shuttle: a pool has too many steps for loom.

use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::Jobs;
use super::light::{Light, OneShot};
use super::pace::Once;
use super::shift::Crowd;
use crate::clock::{Clock, Listener, Moment, Opening, Tick};
use crate::config::Config;
use crate::pool::{Overseer, Pool};
use crate::stops::Leftover;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{check_model, thread};
use crate::time::{Deadline, When};
use crate::wait::WaitList;

/// Whom pool and clock tell.
#[derive(Default)]
struct Supervisor {
    changed: WaitList,
}

impl Overseer for Supervisor {
    fn look_for_slow_starts(&self, _at: Instant) {}
    fn quiet(&self) {
        self.changed.wake_all();
    }
    fn no_thread(&self, error: &io::Error, _stranded: bool) {
        panic!("{error}");
    }
    fn idle(&self) {}
}

impl Listener for Supervisor {
    fn came(&self, _ticks: Vec<Arc<dyn Tick>>, _opening: Opening) {}
    fn rung(&self) {}
    fn forgotten(&self, _ticks: Vec<Arc<dyn Tick>>) -> Option<Leftover> {
        None
    }
    fn rested(&self) {}

    fn left(&self, work: Vec<Leftover>) {
        work.into_iter().for_each(|work| work());
    }
}

fn once(body: impl FnOnce() + Send + 'static) -> Arc<dyn Tick> {
    let once = Once::at(When::At(Instant::now()), Duration::ZERO);
    Light::new(once, Moment::from_bits(1), OneShot(Some(body)))
}

/// Of three that came together each waits for those behind it: other threads come for these, however the clock's look after
/// them falls between, and each runs once.
#[test]
fn share_and_look_after() {
    check_model(|| {
        let supervisor = Arc::new(Supervisor::default());
        let overseer: Weak<dyn Overseer> = Arc::downgrade(&(Arc::clone(&supervisor) as Arc<dyn Overseer>));
        let listener: Weak<dyn Listener> = Arc::downgrade(&(Arc::clone(&supervisor) as Arc<dyn Listener>));
        let config = Config::new().pool_size(3).reserve_normal(0).reserve_high(0);
        let pool = Pool::new("model", &config, overseer);
        pool.open().expect("threads are to be had in a model");
        let (clock, opening) = Clock::opened_and_silent(listener);
        let jobs = Jobs::new(&pool, &clock);
        let (changed, ran) = (Arc::new(WaitList::default()), Arc::new(AtomicUsize::new(0)));
        let job = |waits_for: usize| {
            let (changed, ran) = (Arc::clone(&changed), Arc::clone(&ran));
            once(move || {
                changed.block_until(Deadline::Never, || (ran.load(Ordering::SeqCst) >= waits_for).then_some(()));
                ran.fetch_add(1, Ordering::SeqCst);
                changed.wake_all();
            })
        };
        Crowd::send(&jobs, vec![job(2), job(1), job(0)], opening);
        pool.call_for_many();
        let over = Arc::new(AtomicBool::new(false));
        let clock_thread = thread::spawn({
            let (clock, over) = (Arc::clone(&clock), Arc::clone(&over));
            move || {
                while !over.load(Ordering::SeqCst) {
                    clock.ring_first();
                    thread::yield_now();
                }
            }
        });
        changed.block_until(Deadline::Never, || (ran.load(Ordering::SeqCst) == 3).then_some(()));
        over.store(true, Ordering::SeqCst);
        clock_thread.join().expect("rang");
        pool.drain();
        let opening = pool.opening();
        supervisor.changed.block_until(Deadline::Never, || pool.close_if_quiet(opening).then_some(()));
        pool.join(pool.opening());
        clock.close();
        (clock.send_away(clock.opening()))();
        let totals = jobs.totals();
        assert_eq!((ran.load(Ordering::SeqCst), totals.runs, totals.completed), (3, 3, 3));
    });
}
