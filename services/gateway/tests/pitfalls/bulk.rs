//! Bulk (RFC 7644 §3.7). Its corners are in the suite of the edge; here is the rule as a whole.

use serde_json::{Value, json};

use crate::asking::{values, with};
use crate::harness::{ENTERPRISE, Edge, Idp, bulk_request, group, patch_op, user};
use crate::rules;

rules!(s79_bulk_does_what_single_requests_do_in_order_and_says_so_of_each);

async fn bulk(idp: &Idp, body: Value) -> Vec<Value> {
    let answer = idp.post("/Bulk", body).await.ok();
    assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    answer["Operations"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap()).collect()
}

fn post(endpoint: &str, bulk_id: &str, data: &Value) -> Value {
    json!({"method": "POST", "path": endpoint, "bulkId": bulk_id, "data": data})
}

async fn s79_bulk_does_what_single_requests_do_in_order_and_says_so_of_each(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let (old, leaver) = (idp.user("old").await, idp.user("leaver").await);
        let etag = idp.get(&format!("/Users/{old}")).await.header("etag").to_owned();
        let title = |title: &str| patch_op(json!([{"op": "replace", "path": "title", "value": title}]));
        let managed = with("report", json!({ENTERPRISE: {"manager": {"value": "bulkId:boss"}}}));
        let results = bulk(
            &idp,
            bulk_request(json!([
                // Forward, and round in a circle.
                post("/Groups", "one", &group("One", &["bulkId:two", "bulkId:boss"])),
                post("/Groups", "two", &group("Two", &["bulkId:one"])),
                post("/Users", "report", &managed),
                post("/Users", "boss", &user("boss")),
                {"method": "PATCH", "path": "/Users/bulkId:boss", "data": title("first")},
                {"method": "PATCH", "path": "/Users/bulkId:boss", "data": title("second")},
                {"method": "PUT", "path": format!("/Users/{old}"), "version": etag, "data": user("renamed")},
                {"method": "PATCH", "path": format!("/Users/{old}"), "version": etag, "data": title("late")},
                {"method": "DELETE", "path": format!("/Users/{leaver}")},
                {"method": "DELETE", "path": format!("/Users/{leaver}")},
                post("/Users", "twin", &user("RENAMED")),
                post("/Groups", "ghosts", &group("Ghosts", &["bulkId:nobody"])),
            ])),
        )
        .await;
        let expected = ["201", "201", "201", "201", "200", "200", "200", "412", "204", "404", "409", "409"];
        assert_eq!(statuses(&results), expected);
        for result in &results {
            let failed = result["status"].as_str().unwrap() >= "300";
            assert_eq!(result.get("response").is_some(), failed, "{result}");
            if failed {
                assert_eq!(result["response"]["status"], result["status"]);
                assert_eq!(
                    result["response"]["schemas"],
                    json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
                );
            }
        }
        let place = |result: &Value| -> String {
            result["location"].as_str().unwrap().strip_prefix(&idp.location("")).unwrap().to_owned()
        };
        let boss = idp.read(&place(&results[3])).await;
        assert_eq!((&boss["userName"], &boss["title"]), (&json!("boss"), &json!("second")), "in order");
        let report = idp.read(&place(&results[2])).await;
        assert_eq!(report[ENTERPRISE]["manager"]["value"], boss["id"]);
        let (one, two) = (idp.read(&place(&results[0])).await, idp.read(&place(&results[1])).await);
        assert_eq!(values(&two["members"]), [one["id"].as_str().unwrap()]);
        let mut members = [two["id"].as_str().unwrap(), boss["id"].as_str().unwrap()];
        members.sort_unstable();
        assert_eq!(values(&one["members"]), members);
        let kept = idp.get(&format!("/Users/{old}")).await;
        assert_eq!(results[6]["version"], kept.header("etag"));
        let kept = kept.ok();
        assert_eq!((&kept["userName"], kept.get("title")), (&json!("renamed"), None));
        for bulk_id in [0, 1, 2, 3, 10, 11].map(|index| &results[index]["bulkId"]) {
            assert!(bulk_id.is_string(), "what the client recognises it by");
        }
        assert!(idp.find("/Groups", "displayName eq \"ghosts\"").await.ids().is_empty());

        let three = |limit: Value| {
            let nobody = json!({"method": "DELETE", "path": "/Users/nobody"});
            let last = post("/Users", "last", &user(&format!("last {limit}")));
            let mut body = bulk_request(json!([nobody, nobody, last]));
            body["failOnErrors"] = limit;
            body
        };
        assert_eq!(statuses(&bulk(&idp, three(json!(1))).await), ["404"]);
        assert_eq!(statuses(&bulk(&idp, three(json!(2))).await), ["404", "404"]);
        assert_eq!(statuses(&bulk(&idp, three(json!(3))).await), ["404", "404", "201"]);
        assert_eq!(statuses(&bulk(&idp, three(json!(null))).await), ["404", "404", "201"]);

        let limits = idp.read("/ServiceProviderConfig").await["bulk"].clone();
        let operations = usize::try_from(limits["maxOperations"].as_u64().unwrap()).unwrap();
        let payload = usize::try_from(limits["maxPayloadSize"].as_u64().unwrap()).unwrap();
        let nothing = json!({"method": "DELETE", "path": "/Users/nobody"});
        let too_many = bulk_request(vec![nothing; operations + 1].into());
        idp.post("/Bulk", too_many).await.refused(413, "");
        let too_large =
            bulk_request(json!([post("/Users", "x", &with("x", json!({"title": "x".repeat(payload)})))]));
        idp.post("/Bulk", too_large).await.refused(413, "");
        assert!(idp.found("userName eq \"x\"").await.is_empty());
    }
}
