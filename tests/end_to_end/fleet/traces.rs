//! One trace leads from the identity provider's request to the site's call, through three processes and the database.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use super::Fleet;
use crate::faults::site::Site;
use crate::tenant::Tenant;

/// Spans of the batch before the last may take as long as the exporter collects them.
const PATIENCE: Duration = Duration::from_secs(30);

/// An OTLP receiver: what was sent to it, with the service that sent it.
#[derive(Clone, Debug, Default)]
struct Receiver(Arc<Mutex<Vec<(String, Span)>>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.unwrap_or_default().attributes;
            let name = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let name = match name.and_then(|name| name.value).and_then(|value| value.value) {
                Some(Value::StringValue(name)) => name,
                _ => String::new(),
            };
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().unwrap().extend(spans.map(|span| (name.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    /// Listens on a port of its own; returns the address.
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = TowerToHyperService::new(TraceServiceServer::new(self.clone()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let builder = Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        format!("http://{address}")
    }

    /// Service and name of each span of a trace.
    fn trace(&self, id: &[u8]) -> Vec<(String, Span)> {
        self.0.lock().unwrap().iter().filter(|(_, span)| span.trace_id == id).cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_request_to_the_sites_call() {
    let receiver = Receiver::default();
    let endpoint = receiver.listen().await;
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("ROLLCALL_TRACE_RATIO", "1")];
    let fleet = Fleet::start(&settings).await;
    let tenant = Tenant::register_at(&fleet.api_url(), "acme").await;
    let site = Site::jira().await;
    tenant.link(site.product, &site.base_url, json!({})).await;
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let created = tenant
        .client
        .post(format!("{}/Users", tenant.scim))
        .bearer_auth(&tenant.token)
        .header("content-type", "application/scim+json")
        .header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"))
        .body(
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "ann@example.com", "displayName": "Ann",
                "emails": [{"value": "ann@example.com"}],
            })
            .to_string(),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);

    let id = u128::from_str_radix(trace_id, 16).unwrap().to_be_bytes();
    let wanted = [
        ("rollcall-gateway", "scim_request"),
        ("rollcall-scim", "scim_handler"),
        ("rollcall-sync", "sync_task"),
        ("rollcall-sync", "site_call"),
    ];
    let deadline = Instant::now() + PATIENCE;
    let trace = loop {
        let trace = receiver.trace(&id);
        let has = |(service, name): &(&str, &str)| {
            trace.iter().any(|(sent_by, span)| sent_by == service && span.name == *name)
        };
        if wanted.iter().all(has) {
            break trace;
        }
        let names: Vec<_> = trace.iter().map(|(service, span)| (service, &span.name)).collect();
        assert!(Instant::now() < deadline, "only {names:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    // Each is part of the one before it.
    for [(_, outer), (_, inner)] in wanted.array_windows() {
        let outer: Vec<&Span> =
            trace.iter().map(|(_, span)| span).filter(|span| span.name == *outer).collect();
        let inner = trace.iter().map(|(_, span)| span).find(|span| span.name == *inner).unwrap();
        assert!(outer.iter().any(|outer| outer.span_id == inner.parent_span_id), "{inner:?}");
    }
    // Nothing of the person goes to whoever reads traces.
    let all = format!("{:?}", receiver.0.lock().unwrap());
    assert!(
        !all.contains("ann@example.com") && !all.contains(&tenant.token) && !all.contains("sandbox-token")
    );
    // A log line leads to its trace.
    assert!(fleet.of(super::Role::Gateway).any(|gateway| gateway.log().contains(trace_id)));
}
