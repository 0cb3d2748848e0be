//! A `main` may give whatever any `main` may, and stand beside things of the names that an expansion uses.

#![deny(warnings)]

use std::process::{ExitCode, Termination};

use atasker::task_supervisor;

mod std_like {
    #[allow(dead_code)]
    pub(crate) struct Program;
}

#[allow(dead_code)]
struct Config;

use std_like as core;

#[allow(unused_imports)]
use core::Program;

struct Done;

impl Termination for Done {
    fn report(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

fn run() -> Result<impl Termination, std::num::ParseIntError> {
    let _: u8 = "1".parse()?;
    Ok(Done)
}

#[atasker::main()]
fn main() -> impl Termination {
    task_supervisor().stop();
    run()
}
