#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod cron;
mod nearest;
pub mod zone;

pub use nearest::nearest;
