//! Takes traces and metrics over OTLP, counts the spans, and keeps nothing: what a collector costs at
//! the least.
//!
//! `collector` says where it listens, on a port of its own on 127.0.0.1. When it is asked to end
//! (SIGTERM) it says how many spans have come.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use opentelemetry_proto::tonic::collector::{
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use tokio::signal::unix::{SignalKind, signal};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// Counts the spans that arrive.
#[derive(Clone, Debug, Default)]
struct Counter(Arc<AtomicUsize>);

#[tonic::async_trait]
impl TraceService for Counter {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = &request.get_ref().resource_spans;
        let scopes = resources.iter().flat_map(|resource| &resource.scope_spans);
        self.0.fetch_add(scopes.map(|scope| scope.spans.len()).sum(), Ordering::Relaxed);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Counter {
    async fn export(
        &self,
        _request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut asked_to_end = signal(SignalKind::terminate())?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on {}", listener.local_addr()?);
        let counter = Counter::default();
        let serving = Server::builder()
            .add_service(TraceServiceServer::new(counter.clone()))
            .add_service(MetricsServiceServer::new(counter.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::select! {
            ended = serving => ended?,
            _ = asked_to_end.recv() => {}
        }
        println!("spans {}", counter.0.load(Ordering::Relaxed));
        Ok(())
    })
}
