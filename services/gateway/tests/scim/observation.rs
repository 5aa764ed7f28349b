//! What is recorded of requests: metrics and a span each, without tokens, names or addresses.

use axum::body::Body;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use crate::harness::{Edge, request};

#[tokio::test]
async fn requests_are_counted_by_method_resource_and_status() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let edge = Edge::sqlite().await;
    let idp = edge.idp("acme").await;
    let id = idp.user("ann@acme.example").await;
    idp.get("/Users/ann@acme.example").await.refused(404, "");
    idp.patch(&format!("/Users/{id}"), json!([])).await.refused(400, "invalidSyntax");
    idp.call("PURGE", "/Groups", &[], Body::empty()).await.refused(405, "");
    idp.get("/secret@acme.example").await.refused(404, "");
    edge.send(request("GET", "/scim", None, Body::empty())).await.refused(401, "");
    let text = handle.render();
    for line in [
        r#"rollcall_scim_requests_total{method="POST",resource="Users",status="201"} 1"#,
        r#"rollcall_scim_requests_total{method="GET",resource="Users",status="404"} 1"#,
        r#"rollcall_scim_requests_total{method="PATCH",resource="Users",status="400"} 1"#,
        r#"rollcall_scim_requests_total{method="other",resource="Groups",status="405"} 1"#,
        r#"rollcall_scim_requests_total{method="GET",resource="none",status="404"} 1"#,
        r#"rollcall_scim_requests_total{method="GET",resource="none",status="401"} 1"#,
        r#"rollcall_scim_request_seconds_count{method="POST",resource="Users"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    assert!(!text.contains("acme.example") && !text.contains(&idp.token), "{text}");
}
