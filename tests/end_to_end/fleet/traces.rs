//! One trace leads from the identity provider's request to the site's call, through three processes and the database.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

use super::Fleet;
use super::receiver::Receiver;
use crate::faults::site::Site;
use crate::tenant::Tenant;

/// Spans of the batch before the last may take as long as the exporter collects them.
const PATIENCE: Duration = Duration::from_secs(30);

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
    let all = receiver.text();
    assert!(
        !all.contains("ann@example.com") && !all.contains(&tenant.token) && !all.contains("sandbox-token")
    );
    // A log line leads to its trace.
    assert!(fleet.of(super::Role::Gateway).any(|gateway| gateway.log().contains(trace_id)));
}
