//! The command line.

use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

pub(crate) const USAGE: &str = "\
usage: gateway [--seconds N] [--port N] [--fifo]
  --seconds N  how long the load lasts [default: 20]
  --port N     where it listens on 127.0.0.1 [default: 0, one that is free]
  --fifo       all priorities alike and no place kept, for comparison: its proof fails";

pub(crate) struct Options {
    pub(crate) time: Duration,
    pub(crate) port: u16,
    pub(crate) fifo: bool,
}

impl Options {
    /// Reads the command line; `None`: it asked for help, and got it.
    pub(crate) fn parse() -> Result<Option<Self>, Error> {
        let mut options = Self { time: Duration::from_secs(20), port: 0, fifo: false };
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("seconds") => options.time = Duration::from_secs(parser.value()?.parse()?),
                Arg::Long("port") => options.port = parser.value()?.parse()?,
                Arg::Long("fifo") => options.fifo = true,
                Arg::Long("help") | Arg::Short('h') => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(options))
    }
}
