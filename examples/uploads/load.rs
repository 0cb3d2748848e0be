//! The load: clients that upload one number after the other, until they are answered no more, and remember what they were
//! told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;

/// No client uploads more.
const MOST: i64 = 100_000;

/// What a client has seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What was answered with 2xx.
    pub(crate) acknowledged: Vec<i64>,
    /// What was answered with anything else.
    pub(crate) refused: Vec<(i64, StatusCode)>,
    /// Its last upload got no answer: the connection had been closed.
    pub(crate) unanswered: bool,
}

/// Uploads to `uploads`, an address, and counts in `answered`.
pub(crate) async fn client(number: i64, uploads: String, answered: Arc<AtomicU64>) -> Tally {
    let http = Http::builder(TokioExecutor::new()).build_http();
    let mut tally = Tally::default();
    for upload in number * MOST..(number + 1) * MOST {
        let request = Request::builder().method(Method::POST).uri(&uploads).body(Body::from(upload.to_string()));
        let Ok(answer) = http.request(request.expect("it is a request")).await else {
            tally.unanswered = true;
            break;
        };
        let status = answer.status();
        // Read to its end, so that the connection serves again.
        _ = to_bytes(Body::new(answer.into_body()), 4096).await;
        if status.is_success() {
            tally.acknowledged.push(upload);
            // Relaxed: a count.
            answered.fetch_add(1, Relaxed);
        } else {
            tally.refused.push((upload, status));
        }
    }
    tally
}
