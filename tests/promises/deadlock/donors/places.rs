//! Where all places of a pool or lane are held by bodies that wait, what stands in its queue waits for what they wait for.

use std::sync::{Arc, Barrier, mpsc};

use atasker::{Config, LaneConfig, Supervisor, Task, background_future, background_worker};

use super::most_active;
use crate::support::{in_time, pool, start, supervisor};

/// One body for each place of `from`, all at once, each of which waits for a task of `to`.
fn calls(from: &Supervisor, to: &Supervisor, all: &Arc<Barrier>, places: usize) -> Vec<Task<usize>> {
    let call = |number| {
        let (to, all) = (to.clone(), Arc::clone(all));
        start(from, move || {
            all.wait();
            start(&to, move || number).wait().unwrap()
        })
    };
    (0..places).map(call).collect()
}

fn results(tasks: Vec<Task<usize>>) -> Vec<usize> {
    tasks.into_iter().map(|task| task.wait().unwrap()).collect()
}

#[test]
fn two_full_supervisors_wait_for_each_other() {
    in_time(|| {
        for places in [1, 1, 1, 2, 3, 4] {
            let (here, there) = (pool(places), pool(places));
            let all = Arc::new(Barrier::new(2 * places));
            let (one, other) = (calls(&here, &there, &all, places), calls(&there, &here, &all, places));
            let expected: Vec<_> = (0..places).collect();
            assert_eq!((results(one), results(other)), (expected.clone(), expected));
            assert!(most_active(&here) <= places && most_active(&there) <= places);
        }
    });
}

#[test]
fn three_full_supervisors_wait_for_each_other_in_a_ring() {
    in_time(|| {
        let ring = [pool(1), pool(1), pool(1)];
        let all = Arc::new(Barrier::new(3));
        let tasks = (0..3).flat_map(|n| calls(&ring[n], &ring[(n + 1) % 3], &all, 1)).collect();
        assert_eq!(results(tasks), [0; 3]);
    });
}

/// One async body a place of the lane, all at once, each of which awaits a task of the pool; and the other way round.
#[test]
fn a_full_pool_and_a_full_lane_wait_for_each_other() {
    in_time(|| {
        for places in [1, 2, 3] {
            let s = pool(places);
            s.lane("narrow", LaneConfig::new().pool_size(places).threads(2 * places)).unwrap();
            let all = Arc::new(Barrier::new(2 * places));
            let by_lane = |number| {
                let (s, all) = (s.clone(), Arc::clone(&all));
                let body = async move {
                    all.wait();
                    start(&s, move || number).await.unwrap()
                };
                background_future(body).lane("narrow")
            };
            let by_pool = |number| {
                let (inner, all) = (s.clone(), Arc::clone(&all));
                start(&s, move || {
                    all.wait();
                    background_future(async move { number }).lane("narrow").supervisor(&inner).start().wait().unwrap()
                })
            };
            let lane: Vec<_> = (0..places).map(|number| by_lane(number).supervisor(&s).start()).collect();
            let pool: Vec<_> = (0..places).map(by_pool).collect();
            let expected: Vec<_> = (0..places).collect();
            assert_eq!((results(lane), results(pool)), (expected.clone(), expected));
        }
    });
}

#[test]
fn two_full_lanes_wait_for_each_other() {
    in_time(|| {
        for places in [1, 3] {
            let s = supervisor(Config::new());
            for lane in ["left", "right"] {
                s.lane(lane, LaneConfig::new().pool_size(places).threads(places)).unwrap();
            }
            let all = Arc::new(Barrier::new(2 * places));
            let call = |from: &'static str, to: &'static str, number| {
                let (inner, all) = (s.clone(), Arc::clone(&all));
                let body = async move {
                    all.wait();
                    background_future(async move { number }).lane(to).supervisor(&inner).start().await.unwrap()
                };
                background_future(body).lane(from).supervisor(&s).start()
            };
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for number in 0..places {
                left.push(call("left", "right", number));
                right.push(call("right", "left", number));
            }
            let expected: Vec<_> = (0..places).collect();
            assert_eq!((results(left), results(right)), (expected.clone(), expected));
        }
    });
}

/// The queue's worker waits for a place of the other pool, whose body waits for a task of this one.
#[test]
fn a_put_to_a_full_queue_of_a_full_supervisor_leads_on() {
    in_time(|| {
        let (here, there) = (pool(1), pool(1));
        let (go, gone) = mpsc::channel();
        let (back, began) = (here.clone(), mpsc::channel());
        let holder = start(&there, move || {
            began.0.send(()).unwrap();
            gone.recv().unwrap();
            start(&back, || 7).wait().unwrap()
        });
        began.1.recv().unwrap();
        let queue = background_worker(|_: u32| {}).queue_bounded(1).supervisor(&there).start().unwrap();
        queue.put(0).unwrap();
        let putter = queue.clone();
        let putting = start(&here, move || {
            go.send(()).unwrap();
            putter.put(1).unwrap();
        });
        putting.wait().unwrap();
        assert_eq!(holder.wait().unwrap(), 7);
        queue.stop();
        assert_eq!(queue.info().runs, 2);
    });
}

