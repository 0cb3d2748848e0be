//! How cost grows: per task with the length of the queue, the number of producers and of threads, and per worker with
//! the number of workers. Drawn into `benches/growth/`.
//!
//! Each point is measured three times, by a process of its own.

mod curve;
mod plot;
// Shared with the scenarios, which use more of it.
#[allow(dead_code)]
#[path = "../stats.rs"]
mod stats;

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use lexopt::prelude::*;

use crate::curve::Curve;

const HELP: &str = "\
Measures how the cost of tasks and workers grows, and draws it into benches/growth/.

Usage: cargo run --release -p atasker-benches --bin atasker-growth -- [OPTIONS] [CURVE]…

  --quick  the first two points of each curve, once, drawn into a temporary folder
  --help   this text

The curves: queue, workers, producers, threads (default: all).
";

/// Figures by name, in nanoseconds.
type Figures = BTreeMap<String, f64>;

/// One point of a curve: how many there were, and each figure's samples.
struct Point {
    at: u64,
    samples: BTreeMap<String, Vec<f64>>,
}

enum Task {
    Help,
    Draw { quick: bool, curves: Vec<Curve> },
    Child { curve: Curve, at: u64 },
}

fn main() -> ExitCode {
    let done = parse().map_err(Into::into).and_then(|task| match task {
        Task::Help => {
            print!("{HELP}");
            Ok(())
        }
        Task::Draw { quick, curves } => draw(quick, &curves),
        Task::Child { curve, at } => {
            println!("{}", serde_json::to_string(&curve.measure(at))?);
            Ok(())
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error: Box<dyn Error> = error;
            eprintln!("atasker-growth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Task, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let (mut quick, mut curves) = (false, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") => return Ok(Task::Help),
            Long("quick") => quick = true,
            Long("child") => return Ok(Task::Child { curve: parser.value()?.parse()?, at: parser.value()?.parse()? }),
            Value(name) => curves.push(name.parse()?),
            other => return Err(other.unexpected()),
        }
    }
    if curves.is_empty() {
        curves.extend(Curve::ALL);
    }
    Ok(Task::Draw { quick, curves })
}

fn draw(quick: bool, curves: &[Curve]) -> Result<(), Box<dyn Error>> {
    let (points, repeats) = if quick { (2, 1) } else { (usize::MAX, 3) };
    let folder = if quick {
        env::temp_dir().join("atasker-growth")
    } else {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/growth"))
    };
    fs::create_dir_all(&folder)?;
    for &curve in curves {
        let mut measured = Vec::new();
        for &at in curve.points().iter().take(points) {
            let mut point = Point { at, samples: BTreeMap::new() };
            for _ in 0..repeats {
                for (name, value) in child(curve, at)? {
                    point.samples.entry(name).or_default().push(value);
                }
            }
            print!("{:<10}{at:>10}", curve.name());
            for (name, samples) in &point.samples {
                print!("  {name} {:.1}", stats::median(samples).expect("each was measured"));
            }
            println!();
            measured.push(point);
        }
        let file = folder.join(format!("{}.svg", curve.name()));
        plot::draw(&file, curve, &measured)?;
        println!("{}", file.display());
    }
    Ok(())
}

fn child(curve: Curve, at: u64) -> Result<Figures, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?)
        .args(["--child", curve.name(), &at.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} at {at}: the child ended with {}", curve.name(), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
