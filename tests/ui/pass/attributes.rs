//! Other attributes of the function, on the items made from it.

#![deny(warnings)]

use atasker::{background_task, background_worker};

#[cfg(any())]
#[background_task]
fn absent() {
    nowhere::at_all();
}

#[background_task]
#[cfg(not(any()))]
fn present() {}

#[cfg(not(any()))]
#[background_task]
fn chosen() -> u8 {
    1
}

#[cfg(any())]
#[background_task]
fn chosen() -> u16 {
    2
}

#[cfg_attr(not(any()), allow(non_snake_case))]
#[background_task]
fn Loud(X: u8) -> u8 {
    X
}

#[background_task]
#[expect(non_snake_case)]
fn Expected() {}

#[background_task]
#[expect(
    unused_variables,
    clippy::too_many_arguments,
    reason = "not needed here"
)]
fn unused(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) {}

#[background_task]
#[must_use]
fn needed() -> u8 {
    1
}

#[background_task]
#[inline]
#[track_caller]
fn inlined() {}

#[deprecated = "write `present`"]
#[background_task]
fn old(x: u8) -> u8 {
    if x == 0 { x } else { old::call(x - 1) }
}

#[cfg(any())]
#[background_worker]
fn absent() {}

#[deprecated(note = "write another")]
#[background_worker(event)]
fn old_worker() {}

#[background_worker(event)]
#[expect(unused_variables)]
#[cold]
fn Worker(state: &u8) {}

mod documented {
    #![deny(missing_docs, unreachable_pub)]

    /// A task.
    ///
    /// With more to say.
    #[atasker::background_task]
    #[doc(alias = "job")]
    pub(crate) fn task() {}

    #[atasker::background_worker(event)]
    /// A worker.
    pub(crate) fn worker() {}
}

fn main() {
    present();
    chosen();
    Loud(1);
    Expected();
    unused(1, 2, 3, 4, 5, 6, 7, 8);
    drop(needed());
    let _ = needed::call();
    needed::detach();
    inlined();
    let _ = &Worker;
    documented::task();
    let _ = &documented::worker;
    #[expect(deprecated)]
    old(1);
    #[expect(deprecated)]
    old::detach(1);
    #[expect(deprecated)]
    let _ = old_worker.is_running();
}
