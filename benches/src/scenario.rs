//! What is measured: a sheet for each scenario, and a module for each way of measuring.
//!
//! A scenario knows the traits of [`crate::peer`], never a peer.

mod async_noop;
mod flood;
mod handles;
mod idle;
mod idle_wake;
mod interval;
mod items;
mod memory;
mod nested_wait;
mod put_to_run;
mod repeat;
mod round_trip;
mod tree;
mod urgent;

pub(crate) use async_noop::{many_alive, one_after_the_other};
pub(crate) use flood::{capture_less, detached, dropped, four_producers};
pub(crate) use handles::all_alive;
pub(crate) use idle::{idle, idle_pool};
pub(crate) use idle_wake::{from_idle, measure_wakes};
pub(crate) use interval::{beside_floods, each_millisecond, each_ten_milliseconds, many};
pub(crate) use items::{bounded_from_four, bounded_from_one, from_four, from_one};
pub(crate) use memory::{queued_detached, queued_with_handle};
pub(crate) use nested_wait::inside;
pub(crate) use put_to_run::{from_busy, from_sleeper};
pub(crate) use round_trip::one_at_a_time;
pub(crate) use tree::from_inside;
pub(crate) use urgent::{into_blocked, into_busy};

/// One thing that is measured. The ids are those of the project's performance table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Flood,
    FloodDropped,
    FloodCaptureLess,
    FourProducers,
    Tree,
    Handles,
    IdleWake,
    RoundTrip,
    Urgent,
    UrgentBlocked,
    Interval,
    IntervalTen,
    IntervalFlooded,
    ManyIntervals,
    ManyAsyncIntervals,
    Idle,
    Memory,
    MemoryHandle,
    Items,
    ItemsFour,
    BoundedItems,
    BoundedItemsFour,
    PutToRun,
    PutToRunBusy,
    NestedWait,
    AsyncNoop,
    AsyncNoopAlive,
}

/// What a scenario is called and how its figures are read.
pub(crate) struct Sheet {
    /// What `--scenario` takes.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// The figures that are printed; everything else is in the JSON only.
    pub(crate) columns: &'static [Column],
}

/// One printed figure.
pub(crate) struct Column {
    /// Its name among the figures of a record.
    pub(crate) key: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// The peer whose median is 1.00 in the ratio column.
    pub(crate) reference: &'static str,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// What every measurement is told.
pub(crate) struct Run {
    /// What the sizes are multiplied by.
    pub(crate) scale: f64,
    /// Iterations of the 20 µs spin.
    pub(crate) spin: u64,
}

impl Run {
    /// `full` at the scale of this run, but not below `least`.
    pub(crate) fn size(&self, full: u64, least: u64) -> u64 {
        ((full as f64 * self.scale) as u64).max(least)
    }
}

impl Scenario {
    /// In the order of the documentation.
    pub(crate) const ALL: [Self; 27] = [
        Self::Flood,
        Self::FloodDropped,
        Self::FloodCaptureLess,
        Self::FourProducers,
        Self::Tree,
        Self::Handles,
        Self::IdleWake,
        Self::RoundTrip,
        Self::Urgent,
        Self::UrgentBlocked,
        Self::Interval,
        Self::IntervalTen,
        Self::IntervalFlooded,
        Self::ManyIntervals,
        Self::ManyAsyncIntervals,
        Self::Idle,
        Self::Memory,
        Self::MemoryHandle,
        Self::Items,
        Self::ItemsFour,
        Self::BoundedItems,
        Self::BoundedItemsFour,
        Self::PutToRun,
        Self::PutToRunBusy,
        Self::NestedWait,
        Self::AsyncNoop,
        Self::AsyncNoopAlive,
    ];

