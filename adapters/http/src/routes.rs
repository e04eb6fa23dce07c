//! What can be asked: four paths, by GET or HEAD, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::timeout;

/// How long the checks of readiness may take: who asks does not wait much longer.
const PATIENCE: Duration = Duration::from_secs(5);

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// The format that Prometheus reads.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One thing that must be in order for the server to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, one word.
    pub name: &'static str,
    /// Says whether it is in order.
    pub is_good: bool,
    /// What was found, for people; no secrets, because whoever reaches the port reads it.
    pub words: String,
}

/// Finds out whether the server can do its work.
#[async_trait]
pub trait Health: Send + Sync {
    /// Looks at everything that must be in order.
    async fn checks(&self) -> Vec<Check>;
}

/// Writes all metrics in the text format of Prometheus.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the routes answer from.
#[derive(Clone)]
pub struct Routes {
    /// Finds out whether the server can do its work.
    pub health: Arc<dyn Health>,
    /// Writes the metrics, if something counts.
    pub metrics: Option<Metrics>,
    /// The name of the program.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Routes {
    /// Lays the paths out.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/livez", get(alive))
            .route("/readyz", get(ready))
            .route("/version", get(version))
            .route("/metrics", get(metrics))
            .fallback(nothing)
            .with_state(self)
    }
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

/// Whoever answers lives.
async fn alive() -> Response {
    answer(StatusCode::OK, TEXT, "ok\n".to_owned())
}

async fn ready(State(routes): State<Routes>) -> Response {
    let checks = timeout(PATIENCE, routes.health.checks()).await.unwrap_or_else(|_| {
        let words = format!("no answer within {} seconds", PATIENCE.as_secs());
        vec![Check { name: "checks", is_good: false, words }]
    });
    let is_ready = checks.iter().all(|check| check.is_good);
    let line = |Check { name, is_good, words }: Check| {
        let sign = if is_good { "[+]" } else { "[-]" };
        format!("{sign} {name}: {words}\n")
    };
    let last = if is_ready { "ready\n" } else { "not ready\n" };
    let body = checks.into_iter().map(line).chain([last.to_owned()]).collect();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, TEXT, body)
}

async fn version(State(routes): State<Routes>) -> Response {
    // Both are fixed words of the program: nothing in them needs an escape.
    let body = format!("{{\"name\":\"{}\",\"version\":\"{}\"}}\n", routes.name, routes.version);
    answer(StatusCode::OK, JSON, body)
}

async fn metrics(State(routes): State<Routes>) -> Response {
    match routes.metrics {
        Some(metrics) => answer(StatusCode::OK, PROMETHEUS, metrics()),
        None => answer(StatusCode::NOT_FOUND, TEXT, "this server counts nothing\n".to_owned()),
    }
}

async fn nothing() -> Response {
    let known = "there are /livez, /readyz, /version and /metrics\n";
    answer(StatusCode::NOT_FOUND, TEXT, known.to_owned())
}
