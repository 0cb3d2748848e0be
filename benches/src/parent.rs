//! The rounds: every measurement is a child, and the peers take turns, so that a slow minute of the machine hits all.

use std::{
    env,
    error::Error,
    fs::{File, OpenOptions},
    io::Write,
    process::{Command, Stdio},
};

use crate::{child, cli::Plan, machine, peer::Peer, record::Record, report, scenario::Scenario};

/// How often a disturbed measurement is taken at most before the calmest of them stands.
const ATTEMPTS: usize = 4;

/// Measures everything in `plan` and prints the report.
pub(crate) fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let mut json = match &plan.json {
        Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    machine::wait_until_calm(plan.calm);
    // One number for all children: each doing its own calibration would give each other work.
    let spin = child::spin_iterations();
    println!("{}; {} rounds at scale {}", machine::describe(), plan.rounds, plan.scale);
    let mut failed = 0;
    let all = present(plan);
    for &scenario in &plan.scenarios {
        let peers: Vec<_> = all.iter().copied().filter(|peer| peer.measure(scenario).is_some()).collect();
        if peers.is_empty() {
            continue;
        }
        let mut records = Vec::new();
        for round in 1..=plan.rounds {
            // Each round begins with another peer, so that nobody always follows the same neighbour.
            for turn in 0..peers.len() {
                let peer = peers[(turn + round - 1) % peers.len()];
                match measure(plan, scenario, peer, spin, round) {
                    Ok(record) => {
                        write(json.as_mut(), &record)?;
                        records.push(record);
                    }
                    // The others are measured all the same; the exit code tells in the end.
                    Err(error) => {
                        failed += 1;
                        eprintln!("atasker-bench: {} in scenario {}: {error}", peer.name, scenario.sheet().id);
                    }
                }
            }
        }
        report::print_scenario(scenario, &peers, &records);
    }
    if failed > 0 {
        return Err(format!("{failed} measurements failed, see above").into());
    }
    Ok(())
}

/// Who is wanted, measures any of the scenarios, and can be measured here; says who can't.
fn present(plan: &Plan) -> Vec<&'static Peer> {
    let wanted = |peer: &Peer| plan.peers.is_empty() || plan.peers.iter().any(|wanted| wanted.name == peer.name);
    let measures = |peer: &Peer| plan.scenarios.iter().any(|&scenario| peer.measure(scenario).is_some());
    let mut peers: Vec<_> = Peer::ALL.iter().copied().filter(|peer| wanted(peer) && measures(peer)).collect();
    peers.retain(|peer| match peer.absent() {
        Some(why) => {
            println!("{} is skipped: {why}", peer.name);
            false
        }
        None => true,
    });
    peers
}

/// Measures in a calm moment, if that is wanted and can be had.
fn measure(plan: &Plan, scenario: Scenario, peer: &Peer, spin: u64, round: usize) -> Result<Record, Box<dyn Error>> {
    let attempts = if plan.calm.is_zero() { 1 } else { ATTEMPTS };
    let mut calmest: Option<Record> = None;
    for _ in 0..attempts {
        machine::wait_until_calm(plan.calm);
        let record = child(plan, scenario, peer, spin, round)?;
        if record.machine.is_calm() {
            return Ok(record);
        }
        // Chosen by what others did, never by the figures.
        let calmer = |kept: &Record| kept.machine.foreign_cpu <= record.machine.foreign_cpu;
        calmest = calmest.filter(calmer).or(Some(record));
    }
    Ok(calmest.expect("there is at least one attempt"))
}

/// Starts one child and reads its line.
fn child(plan: &Plan, scenario: Scenario, peer: &Peer, spin: u64, round: usize) -> Result<Record, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?)
        .args(["--child", scenario.sheet().id, peer.name])
        .args(["--scale", &plan.scale.to_string()])
        .args(["--spin", &spin.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the child ended with {}", output.status).into());
    }
    let mut record: Record = serde_json::from_slice(&output.stdout)?;
    record.round = round;
    Ok(record)
}

fn write(json: Option<&mut File>, record: &Record) -> Result<(), Box<dyn Error>> {
    if let Some(file) = json {
        writeln!(file, "{}", serde_json::to_string(record)?)?;
    }
    Ok(())
}
