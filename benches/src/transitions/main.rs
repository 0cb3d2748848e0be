//! What cron does when clocks change: the same lines in the same zones, asked of atasker and of its peers. Printed as the
//! table of `benches/TRANSITIONS.md`.
//!
//! No time passes: each is asked by its own code for the run after the last, from the moment its job was made.

mod case;
mod peer;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use case::CASES;
use peer::PEERS;

const HEAD: &str = include_str!("head.md");

fn main() -> ExitCode {
    if env::args().nth(1).is_some() {
        eprintln!("Usage: cargo run -p atasker-benches --bin atasker-transitions > benches/TRANSITIONS.md");
        return ExitCode::FAILURE;
    }
    match table() {
        Ok(table) => {
            print!("{HEAD}\n{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn table() -> Result<String, Box<dyn Error>> {
    let names: Vec<&str> = PEERS.iter().map(|(name, _)| *name).collect();
    let mut rows = vec![format!("| what happens | line, zone | {} |", names.join(" | "))];
    rows.push(format!("|---|---|{}", "---|".repeat(names.len())));
    for case in CASES {
        let cells = PEERS.iter().map(|(_, next)| case.runs(*next)).collect::<Result<Vec<_>, _>>()?;
        // What differs from ours stands out.
        let marked = cells.iter().map(|cell| if *cell == cells[0] { cell.clone() } else { format!("**{cell}**") });
        let cells = marked.collect::<Vec<_>>().join(" | ");
        rows.push(format!("| {} | `{}` {} | {cells} |", case.what, case.line, case.zone));
    }
    Ok(rows.join("\n") + "\n")
}
