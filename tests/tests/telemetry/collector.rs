//! A collector of traces and metrics (OTLP over gRPC, in clear or over TLS) that keeps what it is
//! sent, on a thread and a runtime of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    metrics_service_server::{MetricsService, MetricsServiceServer},
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// How long what is sent may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// What has arrived.
#[derive(Debug, Default)]
struct Arrived {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

/// A collector that runs until the process ends.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    arrived: Arc<Mutex<Arrived>>,
}

impl Collector {
    /// Starts one, over TLS if it is given a certificate and its key, PEM.
    pub(crate) fn start(identity: Option<(String, String)>) -> Self {
        let arrived = Arc::new(Mutex::new(Arrived::default()));
        let keep = Keep(Arc::clone(&arrived));
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
                let listener = listener.expect("there is a free port");
                tell.send(listener.local_addr().expect("it is bound")).expect("it is waited for");
                let mut server = Server::builder();
                if let Some((certificate, key)) = identity {
                    let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
                    server = server.tls_config(tls).expect("the certificate is one");
                }
                let serving = server
                    .add_service(TraceServiceServer::new(keep.clone()))
                    .add_service(MetricsServiceServer::new(keep))
                    .serve_with_incoming(TcpIncoming::from(listener));
                serving.await.expect("it serves");
            });
        });
        Self { address: told.recv().expect("it starts"), arrived }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns every span that has arrived.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = arrived.traces.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// Returns every metric that has arrived.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = arrived.metrics.iter().flat_map(|request| &request.resource_metrics);
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        scopes.flat_map(|scope| scope.metrics.clone()).collect()
    }

    /// Writes down everything that has arrived.
    pub(crate) fn everything(&self) -> String {
        format!("{:?}", self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until something has arrived.
    pub(crate) fn wait<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} has not arrived: {}", self.everything());
            thread::yield_now();
        }
    }
}

/// Keeps what arrives.
#[derive(Clone)]
struct Keep(Arc<Mutex<Arrived>>);

#[tonic::async_trait]
impl TraceService for Keep {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut arrived = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.traces.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Keep {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut arrived = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// Returns an attribute as text.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == name)?.value.as_ref()?;
    match value.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name}: {other:?}"),
    }
}
