//! However deep bodies wait for each other, no stack overflows.

use std::sync::mpsc;

use atasker::{Config, QueueWorker, Supervisor, background_future, background_worker};

use crate::support::{PATIENCE, Tested, child_ends_with, in_limited_child, start, supervisor};

/// A thousand workers, each of which fills the queue of the next, and stacks of every size.
fn chain_of_queues(s: &Tested, length: usize) {
    let (tell, told) = mpsc::channel();
    let last = background_worker(move |n: u32| _ = tell.send(n));
    let mut queue: QueueWorker<u32> = last.queue_bounded(1).supervisor(s).start().unwrap();
    for _ in 0..length {
        let to = queue;
        let mut first = true;
        let worker = background_worker(move |_: u32| {
            if std::mem::take(&mut first) {
                to.put(0).unwrap();
                // The supervisor may stop by then, and with it the next.
                (1..3).for_each(|n| _ = to.put(n));
            }
        });
        queue = worker.queue_bounded(1).supervisor(s).start().unwrap();
    }
    queue.put(0).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), 0);
}

#[test]
fn a_chain_of_full_queues_never_overflows_a_stack() {
    let test = "deadlock::donors::stacks::a_chain_of_full_queues_never_overflows_a_stack";
    if !in_limited_child() {
        child_ends_with(test, 0);
        return;
    }
    let narrow = Config::new().pool_size(1).reserve_normal(0).reserve_high(0);
    for (stack, nesting) in
        [(64, 64), (64, 10_000), (128, 10_000), (256, 64), (512, 10_000), (2048, 10_000), (8192, 10_000)]
    {
        let s = supervisor(narrow.clone().stack_size(stack << 10).max_nesting(nesting));
        chain_of_queues(&s, 1_000);
    }
}

#[test]
fn every_legal_nesting_holds_in_every_stack() {
    fn chain(s: Supervisor, length: u32) -> u32 {
        if length == 0 {
            return 0;
        }
        let inner = s.clone();
        start(&s, move || chain(inner, length - 1)).wait().unwrap() + 1
    }
    /// The same, each time by way of an async task.
    fn detour(s: Supervisor, length: u32) -> u32 {
        if length == 0 {
            return 0;
        }
        let inner = s.clone();
        let way = async move {
            let deeper = inner.clone();
            start(&inner, move || detour(deeper, length - 1)).await.unwrap()
        };
        background_future(way).supervisor(&s).start().wait().unwrap() + 1
    }
    let test = "deadlock::donors::stacks::every_legal_nesting_holds_in_every_stack";
    if !in_limited_child() {
        child_ends_with(test, 0);
        return;
    }
    let narrow = Config::new().pool_size(1).reserve_normal(0).reserve_high(0);
    for stack in [64, 96, 128, 256, 1024, 2048, 8192] {
        let s = supervisor(narrow.clone().stack_size(stack << 10).max_nesting(10_000));
        for way in [chain, detour] {
            let inner = s.clone();
            assert_eq!(start(&s, move || way(inner, 1_000)).wait().unwrap(), 1_000, "{stack} KiB");
        }
    }
}
