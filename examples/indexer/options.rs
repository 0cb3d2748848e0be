//! The command line.

use std::env;
use std::path::{Path, PathBuf};

use lexopt::{Arg, Error, Parser};

pub(crate) const USAGE: &str = "\
usage: indexer [DIR]... [--fifo] [--output FILE] [--quick]
  DIR            what to index [default: this repository and cargo's sources]
  --fifo         all priorities alike and no place kept, for comparison
  --output FILE  where the JSON lines go [default: atasker-index.jsonl in the folder for temporary files]
  --quick        only the first 500 files";

pub(crate) struct Options {
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) output: PathBuf,
    pub(crate) fifo: bool,
    pub(crate) quick: bool,
}

impl Options {
    /// Reads the command line; `None`: it asked for help, and got it.
    pub(crate) fn parse() -> Result<Option<Self>, Error> {
        let output = env::temp_dir().join("atasker-index.jsonl");
        let mut options = Self { roots: Vec::new(), output, fifo: false, quick: false };
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Value(root) => options.roots.push(root.into()),
                Arg::Long("fifo") => options.fifo = true,
                Arg::Long("quick") => options.quick = true,
                Arg::Long("output") | Arg::Short('o') => options.output = parser.value()?.into(),
                Arg::Long("help") | Arg::Short('h') => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                _ => return Err(arg.unexpected()),
            }
        }
        if options.roots.is_empty() {
            options.roots = default_roots();
        }
        Ok(Some(options))
    }
}

/// This repository, and the sources that cargo has downloaded, if there are any.
fn default_roots() -> Vec<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let sources = cargo.map(|cargo| cargo.join("registry").join("src"));
    repository.into_iter().chain(sources).filter(|root| root.is_dir()).collect()
}
