//! The command line, as plain data. It knows the names of scenarios and peers, and starts nothing.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use lexopt::prelude::*;

use crate::{peer::Peer, scenario::Scenario};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Measures atasker beside its peers, each measurement in a process of its own.

Usage: cargo run --release -p atasker-benches -- [OPTIONS]

  --scenario 1,2,…  only these scenarios (default: all; `--list` names them)
  --peers a,b       only these peers (default: all that implement the scenario)
  --rounds N        interleaved rounds (default: 3)
  --scale F         multiply the sizes (default: 1)
  --quick           one round of tiny sizes: a smoke test, its figures mean nothing
  --calm SECONDS    wait up to so long for a calm machine before each measurement, and take
                    one that was disturbed again (default: 0, neither)
  --json FILE       append a JSON line for each measurement
  --list            name the scenarios and the peers of each
  --help            this text
";

/// What the command line asks for.
pub(crate) enum Command {
    Help,
    List,
    Parent(Plan),
    Child(Order),
}

/// What the parent is to measure.
pub(crate) struct Plan {
    /// In the order of the documentation, whatever the order on the command line.
    pub(crate) scenarios: Vec<Scenario>,
    /// Empty means all.
    pub(crate) peers: Vec<&'static Peer>,
    pub(crate) rounds: usize,
    pub(crate) scale: f64,
    /// How long to wait for a calm machine; zero: not at all, and what was disturbed stands.
    pub(crate) calm: Duration,
    pub(crate) json: Option<PathBuf>,
}

/// What one child is to measure.
pub(crate) struct Order {
    pub(crate) scenario: Scenario,
    pub(crate) peer: &'static Peer,
    pub(crate) scale: f64,
    /// Iterations of the 20 µs spin, so that every child does the same work; a child started by hand finds out itself.
    pub(crate) spin: Option<u64>,
}

/// Reads the arguments (without the program's name).
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut plan =
        Plan { scenarios: Vec::new(), peers: Vec::new(), rounds: 3, scale: 1.0, calm: Duration::ZERO, json: None };
    let mut child = None;
    let mut spin = None;
    let mut quick = false;
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("list") => return Ok(Command::List),
            Long("scenario") => {
                for id in parser.value()?.string()?.split(',') {
                    plan.scenarios.push(scenario(id)?);
                }
            }
            Long("peers") => {
                for name in parser.value()?.string()?.split(',') {
                    plan.peers.push(peer(name)?);
                }
            }
            Long("rounds") => plan.rounds = parser.value()?.parse()?,
            Long("scale") => plan.scale = parser.value()?.parse()?,
            Long("quick") => quick = true,
            Long("calm") => plan.calm = Duration::from_secs(parser.value()?.parse()?),
            Long("json") => plan.json = Some(parser.value()?.into()),
            Long("child") => child = Some((scenario(&parser.value()?.string()?)?, peer(&parser.value()?.string()?)?)),
            Long("spin") => spin = Some(parser.value()?.parse()?),
            _ => return Err(arg.unexpected()),
        }
    }
    if !(plan.scale > 0.0 && plan.scale.is_finite()) || plan.rounds == 0 {
        return Err("`--scale` and `--rounds` must be above zero".into());
    }
    if let Some((scenario, peer)) = child {
        return Ok(Command::Child(Order { scenario, peer, scale: plan.scale, spin }));
    }
    if quick {
        plan.rounds = 1;
        plan.scale = 0.01;
    }
    let wanted = plan.scenarios;
    plan.scenarios =
        Scenario::ALL.into_iter().filter(|scenario| wanted.is_empty() || wanted.contains(scenario)).collect();
    Ok(Command::Parent(plan))
}

fn scenario(id: &str) -> Result<Scenario, String> {
    Scenario::ALL
        .into_iter()
        .find(|scenario| scenario.sheet().id == id)
        .ok_or_else(|| format!("there is no scenario `{id}`; `--list` names them"))
}

fn peer(name: &str) -> Result<&'static Peer, String> {
    Peer::named(name).ok_or_else(|| format!("there is no peer `{name}`; `--list` names them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(args: &[&str]) -> Plan {
        match parse(args.iter().map(OsString::from)) {
            Ok(Command::Parent(plan)) => plan,
            Ok(_) => panic!("not a plan"),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn everything_is_measured_unless_told() {
        let plan = plan(&[]);
        assert_eq!(plan.scenarios, Scenario::ALL);
        assert!(plan.peers.is_empty());
        assert_eq!(plan.rounds, 3);
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let plan = plan(&["--scenario", "7b,1", "--peers=rayon,tokio"]);
        assert_eq!(plan.scenarios, [Scenario::Flood, Scenario::UrgentBlocked]);
        assert_eq!(plan.peers.iter().map(|peer| peer.name).collect::<Vec<_>>(), ["rayon", "tokio"]);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert!(parse(["--scenario", "99"].iter().map(OsString::from)).is_err());
        assert!(parse(["--peers", "nobody"].iter().map(OsString::from)).is_err());
    }
}
