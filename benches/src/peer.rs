//! Who is measured: a file for each peer, and the traits by which the scenarios call them.
//!
//! A peer lists the scenarios that make sense for it; each entry is that scenario's measurement compiled for this
//! peer alone, so that no dynamic call stands between the scenario and the peer.

mod async_executor;
mod atasker;
mod bare;
mod blocking;
mod channel;
mod executors;
mod multipool;
mod python;
mod rayon;
mod rusty_pool;
mod switchyard;
mod timer;
mod tokio;

pub(crate) use self::timer::Timer;

use crate::{
    record::Figures,
    scenario::{Run, Scenario},
};

/// Measures one scenario with one peer.
pub(crate) type Measure = fn(&Run) -> Figures;

/// Somebody who is measured.
pub(crate) struct Peer {
    /// What `--peers` takes.
    pub(crate) name: &'static str,
    /// How it is used here, in a line.
    pub(crate) about: &'static str,
    /// What makes sense for it.
    pub(crate) runs: &'static [(Scenario, Measure)],
}

impl Peer {
    /// In the order in which they are measured.
    pub(crate) const ALL: &[&'static Self] = &[
        &atasker::BUILDER,
        &atasker::ATTRIBUTE,
        &timer::JOBS,
        &timer::PRECISE,
        &bare::FUTEX,
        &channel::CROSSBEAM,
        &channel::FLUME,
        &channel::KANAL,
        &channel::STD,
        &channel::TOKIO_MPSC,
        &rayon::PEER,
        &tokio::SPAWN_BLOCKING,
        &tokio::SPAWN,
        &blocking::PEER,
        &async_executor::PEER,
        &executors::CHANNEL,
        &executors::WORK_STEALING,
        &rusty_pool::PEER,
        &multipool::PEER,
        &switchyard::PEER,
        &timer::TOKIO_INTERVAL,
        &timer::DELAY_QUEUE,
        &timer::SCHEDULED,
        &timer::STD_SLEEP,
        &timer::CLOCK_NANOSLEEP,
        &timer::CLOCK_NANOSLEEP_SHARP,
        &timer::SPIN_SLEEP,
        &python::ORIGINAL,
    ];

    /// The peer of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().copied().find(|peer| peer.name == name)
    }

    /// Why it can't be measured on this machine, if so. It may take a moment to find out.
    pub(crate) fn absent(&self) -> Option<String> {
        (self.name == python::ORIGINAL.name).then(python::absent).flatten()
    }

    /// How it measures `scenario`, if it does.
    pub(crate) fn measure(&self, scenario: Scenario) -> Option<Measure> {
        self.runs.iter().find(|(listed, _)| *listed == scenario).map(|(_, measure)| *measure)
    }
}

/// How many threads a pool gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// For everybody.
    pub(crate) threads: usize,
    /// Kept for High tasks by a pool that can; one that cannot has them as common threads.
    pub(crate) reserve: usize,
}

impl Size {
    /// Two threads and no reserve: every scenario but one.
    pub(crate) const TWO: Self = Self { threads: 2, reserve: 0 };

    /// Both together.
    pub(crate) fn all(self) -> usize {
        self.threads + self.reserve
    }

    /// How many Low tasks may run at once in a pool of this kind.
    pub(crate) fn low_threads<P: Pool>(self) -> usize {
        if P::RESERVES { self.threads } else { self.all() }
    }
}

/// Threads that run closures. It is never closed: the child ends with the measurement.
pub(crate) trait Pool: Sized + Send + Sync + 'static {
    /// Whether it can keep threads for High tasks.
    const RESERVES: bool = false;

    fn open(size: Size) -> &'static Self;

    /// Hands a body over in the cheapest way there is; nobody will ask for the result.
    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F);

    /// Takes a handle and drops it, where there are handles.
    fn dropped<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.detach(body);
    }

    /// Hands a body over from inside another body of this pool.
    fn nested<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.detach(body);
    }

    /// Hands a body over that may wait; without priorities, as any other.
    fn low<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.detach(body);
    }

    /// Hands a body over that goes before all Low ones; without priorities, as any other.
    fn high<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.detach(body);
    }
}

/// A pool whose results can be waited for by a thread outside.
pub(crate) trait Waits: Pool {
    /// The handle.
    type Task<T: Send + 'static>: Send + 'static;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T>;

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T;

    /// Starts and waits at once, by a shorter way where there is one.
    fn round_trip<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> T {
        self.wait(self.start(body))
    }
}

/// A runtime for futures.
pub(crate) trait Async: Sized + Send + Sync + 'static {
    fn open(size: Size) -> &'static Self;

    /// Starts a future that gives `n` at once, and gives what is to be awaited.
    fn start(&'static self, n: u64) -> impl Future<Output = u64> + Send;

    /// Runs a future on one of its own threads, and waits for it here.
    fn run<T: Send + 'static>(&'static self, body: impl Future<Output = T> + Send + 'static) -> T;
}

/// A consumer that is handed one item after the other.
pub(crate) trait Mailbox: Sized + Send + Sync + 'static {
    /// `body` is called with each item, never twice at once; with a `bound`, `put` waits while that many are there.
    /// Dropping the mailbox ends the consumer.
    fn open(bound: Option<usize>, body: impl FnMut(u64) + Send + 'static) -> Self;

    fn put(&self, item: u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = Peer::ALL.iter().map(|peer| peer.name).collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn every_figure_has_its_reference() {
        for scenario in Scenario::ALL {
            for column in scenario.sheet().columns {
                let peer = Peer::named(column.reference).expect("a reference is a peer");
                assert!(peer.measure(scenario).is_some(), "{} does not measure {scenario:?}", peer.name);
            }
        }
    }
}
