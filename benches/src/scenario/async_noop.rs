//! Scenario 16: async tasks that do nothing, started and awaited from inside the runtime.

use crate::{
    clock,
    peer::{Async, Size},
    record::{Figures, figures},
    scenario::Run,
    stats,
};

/// So many are alive at once in 16b.
const ALIVE: u64 = 1_000;

/// Batches of tasks; the median of their means is the figure.
const BATCHES: u64 = 50;

/// Scenario 16: nanoseconds from the start of a task to its result, one at a time.
pub(crate) fn one_after_the_other<P: Async>(run: &Run) -> Figures {
    measure::<P>(run, 1)
}

/// Scenario 16b: the same with many alive; nanoseconds for each.
pub(crate) fn many_alive<P: Async>(run: &Run) -> Figures {
    measure::<P>(run, ALIVE)
}

fn measure<P: Async>(run: &Run, alive: u64) -> Figures {
    let lane = P::open(Size::TWO);
    let batch = run.size(20_000, ALIVE) / alive;
    let body = async move {
        let mut nanos = Vec::new();
        for _ in 0..BATCHES {
            let start = clock::nanos();
            for _ in 0..batch {
                await_all(lane, alive).await;
            }
            nanos.push((clock::nanos() - start) as f64 / (batch * alive) as f64);
        }
        nanos
    };
    let nanos = lane.run(body);
    figures([("ns", stats::percentile(&nanos, 50.0).expect("there are samples"))])
}

async fn await_all<P: Async>(lane: &'static P, alive: u64) {
    if alive == 1 {
        assert_eq!(lane.start(1).await, 1);
        return;
    }
    let tasks: Vec<_> = (0..alive).map(|n| lane.start(n)).collect();
    for (expected, task) in (0..).zip(tasks) {
        assert_eq!(task.await, expected, "a result belongs to its task");
    }
}
