//! The HTTP side: async handlers that await blocking tasks.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use atasker::{Priority, Task, TaskError, task_supervisor};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::sensor::Sensor;
use crate::store::{Row, write_row};
use crate::work::{self, Plant, Run};
use crate::{order, sensor};

/// Who asks, and which of his requests it is.
#[derive(Deserialize)]
struct Caller {
    client: u32,
    number: u32,
}

/// What all handlers share.
#[derive(Clone)]
struct Site {
    plant: Arc<Plant>,
    sensors: Arc<[Sensor]>,
}

type Answer = Result<String, StatusCode>;

/// Serves until a stop is asked for, and then answers what has come in by then.
pub(crate) async fn serve(listener: TcpListener, plant: Arc<Plant>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let routes = Router::new()
        .route("/relays/{relay}", post(switch))
        .route("/sensors/{number}", get(measure))
        .route("/history", get(history))
        .with_state(Site { plant, sensors: sensor::find().into() });
    axum::serve(listener, routes).with_graceful_shutdown(task_supervisor().stop_requested()).await
}

async fn switch(State(site): State<Site>, Path(relay): Path<u32>, Query(caller): Query<Caller>) -> Answer {
    answer(caller, Priority::High, work::switch(relay, Instant::now(), site.plant)).await
}

async fn measure(State(site): State<Site>, Path(number): Path<usize>, Query(caller): Query<Caller>) -> Answer {
    let sensor = sensor::any(&site.sensors, number).ok_or(StatusCode::NOT_FOUND)?;
    answer(caller, Priority::Normal, work::measure(sensor, Instant::now())).await
}

async fn history(State(site): State<Site>, Query(caller): Query<Caller>) -> Answer {
    answer(caller, Priority::Low, work::history(Instant::now(), site.plant)).await
}

/// Waits for the task, and answers once its row is in the queue: what was answered is never missing there.
async fn answer(caller: Caller, urgency: Priority, task: Task<Run>) -> Answer {
    // The task is in by now: whatever a thread takes after this moment, it can see that the task waits.
    let submitted = order::moment();
    let Run { answer, trace } = task.await.map_err(|error| match error {
        TaskError::Rejected | TaskError::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    })?;
    let Caller { client, number } = caller;
    let row = Row::Request { client, number, urgency: 1 + urgency as i64, submitted, trace };
    write_row.put_async(row).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    answer.map_err(|error| {
        eprintln!("request {number} of client {client}: {error}");
        StatusCode::INTERNAL_SERVER_ERROR
    })
}