    pub(crate) fn sheet(self) -> Sheet {
        use Better::{Higher, Lower};

        const fn column(key: &'static str, unit: &'static str, better: Better, reference: &'static str) -> Column {
            Column { key, unit, better, reference }
        }
        const fn rate(reference: &'static str) -> Column {
            column("rate", "M/s", Higher, reference)
        }
        const URGENT: &[Column] = &[
            column("p50", "p50 µs", Lower, "multipool"),
            column("p99", "p99 µs", Lower, "multipool"),
            column("low", "Low k/s", Higher, "crossbeam"),
        ];
        const LATE: &[Column] = &[
            column("p50", "late p50 µs", Lower, "std-sleep"),
            column("p99", "late p99 µs", Lower, "std-sleep"),
            column("cpu", "CPU %", Lower, "std-sleep"),
        ];
        const MANY: &[Column] = &[
            column("cpu", "CPU %", Lower, "tokio-interval"),
            column("live", "live bytes each", Lower, "tokio-interval"),
            column("p50", "late p50 µs", Lower, "tokio-interval"),
            column("p99", "late p99 µs", Lower, "tokio-interval"),
        ];
        const PUT: &[Column] = &[
            column("p50", "p50 µs", Lower, "std-mpsc"),
            column("p99", "p99 µs", Lower, "std-mpsc"),
            column("cpu", "CPU %", Lower, "std-mpsc"),
        ];

        let (id, title, columns): (_, _, &'static [Column]) = match self {
            Self::Flood => ("1", "1 M tiny tasks from one producer, detached", const { &[rate("crossbeam")] }),
            Self::FloodDropped => ("1b", "the same, the handle dropped", const { &[rate("crossbeam")] }),
            Self::FloodCaptureLess => ("1c", "the same, detached, nothing captured", const { &[rate("crossbeam")] }),
            Self::FourProducers => {
                ("2", "1 M tiny tasks from four producers, detached", const { &[rate("crossbeam")] })
            }
            Self::Tree => {
                ("3", "a binary tree of depth 17, spawned from inside the bodies", const { &[rate("rayon")] })
            }
            Self::Handles => ("4", "every result waited for, 100 k handles alive at once", const { &[rate("tokio")] }),
            Self::IdleWake => (
                "5",
                "submit → first instruction, the pool idle for 1 ms before",
                const {
                    &[
                        column("p50", "p50 µs", Lower, "futex"),
                        column("p99", "p99 µs", Lower, "futex"),
                        column("idle", "idle CPU ms/s", Lower, "futex"),
                    ]
                },
            ),
            Self::RoundTrip => (
                "6",
                "submit and wait from outside, one at a time",
                const { &[column("mean", "mean µs", Lower, "rusty_pool"), column("p99", "p99 µs", Lower, "rusty_pool")] },
            ),
            Self::Urgent => ("7", "a High task each 1 ms into 100 k queued Low tasks of 20 µs", URGENT),
            Self::UrgentBlocked => ("7b", "the same, Low tasks that block for 10 ms, one place in reserve", URGENT),
            Self::Interval => ("8", "a body each millisecond: how late it begins, nothing else to do", LATE),
            Self::IntervalTen => ("8b", "the same each 10 ms", LATE),
            Self::IntervalFlooded => (
                "9",
                "a body each millisecond beside two floods of pieces of 20 µs",
                const {
                    &[
                        column("p50", "late p50 µs", Lower, "std-sleep"),
                        column("p99", "late p99 µs", Lower, "std-sleep"),
                    ]
                },
            ),
            Self::ManyIntervals => ("10", "100,000 bodies of one second each, spread over it", MANY),
            Self::ManyAsyncIntervals => ("10b", "the same, async bodies", MANY),
            Self::Idle => (
                "11",
                "a pool and 100 workers, nothing to do for 10 s",
                const {
                    &[
                        column("cpu", "CPU ms", Lower, "tokio-interval"),
                        column("switches", "wake-ups", Lower, "multipool"),
                    ]
                },
            ),
            Self::Memory => (
                "12",
                "a queued task that captures 16 bytes, detached",
                const {
                    &[
                        column("allocations", "allocations", Lower, "crossbeam"),
                        column("live", "live bytes", Lower, "crossbeam"),
                    ]
                },
            ),
            Self::MemoryHandle => (
                "12b",
                "the same, the handle kept",
                const {
                    &[
                        column("allocations", "allocations", Lower, "tokio"),
                        column("live", "live bytes", Lower, "tokio"),
                    ]
                },
            ),
            Self::Items => {
                ("13", "queue worker, u64 items from one producer, unbounded", const { &[rate("crossbeam")] })
            }
            Self::ItemsFour => ("13b", "the same, four producers", const { &[rate("crossbeam")] }),
            Self::BoundedItems => {
                ("13c", "queue worker, u64 items from one producer, bound 1024", const { &[rate("crossbeam")] })
            }
            Self::BoundedItemsFour => ("13d", "the same, four producers", const { &[rate("crossbeam")] }),
            Self::PutToRun => ("14", "an item each 100 µs, from a producer that sleeps: put → run", PUT),
            Self::PutToRunBusy => ("14b", "the same from a producer that stays awake", PUT),
            Self::NestedWait => (
                "15",
                "`wait()` inside a body for a queued task",
                const {
                    &[
                        column("wait", "wait ns", Lower, "atasker"),
                        column("start_and_wait", "start + wait ns", Lower, "atasker"),
                    ]
                },
            ),
            Self::AsyncNoop => (
                "16",
                "an async task that does nothing, started and awaited inside the runtime",
                const { &[column("ns", "ns", Lower, "tokio-spawn")] },
            ),
            Self::AsyncNoopAlive => {
                ("16b", "the same, 1000 alive at once", const { &[column("ns", "ns", Lower, "tokio-spawn")] })
            }
        };
        Sheet { id, title, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        let mut ids = Scenario::ALL.map(|scenario| scenario.sheet().id);
        ids.sort_unstable();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }
}
