//! `async fn` as workers of every kind, with every sort of state.

#![deny(warnings)]

use std::sync::Arc;
use std::time::Duration;

use atasker::{WorkerContext, background_worker};

/// Names that the expansion might have used itself.
#[derive(Clone)]
struct State(u8);
struct Body(u8);

#[background_worker]
async fn looping(cx: &WorkerContext) -> std::ops::ControlFlow<()> {
    cx.request_stop();
    std::ops::ControlFlow::Break(())
}

#[background_worker(interval = 10ms, initial = 1h, priority = High)]
async fn ticking(state: State, body: &Body, count: &mut u64, name: &str, cx: &WorkerContext) {
    std::future::ready(()).await;
    *count += u64::from(state.0) + u64::from(body.0) + name.len() as u64 + cx.run();
}

#[background_worker(delay = 1s, initial = 1h, on_error = |error| eprintln!("{error}"))]
async fn delayed(text: &'static str) -> Result<(), String> {
    Err(text.to_owned())
}

#[background_worker(queue = 4)]
async fn items((a, b): (u8, Vec<u8>), cx: &WorkerContext, seen: &mut Vec<u8>) {
    seen.push(a);
    seen.extend(b);
    std::future::ready(cx.run()).await;
}

#[background_worker(event)]
async fn rung() {}

fn main() {
    looping.start().unwrap();
    ticking.start(State(1), Arc::new(Body(2)), 0, String::from("x")).unwrap();
    ticking.set_interval(Duration::from_secs(1)).unwrap();
    delayed.start("text").unwrap();
    items.start(Vec::new()).unwrap();
    items.put((1, vec![2])).unwrap();
    let second = rung.instance("second");
    second.start().unwrap();
    second.trigger();
    second.stop();
    items.stop();
    delayed.stop();
    ticking.stop();
    looping.stop();
}
