//! A gateway at work: reads sensors, raises alarms, answers requests over HTTP, keeps everything in SQLite; and then
//! proves from the database that nothing was lost, and that nothing urgent waited behind something that was not.
//!
//! ```text
//! cargo run --example gateway -- [--seconds 20] [--port 0] [--fifo]
//! ```
//!
//! It needs the files that Linux has under `/proc` and `/sys`. Everything runs on one supervisor:
//!
//! | what | when | priority | what to look at |
//! |---|---|---|---|
//! | `read_sensor`, an interval worker for each sensor | every 100 ms | `Normal` | ticks keep their grid under load |
//! | `sound_alarm`, an event worker | a reading is above its limit | `High` | no alarm is lost, however many come at once |
//! | `send_report`, a cron worker | every 5 s by the clocks of Prague | `Normal` | its lines are stamped in that zone |
//! | `write_row`, a queue worker of 256 rows | whatever is to be kept | `Normal` | full, it holds up those who put |
//! | `serve`, an async body | from start to end | – | its handlers `.await` the three tasks below |
//! | `switch`, `measure`, `history`, tasks | for each request | `High`, `Normal`, `Low` | who waits for whom |
//!
//! The load comes over real HTTP, from clients on a lane of their own: enough `Low` ones to keep the pool full, and a few
//! of the others, who must not notice. Run it again with `--fifo`, which gives everything the same priority and keeps no
//! place: the second proof fails then, as it should.
//!
//! Ctrl-C ends it early, without a proof.

mod alarm;
mod http;
mod load;
mod options;
mod order;
mod proof;
mod report;
mod sensor;
mod store;
mod work;

use std::error::Error;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::{env, fs, process};

use atasker::{LaneConfig, background_future, task_supervisor, wait_completed};

use alarm::{Alarms, sound_alarm};
use options::Options;
use proof::Evidence;
use report::send_report;
use sensor::read_sensor;
use store::write_row;
use work::Plant;

/// How long what still runs has to end, once the load is over.
const GRACE: Duration = Duration::from_secs(10);

#[atasker::main(pool_size = 2, reserve_normal = 1, reserve_high = 1, grace = GRACE)]
fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => {
            // The program has done what it was asked for: there is no signal to wait for.
            task_supervisor().stop();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("gateway: {error}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let folder = env::temp_dir().join(format!("atasker-gateway-{}", process::id()));
    let code = run(&options, folder.clone()).unwrap_or_else(|error| {
        eprintln!("gateway: {error}");
        ExitCode::FAILURE
    });
    // Whatever has come of it, everything has ended before its folder goes. That is also what ends the program.
    task_supervisor().stop_timeout(GRACE);
    if code == ExitCode::FAILURE {
        eprintln!("its files are kept: {}", folder.display());
    } else {
        // It is only a folder for temporary files.
        _ = fs::remove_dir_all(&folder);
    }
    code
}

fn run(options: &Options, folder: PathBuf) -> Result<ExitCode, Box<dyn Error>> {
    if options.fifo {
        // All on the same places, first come, first served.
        work::ALL_ALIKE.store(true, Relaxed);
        task_supervisor().set_config(task_supervisor().config().pool_size(4).reserve_normal(0).reserve_high(0))?;
    }
    fs::create_dir_all(&folder)?;
    let plant = Arc::new(Plant::new(folder));
    let alarms = Arc::new(Alarms::default());
    let sensors = sensor::find();
    if sensors.is_empty() {
        return Err("there is no sensor: it reads files that Linux has under /proc and /sys".into());
    }

    write_row.start(store::create(&plant.database)?)?;
    sound_alarm.start(Arc::clone(&alarms))?;
    send_report.start()?;
    let readers: Vec<_> = sensors.iter().map(|sensor| read_sensor.instance(sensor.name)).collect();
    for (reader, sensor) in readers.iter().zip(&sensors) {
        reader.start(*sensor, Arc::clone(&alarms))?;
    }

    let listener = TcpListener::bind(("127.0.0.1", options.port))?;
    let address = listener.local_addr()?;
    let server = background_future(http::serve(listener, Arc::clone(&plant))).name("server").start();
    println!("gateway on http://{address}, {} sensors, for {:?}", sensors.len(), options.time);

    // The clients have a thread of their own, as they would have a machine of their own.
    let lane = task_supervisor().lane("clients", LaneConfig::new().threads(1))?;
    let clients: Vec<_> = load::clients(address, options.time).map(|client| lane.start(client.run())).collect();
    let tallies = wait_completed(clients)?;
    if task_supervisor().is_stopping() {
        println!("interrupted: nothing is proved");
        return Ok(ExitCode::from(130));
    }

    // First those who put, then who takes: a stop of everything at once would refuse the rows of the last runs.
    readers.iter().for_each(|reader| reader.stop());
    sound_alarm.stop();
    send_report.stop();
    write_row.stop();
    let evidence = Evidence {
        tallies,
        sensors,
        readers: readers.iter().map(|reader| reader.info()).collect(),
        alarms: alarms.raised(),
        reports: send_report.info().runs,
        store: write_row.info(),
    };
    // The server ends because a stop is asked for.
    let stop = task_supervisor().stop_timeout(GRACE);
    server.wait()??;

    let verdict = proof::prove(&plant.database, &evidence)?;
    println!("{verdict}\nsupervisor: {stop}");
    Ok(if verdict.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
