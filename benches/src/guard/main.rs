//! A guard against regressions that needs no clock: what a task or a worker costs in allocations, bytes, wake-ups
//! and instructions, each figure held against a bound in `benches/guard.toml`.
//!
//! Reading order: [`load`] says what is done, [`memory`], [`wakes`] and [`instructions`] count what it costs,
//! [`bounds`] compares.

#[path = "../allocations.rs"]
mod allocations;
mod bounds;
mod figure;
mod instructions;
mod load;
mod memory;
mod tool;
mod wakes;

use std::{error::Error, process::ExitCode};

use lexopt::prelude::*;

use crate::{
    bounds::Bounds,
    figure::{Measured, Section},
    load::Load,
};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

const HELP: &str = "\
Holds what atasker costs in allocations, bytes, wake-ups and instructions against the bounds of benches/guard.toml.

Usage: cargo run --release -p atasker-benches --bin atasker-guard -- [OPTIONS] [SECTION | SECTION.FIGURE]…

  --write  take what is measured now, with slack, as the new bounds (but for wakes, whose bounds are set by hand)
  --help   this text

The sections: allocations, bytes, wakes, instructions (default: all).
";

enum Command {
    Help,
    Guard {
        write: bool,
        wanted: Vec<String>,
    },
    /// What a tool that counts from outside is made to run.
    Child {
        load: Load,
        times: usize,
    },
}

fn main() -> ExitCode {
    let done = parse().map_err(Into::into).and_then(|command| match command {
        Command::Help => {
            print!("{HELP}");
            Ok(true)
        }
        Command::Guard { write, wanted } => guard(write, &wanted),
        Command::Child { load, times } => {
            load.run(times);
            Ok(true)
        }
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("atasker-guard: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let (mut write, mut wanted) = (false, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") => return Ok(Command::Help),
            Long("write") => write = true,
            Long("child") => {
                return Ok(Command::Child { load: parser.value()?.parse()?, times: parser.value()?.parse()? });
            }
            Value(name) => wanted.push(name.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Guard { write, wanted })
}

/// Measures and compares. `false`: a figure is above its bound.
fn guard(write: bool, wanted: &[String]) -> Result<bool, Box<dyn Error>> {
    let mut bounds = Bounds::load()?;
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|prefix| is_within(name, prefix));
    let touches = |section: Section| wanted.is_empty() || wanted.iter().any(|name| is_within(name, section.name()));
    let mut measured = Measured::default();
    if touches(Section::Allocations) || touches(Section::Bytes) {
        memory::measure(&mut measured);
    }
    if touches(Section::Wakes) {
        wakes::measure(&mut measured)?;
    }
    if touches(Section::Instructions) {
        instructions::measure(&mut measured)?;
    }
    measured.figures.retain(|figure| is_wanted(&figure.name()));
    measured.skipped.retain(|(name, _)| is_wanted(name));
    for (name, why) in &measured.skipped {
        println!("SKIPPED {name}: {why}");
    }
    if measured.figures.is_empty() && measured.skipped.is_empty() {
        return Err(format!("no figure is called {}", wanted.join(" or ")).into());
    }
    if write {
        bounds.write(&measured.figures)?;
        return Ok(true);
    }
    let unknown = if wanted.is_empty() { bounds.without_figure(&measured) } else { Vec::new() };
    for name in &unknown {
        eprintln!("FAILED {name}: has a bound in {} and is not measured; remove the bound", bounds::PATH);
    }
    let over = measured.figures.iter().filter(|figure| !bounds.holds(figure)).count();
    println!("{} figures, {over} above their bounds", measured.figures.len());
    Ok(over == 0 && unknown.is_empty())
}

/// Whether `name` is `prefix` or a figure of the section `prefix`.
fn is_within(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
