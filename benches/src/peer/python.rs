//! The Python library that this one is named after, by a script that measures it in its own process.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{peer::Peer, record::Figures, scenario::Scenario};

/// Its sizes are a tiny part of the others', since with a limit on its pool it does some 20 to 30 tasks a second.
pub(crate) static ORIGINAL: Peer = Peer {
    name: "python",
    about: "the Python library `atasker`, by the first python3 on PATH that has it; tiny sizes, pool size 2",
    runs: &[
        (Scenario::Flood, |run| measure("flood", &[run.size(60, 5)])),
        (Scenario::IntervalTen, |run| measure("interval", &[run.size(200, 15), 10])),
        (Scenario::Idle, |run| measure("idle", &[run.size(10_000, 100)])),
        (Scenario::Items, |run| measure("items", &[run.size(30, 3)])),
    ],
};

const SCRIPT: &str = include_str!("../../python/original.py");

/// Why it can't be measured here, if so.
pub(crate) fn absent() -> Option<String> {
    let asked = candidates().count();
    match interpreter() {
        Some(_) => None,
        None if asked == 0 => Some("there is no python3 on PATH".to_owned()),
        None => Some(format!("none of the {asked} python3 on PATH can import the library `atasker`")),
    }
}

fn measure(what: &str, sizes: &[u64]) -> Figures {
    let python = interpreter().expect("the parent asks for it only where there is one");
    let sizes = sizes.iter().map(u64::to_string);
    let output = python_at(&python).args([SCRIPT, what]).args(sizes).stderr(Stdio::inherit()).output();
    let output = output.expect("it could be started before");
    assert!(output.status.success(), "the script ended with {}", output.status);
    serde_json::from_slice(&output.stdout).expect("the script prints figures by name")
}

/// The first that has the library.
fn interpreter() -> Option<PathBuf> {
    candidates().find(|python| {
        let tried = python_at(python).arg("from atasker import task_supervisor").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    })
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.into_iter().map(|folder| folder.join("python3")).filter(|python| python.is_file())
}

/// To be given the program. Not in our own folder, where Python would take the crate's folder for the library.
fn python_at(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.current_dir(env::temp_dir()).arg("-c");
    command
}
