//! Scenario 3: tasks that spawn tasks, two each, until the tree is as deep as wanted.

use std::time::Instant;

use crate::{
    countdown::Countdown,
    peer::{Pool, Size},
    record::Figures,
    scenario::{Run, repeat},
};

static NODES: Countdown = Countdown::new();

/// Scenario 3: the tree's nodes a second.
pub(crate) fn from_inside<P: Pool>(run: &Run) -> Figures {
    let pool = P::open(Size::TWO);
    // Depth 17 is 2^18 − 1 nodes; scaled by nodes.
    let depth = run.size(1 << 18, 1 << 8).ilog2() - 1;
    grow(pool, depth.min(10));
    repeat::rate(run, || grow(pool, depth))
}

/// Grows one tree; millions of nodes a second.
fn grow<P: Pool>(pool: &'static P, depth: u32) -> f64 {
    let nodes = (1_u64 << (depth + 1)) - 1;
    NODES.expect(nodes);
    let start = Instant::now();
    pool.detach(move || node(pool, depth));
    NODES.wait();
    nodes as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn node<P: Pool>(pool: &'static P, depth: u32) {
    if depth > 0 {
        pool.nested(move || node(pool, depth - 1));
        pool.nested(move || node(pool, depth - 1));
    }
    NODES.hit();
}