/// What runs will give its place back by itself, so no place is lent for it.
#[test]
fn no_place_is_lent_while_a_body_runs_in_one_of_them() {
    in_time(|| {
        let (here, there) = (pool(1), pool(2));
        let (go, gone) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let (runs, waits) = (tell.clone(), tell.clone());
        let running = start(&there, move || {
            runs.send("runs").unwrap();
            gone.recv().unwrap();
        });
        let (back, stranger) = (here.clone(), tell.clone());
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let waiting = start(&there, move || {
            waits.send("waits").unwrap();
            may_go_on.recv().unwrap();
            start(&back, move || stranger.send("stranger").unwrap()).wait().unwrap();
        });
        assert_ne!(told.recv().unwrap(), told.recv().unwrap());
        let (other, ends) = (there.clone(), tell);
        let outer = start(&here, move || {
            let behind = start(&other, || ());
            go_on.send(()).unwrap();
            behind.wait().unwrap();
            ends.send("outer").unwrap();
        });
        while there.info().queued.total() == 0 || here.info().queued.total() == 0 {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        outer.wait().unwrap();
        waiting.wait().unwrap();
        running.wait().unwrap();
        assert_eq!((told.recv().unwrap(), told.recv().unwrap()), ("outer", "stranger"));
    });
}

/// A body of `there` in flight, which waits for what `start` starts as soon as it may go on; and what lets it.
fn waits_when_told<R: Send + 'static>(
    there: &Supervisor,
    starts: impl FnOnce() -> Task<R> + Send + 'static,
) -> (Task<R>, mpsc::Sender<()>) {
    let (began, begun) = mpsc::channel();
    let (go, gone) = mpsc::channel();
    let waiting = start(there, move || {
        began.send(()).unwrap();
        gone.recv().unwrap();
        starts().wait().unwrap()
    });
    begun.recv().unwrap();
    (waiting, go)
}

#[test]
fn a_stop_of_another_supervisor_lends_the_place_to_what_its_bodies_wait_for() {
    in_time(|| {
        let (here, there) = (pool(1), pool(1));
        let (back, other) = (here.clone(), there.clone());
        let (waiting, go) = waits_when_told(&there, move || start(&back, || 5));
        let stopping = start(&here, move || {
            go.send(()).unwrap();
            other.stop().complete
        });
        assert!(stopping.wait().unwrap());
        assert_eq!(waiting.wait().unwrap(), 5);
    });
}

#[test]
fn an_async_stop_of_another_supervisor_lends_the_place_too() {
    in_time(|| {
        let (here, there) = (supervisor(Config::new()), pool(1));
        let lane = here.lane("narrow", LaneConfig::new().pool_size(1)).unwrap();
        let (back, other) = (lane.clone(), there.clone());
        let (waiting, go) = waits_when_told(&there, move || back.start(async { 5 }));
        let stopping = lane.start(async move {
            go.send(()).unwrap();
            other.stop_async().await.complete
        });
        assert!(stopping.wait().unwrap());
        assert_eq!(waiting.wait().unwrap(), 5);
    });
}

/// Where a body of the storm runs.
#[derive(Clone, Copy)]
enum Spot {
    Pool(usize),
    Lane(usize),
    Free(usize),
}

/// Supervisors with few places, each with a lane of few places and one without limits.
#[derive(Clone)]
struct Storm {
    supervisors: Arc<[Supervisor]>,
    seed: u64,
    depth: u32,
}

