//! Traces: spans of this process sent to an OpenTelemetry collector, and what carries them from one process to the
//! next (W3C Trace Context, `traceparent`).

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// How long the last spans may take to be sent when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// The name of the header, and of what is stored with a task.
const TRACEPARENT: &str = "traceparent";

/// Where spans are sent.
#[derive(Clone, Debug)]
pub struct TraceExport {
    /// A collector's address for OTLP over gRPC, such as `http://collector:4317`.
    pub endpoint: String,
    /// How many traces are kept, from 0 to 1. Decided by the trace's id, so that every process keeps the same ones.
    pub ratio: f64,
    /// What this process is called.
    pub service_name: String,
}

/// Sends spans until it is ended.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Sends what is left and stops. Blocks for a moment.
    pub fn end(self) {
        let Some(provider) = self.0 else { return };
        if let Err(error) = provider.shutdown_with_timeout(LAST_WORDS) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// A layer that sends spans; to be called within a runtime.
pub(crate) fn layer<S>(export: &TraceExport) -> anyhow::Result<(impl Layer<S> + use<S>, Traces)>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(&export.endpoint).build();
    let resource = Resource::builder()
        .with_service_name(export.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::TraceIdRatioBased(export.ratio))
        .with_batch_exporter(exporter.context("the collector's address")?)
        .build();
    let layer = OpenTelemetryLayer::new(provider.tracer("rollcall"))
        .with_location(false)
        .with_threads(false)
        // What libraries tell of themselves would drown what we do, and the exporter would tell of its own calls.
        .with_filter(filter_fn(is_ours));
    Ok((layer, Traces(Some(provider))))
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    const OURS: [&str; 8] =
        ["atlassian", "gateway", "policy", "rollcall", "scim", "store", "sync", "tenant_api"];
    let root = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&root) && *metadata.level() <= tracing::Level::INFO
}

/// `00-{trace id}-{span id}-{flags}` of a span (W3C Trace Context §3.2); `None` while nothing is sent anywhere.
pub fn traceparent(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// The trace that a span belongs to; `None` while nothing is sent anywhere.
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let span_context = context.span().span_context().clone();
    span_context.is_valid().then(|| span_context.trace_id().to_string())
}

/// Makes a span part of the trace that led to it. What is no `traceparent` is ignored.
pub fn continue_from(span: &Span, traceparent: &str) {
    // A span that is not sent anywhere has nothing to continue.
    drop(span.set_parent(context_of(traceparent)));
}

/// Refers a span to the one that led to it, without making it part of that trace.
pub fn refer_to(span: &Span, traceparent: &str) {
    span.add_link(context_of(traceparent).span().span_context().clone());
}

fn context_of(traceparent: &str) -> Context {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}
