//! What runs jobs whose moment has come: one entry in the pool's queue for many of them.
//!
//! An entry each would be a hop from thread to thread for each, which costs more than most of these bodies. The price of
//! sharing one is that a body which takes long would keep the others from idle threads; so the clock looks after each crowd,
//! and has another thread come for what is left of it after [`PATIENCE`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Jobs;
use crate::clock::{self, End, Opening, Tick};
use crate::panics::drop_contained;
use crate::pool::{self, Entry, Job, Pool, Ran, Refusal, Source, Tally};
use crate::priority::Priority;
use crate::sync::Mutex;
use crate::time::Deadline;

/// Where jobs run.
const PRIORITY: Priority = Priority::Normal;

/// So many jobs share one entry, and hence one thread, as long as they are brief.
const SHARE: usize = 128;

/// After so long, another thread is called for those that one thread has not got to; and a thread that has more to do lets
/// go of its place, and queues again.
const PATIENCE: Duration = Duration::from_millis(1);

/// Jobs whose moment came together.
pub(super) struct Crowd {
    jobs: Arc<Jobs>,
    opening: Opening,
    /// Lock rule: before none.
    left: Mutex<Left>,
}

struct Left {
    ticks: std::vec::IntoIter<Arc<dyn Tick>>,
    /// Entries that stand in the pool's queue.
    queued: usize,
    /// The clock will look after it.
    ///
    /// Invariant: where there are ticks left, it is queued or watched, or a thread has it that will look once more
    /// (`a_job_that_blocks_keeps_nobody`).
    watched: bool,
}

/// One entry of a crowd.
struct Shift {
    crowd: Arc<Crowd>,
    /// What runs.
    current: Mutex<Option<Arc<dyn Tick>>>,
}

impl Crowd {
    /// Puts them into the pool's queue, for threads that the clock will call for.
    pub(super) fn send(jobs: &Arc<Jobs>, ticks: Vec<Arc<dyn Tick>>, opening: Opening) {
        // Who moves a clock by hand looks after nothing.
        let share = if jobs.clock.is_manual() { 1 } else { SHARE };
        let shares = ticks.len().div_ceil(share);
        let watched = ticks.len() > 1 && share > 1;
        let left = Mutex::new(Left { ticks: ticks.into_iter(), queued: 0, watched });
        let crowd = Arc::new(Self { jobs: Arc::clone(jobs), opening, left });
        (0..shares).for_each(|_| crowd.queue(Source::InsideMany));
        if watched {
            crowd.watch();
        }
    }

    fn queue(self: &Arc<Self>, source: Source) {
        self.left.lock().queued += 1;
        let shift = Arc::new(Shift { crowd: Arc::clone(self), current: Mutex::new(None) });
        if self.jobs.pool.submit(PRIORITY, Entry::Job(shift), source).is_err() {
            // A closed pool: a bounded stop has run out.
            self.forget();
        }
    }

    /// Has the clock look after it. Where the clock is stopped, nobody waits for those that are left but the stop.
    fn watch(self: &Arc<Self>) {
        let at = Deadline::after(self.jobs.clock.now(), PATIENCE);
        let bell: Arc<dyn clock::Bell> = Arc::<Self>::clone(self);
        _ = self.jobs.clock.insert(at, bell);
    }

    /// A thread has come to it.
    fn begin(self: &Arc<Self>) {
        let watch = {
            let mut left = self.left.lock();
            left.queued -= 1;
            let watch = !left.watched && left.ticks.len() > 1 && !self.jobs.clock.is_manual();
            left.watched |= watch;
            watch
        };
        if watch {
            self.watch();
        }
    }

    fn next(&self) -> Option<(Arc<dyn Tick>, bool)> {
        let mut left = self.left.lock();
        let tick = left.ticks.next()?;
        Some((tick, left.ticks.len() > 0))
    }

    /// None of those that are left will run.
    fn forget(&self) {
        let left = std::mem::take(&mut self.left.lock().ticks);
        self.jobs.forget(left.collect());
    }
}

impl clock::Bell for Crowd {
    fn ring(self: Arc<Self>, _key: clock::Key) {
        {
            let mut left = self.left.lock();
            // One that stands in the queue is not held up by its own: whoever begins it has it watched.
            left.watched = left.ticks.len() > 0 && left.queued == 0;
            if !left.watched {
                return;
            }
        }
        self.queue(Source::Inside);
        self.watch();
    }

    fn dropped(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}
}

impl Shift {
    /// Runs one after the other. How many have run, and how many of those have panicked.
    fn work(&self) {
        let Crowd { jobs, opening, .. } = &*self.crowd;
        let home = pool::home();
        let began = Instant::now();
        let (mut runs, mut panics) = (0, 0);
        while let Some((tick, more)) = self.crowd.next() {
            if home.as_ref().is_some_and(|home| home.is_hurried()) {
                jobs.forget(vec![tick]);
                self.crowd.forget();
                break;
            }
            *self.current.lock() = Some(Arc::clone(&tick));
            let came = tick.come(&jobs.clock, *opening);
            let last = self.current.lock().take();
            // It may be the last owner of a user's value.
            drop_contained(last);
            runs += u64::from(came.ran);
            panics += u64::from(came.panicked);
            match came.end {
                None => {}
                Some(End::Over) => jobs.counts.completed(),
                Some(End::Stopped) => jobs.counts.cancelled(1),
            }
            if more && (jobs.pool.is_wanted_above(PRIORITY) || began.elapsed() >= PATIENCE) {
                self.crowd.queue(Source::Inside);
                break;
            }
        }
        jobs.counts.ran(runs, panics);
    }
}

impl Job for Shift {
    fn name(&self) -> &str {
        self.current.lock().as_ref().map_or("light jobs", |tick| tick.name())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn run(&self, _tally: &Tally<'_>) -> Ran {
        self.crowd.begin();
        self.work();
        Ran::Errand
    }

    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        true
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {
        self.crowd.forget();
    }

    fn is_task(&self) -> bool {
        false
    }

    fn is_asked_to_end(&self) -> bool {
        self.current.lock().as_ref().is_some_and(|tick| tick.is_asked_to_end())
    }
}
