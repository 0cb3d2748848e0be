//! Measures atasker beside its peers: the same scenarios, one process for each measurement.
//!
//! Reading order: [`cli`] says what is asked for, [`parent`] plans the rounds and starts a child for each
//! measurement, [`child`] runs one scenario with one peer, [`report`] prints what came back.
//! [`scenario`] says what is measured and knows no peer; [`peer`] says how each peer is called and measures nothing.

mod allocations;
mod child;
mod cli;
mod clock;
mod countdown;
mod gate;
mod machine;
mod parent;
mod peer;
mod record;
mod report;
mod scenario;
mod stats;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() -> ExitCode {
    let done = match cli::parse(std::env::args_os().skip(1)) {
        Ok(cli::Command::Help) => {
            print!("{}", cli::HELP);
            Ok(())
        }
        Ok(cli::Command::List) => {
            report::print_list();
            Ok(())
        }
        Ok(cli::Command::Child(order)) => child::run(&order),
        Ok(cli::Command::Parent(plan)) => parent::run(&plan),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("atasker-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