impl Storm {
    /// The next of a row of numbers that look random (splitmix).
    fn next(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.seed ^ self.seed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ mixed >> 27) % below
    }

    fn spot(&mut self) -> Spot {
        let supervisor = self.next(self.supervisors.len() as u64) as usize;
        match self.next(4) {
            0 | 1 => Spot::Pool(supervisor),
            2 => Spot::Lane(supervisor),
            _ => Spot::Free(supervisor),
        }
    }

    /// Starts a body somewhere: how many bodies have run below it, itself among them.
    fn start(&mut self) -> Task<u64> {
        let spot = self.spot();
        let mut inner = Self { seed: self.next(u64::MAX), depth: self.depth - 1, ..self.clone() };
        match spot {
            Spot::Pool(at) => start(&self.supervisors[at], move || inner.run()),
            Spot::Lane(at) => {
                background_future(inner.run_async()).lane("narrow").supervisor(&self.supervisors[at]).start()
            }
            Spot::Free(at) => background_future(inner.run_async()).supervisor(&self.supervisors[at]).start(),
        }
    }

    fn children(&mut self) -> Vec<Task<u64>> {
        let count = if self.depth == 0 { 0 } else { self.next(3) };
        (0..count).map(|_| self.start()).collect()
    }

    fn run(&mut self) -> u64 {
        let children = self.children();
        match self.next(3) {
            0 => children.into_iter().fold(1, |sum, child| sum + child.wait().unwrap()),
            1 => children.into_iter().rev().fold(1, |sum, child| sum + child.wait().unwrap()),
            _ => 1 + atasker::wait_completed(children).unwrap().into_iter().sum::<u64>(),
        }
    }

    fn run_async(mut self) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            let mut sum = 1;
            let children = self.children();
            if self.next(2) == 0 {
                sum += atasker::wait_completed_async(children).await.unwrap().into_iter().sum::<u64>();
            } else {
                for child in children.into_iter().rev() {
                    sum += child.await.unwrap();
                }
            }
            sum
        })
    }
}

/// Trees of bodies that wait for those below them, anywhere: there is no cycle among them, so all end.
#[test]
fn a_storm_of_waits_over_pools_and_lanes_ends_and_keeps_the_ceilings() {
    for seed in 0..300 {
        let ended = in_time(move || {
            let places = |n: u64| 1 + (seed >> n & 1) as usize;
            let tested: Vec<_> = (0..3).map(|n| pool(places(n))).collect();
            let supervisors: Arc<[Supervisor]> = tested.iter().map(|tested| Supervisor::clone(tested)).collect();
            for (supervisor, n) in supervisors.iter().zip(3..) {
                supervisor.lane("narrow", LaneConfig::new().pool_size(places(n))).unwrap();
            }
            let mut storm = Storm { supervisors: Arc::clone(&supervisors), seed, depth: 6 };
            let roots: Vec<_> = (0..12).map(|_| storm.start()).collect();
            let bodies: u64 = roots.into_iter().map(|root| root.wait().unwrap()).sum();
            let within = supervisors.iter().zip(0..).all(|(supervisor, n)| most_active(supervisor) <= places(n));
            (bodies >= 12, within)
        });
        assert_eq!(ended, (true, true), "seed {seed}");
    }
}

/// What is found beyond the places of another pool may wait for the donor itself: it runs on a thread of its own.
#[test]
fn what_is_found_beyond_places_is_not_run_on_top_of_what_it_waits_for() {
    in_time(|| {
        for over_another in [false, true] {
            for _ in 0..20 {
                let (a, b, c) = (pool(1), pool(1), pool(2));
                let (hand, handed) = mpsc::channel::<Task<u32>>();
                let (tell, told) = mpsc::channel();
                let began = tell.clone();
                let a1 = start(&a, move || {
                    began.send(()).unwrap();
                    handed.recv().unwrap().wait().unwrap()
                });
                told.recv().unwrap();
                let below = if over_another { start(&c, move || a1.wait().unwrap()) } else { a1 };
                let on_a = start(&a, move || below.wait());
                let b1 = start(&b, move || {
                    tell.send(()).unwrap();
                    on_a.wait().unwrap()
                });
                told.recv().unwrap();
                hand.send(start(&b, || 7)).unwrap();
                assert_eq!(b1.wait().unwrap().unwrap(), 7);
            }
        }
    });
}

/// B1 → B2 → A1 → B3 → B4 → A2 → B5, where B has one place and a limit of one nested body.
#[test]
fn a_chain_over_two_pools_goes_on_beyond_the_nesting_limit() {
    fn chain(pools: [Supervisor; 2], mut way: Vec<usize>) -> u32 {
        let Some(next) = way.pop() else { return 0 };
        let to = pools[next].clone();
        start(&to, move || chain(pools, way)).wait().unwrap() + 1
    }
    in_time(|| {
        for way in [vec![1, 0, 1, 1, 0, 1, 1], [1, 0].repeat(20), [1, 1, 0, 0, 1, 0].repeat(10)] {
            for _ in 0..20 {
                let narrow = Config::new().pool_size(1).reserve_normal(0).reserve_high(0).max_nesting(1);
                let (a, b) = (pool(1), supervisor(narrow));
                let pools = [Supervisor::clone(&a), Supervisor::clone(&b)];
                let length = way.len() as u32;
                assert_eq!(chain(pools, way.clone()), length);
            }
        }
    });
}
