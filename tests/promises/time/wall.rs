//! The wall clock: what is planned by it follows it, and nothing else does.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atasker::{Align, Config, Error, MissedTick, Schedule, ScheduleContext, When, WorkerContext, background_worker};

use super::HOUR;
use crate::support::{Tested, clocked_pool, eventually, next, supervisor};

const MINUTE: Duration = Duration::from_secs(60);

/// Runs at the full hours of the wall clock.
struct Hourly;

impl Schedule for Hourly {
    fn next(&mut self, cx: &ScheduleContext) -> Option<When> {
        let hours = cx.wall().duration_since(UNIX_EPOCH).ok()?.as_secs() / 3600;
        Some(When::Wall(hour(hours + 1)))
    }
}

fn hour(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(number * 3600)
}

fn hourly(s: &Tested) -> Receiver<SystemTime> {
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send(cx.due_on_wall().unwrap()).unwrap();
    background_worker(body).schedule(Hourly).name("hourly").supervisor(s).start().unwrap();
    told
}

#[test]
fn wall_clock_jumps_do_not_move_intervals() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send((cx.due(), cx.missed())).unwrap();
    background_worker(body).interval(MINUTE).supervisor(&s).start().unwrap();
    let began = clock.now();
    for run in 0..20 {
        clock.run_until_idle();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [(began + MINUTE * run, 0)]);
        clock.set_wall(if run % 2 == 0 { clock.wall() + HOUR * 24 } else { clock.wall() - HOUR * 30 });
        clock.advance(MINUTE - Duration::from_nanos(1));
        assert_eq!(told.try_iter().count(), 0, "it is early");
        clock.advance(Duration::from_nanos(1));
    }
}

#[test]
fn a_jump_forward_past_the_time_runs_it_once() {
    let (s, clock) = clocked_pool(1);
    let told = hourly(&s);
    let first = hour(clock.wall().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600) + HOUR;
    clock.advance(MINUTE);
    assert_eq!(s.info().worker("hourly").unwrap().next_run(), Some(first));
    clock.set_wall(clock.wall() + HOUR * 1000);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [first], "at once, and not a thousand times");
    assert_eq!(clock.advance_to_next(), Some(HOUR - MINUTE), "and then when the clock says so");
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [first + HOUR * 1000]);
}

#[test]
fn a_jump_back_plans_anew() {
    let (s, clock) = clocked_pool(1);
    let told = hourly(&s);
    clock.advance(HOUR * 2 + MINUTE);
    let ran: Vec<_> = told.try_iter().collect();
    assert_eq!(ran.len(), 2);
    clock.set_wall(clock.wall() - HOUR * 500);
    assert_eq!(told.try_iter().count(), 0, "the jump runs nothing");
    assert_eq!(clock.advance_to_next(), Some(HOUR - MINUTE), "and nobody waits for 500 hours");
    assert_eq!(next(&told), ran[1] - HOUR * 499);
}

#[test]
fn an_aligned_grid_has_round_multiples_and_follows_the_wall_clock() {
    let (s, clock) = clocked_pool(1);
    clock.set_wall(hour(500_000) + Duration::from_secs(17));
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send((cx.due_on_wall().unwrap(), cx.missed())).unwrap();
    let worker = background_worker(body).interval(MINUTE).align(Align::Wall).supervisor(&s).start().unwrap();
    clock.advance(MINUTE * 3);
    let on = |minute: u32| (hour(500_000) + MINUTE * minute, 0);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [on(1), on(2), on(3)]);
    // Put back by half a minute: what has run does not come again.
    clock.set_wall(clock.wall() - MINUTE / 2);
    clock.advance(MINUTE * 2);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [on(4)]);
    // Another interval has its own multiples; a pause misses nothing.
    worker.set_interval(MINUTE * 15).unwrap();
    worker.pause();
    clock.advance(HOUR);
    worker.resume();
    clock.advance(MINUTE * 15);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [on(75)]);
    assert_eq!(worker.info().missed, 0);
}

#[test]
fn an_aligned_grid_can_not_be_moved_by_a_late_tick() {
    let (s, _clock) = clocked_pool(1);
    let builder = background_worker(|| ()).interval(MINUTE).align(Align::Wall).missed(MissedTick::Delay);
    let Err(Error::Config(error)) = builder.supervisor(&s).start() else { panic!("it is refused") };
    assert_eq!(error.field(), "align");
}

/// On the system's clock: it has a thread that hears of settings of the wall clock, which leaves with the others.
#[test]
fn the_systems_wall_clock_rings_too() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0));
    let (tell, told) = mpsc::channel();
    let soon = |cx: &ScheduleContext| Some(When::Wall(cx.wall() + Duration::from_millis(1)));
    let body = move |cx: &WorkerContext| tell.send((cx.due_on_wall().unwrap(), SystemTime::now())).unwrap();
    let worker = background_worker(body).schedule(soon).supervisor(&s).start().unwrap();
    for _ in 0..20 {
        let (due, now) = next(&told);
        assert!(due <= now, "{due:?} is early at {now:?}");
    }
    if cfg!(target_os = "linux") {
        eventually("a thread hears of the wall clock", || s.threads().iter().any(|name| name.ends_with("-wall")));
    }
    worker.stop();
}
