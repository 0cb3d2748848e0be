//! Nothing that a user defines or leaves out gets between generated code and what it means.

#![deny(warnings)]

mod shadowed {
    #![allow(dead_code, non_camel_case_types)]

    pub struct Result;
    pub struct Option;
    pub struct String;
    pub struct Duration;
    pub struct Priority;
    pub struct Task;
    pub trait Send {}
    pub trait Into {}
    pub trait Clone {}
    pub mod core {}
    pub mod std {}
    pub mod atasker {}

    #[::atasker::background_task(priority = High, delay = 1ns, name = "shadowed")]
    pub fn task(x: u8, y: impl ::core::fmt::Display + ::core::marker::Send + 'static) -> u8 {
        let _ = y;
        x
    }

    #[::atasker::background_worker(interval = 1h, initial = 1h, missed = burst, priority = Low, autostart)]
    pub fn worker() {}

    #[::atasker::background_worker(queue = 2)]
    pub fn queue(_item: u8, _a: &u8, _b: &mut u8, _c: u8) {}
}

mod bare {
    #![no_implicit_prelude]

    #[::atasker::background_task(priority = High)]
    pub fn task(x: u8) -> u8 {
        x
    }

    #[::atasker::background_worker(queue)]
    pub fn queue(_item: u8, _a: &u8, _b: &mut u8, _c: u8) {}
}

fn main() -> atasker::Result<()> {
    shadowed::task::with(atasker::Priority::Low)(1, 2).wait()?;
    shadowed::worker.trigger();
    shadowed::queue.start(1, 2, 3)?;
    bare::task::with(atasker::Priority::Low)(1).wait()?;
    bare::queue.start(1, 2, 3)?;
    Ok(())
}
