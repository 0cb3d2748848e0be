//! The load: clients that ask over HTTP, one request after the other, and count what they were answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use atasker::Priority;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;

/// How many clients of each urgency, and how long each thinks between an answer and its next request.
const MIX: [(Priority, u32, Duration); 3] = [
    // More than there are places, and they never think: some of them always wait.
    (Priority::Low, 12, Duration::ZERO),
    (Priority::Normal, 2, Duration::from_millis(10)),
    (Priority::High, 2, Duration::from_millis(10)),
];

/// No answer is longer.
const LONGEST: usize = 4096;

pub(crate) struct Client {
    number: u32,
    urgency: Priority,
    thinks: Duration,
    address: SocketAddr,
    /// From then on it asks no more.
    until: Instant,
}

/// What a client has seen.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) client: u32,
    pub(crate) urgency: Priority,
    pub(crate) answered: u32,
    /// Why it gave up, if it did.
    pub(crate) failure: Option<String>,
}

/// All clients of the mix.
pub(crate) fn clients(address: SocketAddr, time: Duration) -> impl Iterator<Item = Client> {
    let until = Instant::now() + time;
    let all = MIX.into_iter().flat_map(|(urgency, count, thinks)| (0..count).map(move |_| (urgency, thinks)));
    (0..).zip(all).map(move |(number, (urgency, thinks))| Client { number, urgency, thinks, address, until })
}

impl Client {
    pub(crate) async fn run(self) -> Tally {
        let http = Http::builder(TokioExecutor::new()).build_http();
        let mut tally = Tally { client: self.number, urgency: self.urgency, answered: 0, failure: None };
        while Instant::now() < self.until {
            match self.ask(&http, tally.answered).await {
                Ok(StatusCode::OK) => tally.answered += 1,
                // The gateway is about to stop.
                Ok(StatusCode::SERVICE_UNAVAILABLE) => break,
                Ok(status) => tally.failure = Some(status.to_string()),
                Err(error) => tally.failure = Some(error.to_string()),
            }
            if tally.failure.is_some() {
                break;
            }
            if !self.thinks.is_zero() {
                tokio::time::sleep(self.thinks).await;
            }
        }
        tally
    }

    async fn ask<C>(
        &self,
        http: &Http<C, Body>,
        number: u32,
    ) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>>
    where
        C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
    {
        let (method, path) = match self.urgency {
            Priority::Low => (Method::GET, "history".to_owned()),
            Priority::Normal => (Method::GET, format!("sensors/{number}")),
            _ => (Method::POST, format!("relays/{}", number % 8)),
        };
        let uri = format!("http://{}/{path}?client={}&number={number}", self.address, self.number);
        let response = http.request(Request::builder().method(method).uri(uri).body(Body::empty())?).await?;
        let status = response.status();
        to_bytes(Body::new(response.into_body()), LONGEST).await?;
        Ok(status)
    }
}
