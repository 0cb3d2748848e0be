//! Instructions from submission to the end of the run, all threads together, counted by callgrind.
//!
//! Valgrind runs one thread at a time, and the pool's one thread runs after everything is submitted, so no thread
//! contends with another. Yet two runs differ by up to a tenth: how much a pool thread takes ahead depends on how fast
//! its bodies end, by the clock, and under valgrind that is up to the machine. What disturbs makes a thread take less
//! at once and look more often, so the least of several runs is what the work itself costs.

use std::error::Error;

use crate::{
    figure::{Measured, Section},
    load::{EVENTS, Load},
    tool,
};

const TOOL: &str = "valgrind";
const ARGUMENTS: [&str; 3] = ["--tool=callgrind", "--callgrind-out-file=/dev/null", "--fair-sched=try"];
/// Multiples of [`EVENTS`], so that each trigger is counted.
const FEW: usize = EVENTS;
const TIMES: usize = 20 * EVENTS;

pub(crate) fn measure(to: &mut Measured) -> Result<(), Box<dyn Error>> {
    let obstacle = tool::obstacle(TOOL, &ARGUMENTS);
    for load in [Load::Detached, Load::Handle, Load::Item, Load::Trigger] {
        match &obstacle {
            Some(why) => to.skip(Section::Instructions, load.name(), why),
            None => {
                to.push(Section::Instructions, load.name(), tool::each(|times| collected(load, times), FEW, TIMES)?);
            }
        }
    }
    Ok(())
}

/// All instructions of a process, from the line `==1== Collected : 12345`.
fn collected(load: Load, times: usize) -> Result<f64, Box<dyn Error>> {
    let said = tool::run(TOOL, &ARGUMENTS, load, times)?;
    let count = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    count.ok_or_else(|| format!("valgrind did not say how much it collected:\n{said}").into())
}
