//! This program once more, under a tool that counts from outside.

use std::{env, error::Error, process::Command};

use crate::load::Load;

/// Why the tool can't be used here, if it can't: it is missing, or the system forbids it to trace.
pub(crate) fn obstacle(tool: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(tool).args(arguments).arg("true").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("{tool} can't run a program here ({})", output.status)),
        Err(error) => Some(format!("{tool} can't be started ({error})")),
    }
}

/// Runs `load` under the tool, and returns what the tool says on standard error.
pub(crate) fn run(tool: &str, arguments: &[&str], load: Load, times: usize) -> Result<String, Box<dyn Error>> {
    let times = times.to_string();
    let mut command = Command::new(tool);
    command.args(arguments).arg(env::current_exe()?).args(["--child", load.name(), &times]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{tool} {} {times}: {}\n{said}", load.name(), output.status).into());
    }
    Ok(said)
}

/// What one more costs: the cost of `few` and `times` more less that of `few`, so that what is paid once drops out.
pub(crate) fn each(
    cost: impl Fn(usize) -> Result<f64, Box<dyn Error>>,
    few: usize,
    times: usize,
) -> Result<f64, Box<dyn Error>> {
    Ok((least(|| cost(few + times))? - least(|| cost(few))?) / times as f64)
}

/// The least of three: what disturbs adds to a cost and never takes any away.
pub(crate) fn least(measure: impl Fn() -> Result<f64, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    (0..3).try_fold(f64::INFINITY, |least, _| Ok(least.min(measure()?)))
}
