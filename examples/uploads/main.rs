//! A web service that loses nothing it has acknowledged: it is stopped by SIGTERM in the middle of its load, and every
//! upload that was answered with 2xx is in the database.
//!
//! ```text
//! cargo run --example uploads [-- --port 8080]    # serves until Ctrl-C
//! cargo run --example uploads -- --prove          # is loaded, stopped by a signal, and looked into
//! ```
//!
//! A handler answers `202 Accepted` once its upload is in the queue of `check`, which puts what is sound into the queue of
//! `store`, which writes it down. So at any moment there are uploads that were acknowledged and are not yet written. The
//! signal announces the stop; the server takes no more connections and answers what it has begun; `main` returns; and only
//! then does the supervisor stop, which works off both queues in their order.
//!
//! Unix only: other systems have no SIGTERM.

mod load;
mod proof;
mod service;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use atasker::task_supervisor;
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: uploads [--port N] [--database FILE] [--prove]
  --port N         where it listens on 127.0.0.1 [default: 0, one that is free]
  --database FILE  where uploads are kept [default: uploads.sqlite]
  --prove          serves in a child process, loads it, stops it by a signal, and counts";

/// What the command line asks for.
struct Options {
    port: u16,
    database: PathBuf,
    prove: bool,
}

impl Options {
    /// `None`: it asked for help, and got it.
    fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self { port: 0, database: "uploads.sqlite".into(), prove: false };
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("port") => options.port = parser.value()?.parse()?,
                Arg::Long("database") => options.database = parser.value()?.into(),
                Arg::Long("prove") => options.prove = true,
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

#[atasker::main(pool_size = 2)]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(options) = Options::parse()? else {
        // It has done what it was asked for: there is no signal to wait for.
        task_supervisor().stop();
        return Ok(ExitCode::SUCCESS);
    };
    if options.prove {
        let code = proof::prove().await?;
        task_supervisor().stop();
        return Ok(code);
    }
    // It returns once a signal has come and what it had begun is answered. Then the supervisor stops.
    service::serve(options.port, &options.database).await?;
    Ok(ExitCode::SUCCESS)
}
