//! The OpenAPI document as JSON, and as a page to read that needs no script and no other server.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use utoipa::openapi::OpenApi;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#172b4d;background:#fff}h2{margin-top:2.5rem;text-transform:capitalize}\
article{border-top:1px solid #dfe1e6;padding:.75rem 0}h3{margin:0;font-size:1rem}\
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}b{display:inline-block;min-width:4.5rem}\
p{margin:.25rem 0}pre{margin:.25rem 0;overflow-x:auto;font-size:.85rem;opacity:.85}a{color:#0c66e4}\
@media(prefers-color-scheme:dark){body{color:#c7d1db;background:#161a1d}article{border-color:#454f59}a{color:#579dff}}";

/// A page and the policy that lets nothing but its own style in.
#[derive(Debug)]
pub struct HtmlPage {
    /// The page.
    pub html: String,
    /// Its `Content-Security-Policy`.
    pub content_security_policy: HeaderValue,
}

/// The document as it is served and committed: indented, with a line break at the end.
pub fn json(document: &OpenApi) -> String {
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The page that lists every operation of `document`, in the order of its tags.
pub fn page(document: &OpenApi) -> HtmlPage {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Rollcall API</title>\
         <style>{STYLE}</style></head><body><h1>Rollcall API</h1><p>{}</p>\
         <p><a href=\"openapi.json\">openapi.json</a> has every field of every body.</p>",
        escape(text(&document, "/info/description"))
    );
    for (tag, operations) in by_tag(&document) {
        // Writing to a String cannot fail.
        let _ = write!(html, "<section><h2>{}</h2>", escape(tag));
        for operation in operations {
            operation.write(&mut html);
        }
        html.push_str("</section>");
    }
    html.push_str("</body></html>\n");
    let hash = STANDARD.encode(store::secret::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let fallback = HeaderValue::from_static("default-src 'none'");
    HtmlPage { html, content_security_policy: HeaderValue::try_from(policy).unwrap_or(fallback) }
}

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    details: &'a Value,
}

impl Operation<'_> {
    fn write(&self, html: &mut String) {
        let method = self.method.to_ascii_uppercase();
        let summary = escape(text(self.details, "/summary"));
        let _ = write!(
            html,
            "<article id=\"{}\"><h3><b>{method}</b> <code>{}</code></h3><p>{summary}</p>",
            escape(text(self.details, "/operationId")),
            escape(self.path)
        );
        let description = text(self.details, "/description");
        if !description.is_empty() {
            let _ = write!(html, "<p>{}</p>", escape(description));
        }
        let _ = write!(html, "<pre>{}</pre>", escape(&self.example()));
        let statuses = self.details.get("responses").and_then(Value::as_object);
        let statuses: Vec<&str> =
            statuses.into_iter().flat_map(|map| map.keys().map(String::as_str)).collect();
        let _ = write!(html, "<p>Answers {}</p></article>", statuses.join(", "));
    }
}

impl Operation<'_> {
    /// The call as it is typed, where `$API` is the address of the API and `$KEY` a key.
    fn example(&self) -> String {
        let method = self.method.to_ascii_uppercase();
        let parameters = self.details.pointer("/parameters").and_then(Value::as_array);
        let required = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let query: Vec<String> =
            required.map(|parameter| format!("{name}={{{name}}}", name = text(parameter, "/name"))).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let mut lines =
            vec![format!("curl -X {method} -H \"Authorization: Bearer $KEY\" \"$API{}{query}\"", self.path)];
        let body = self.details.pointer("/requestBody/content/application~1json/example");
        if let Some(body) = body {
            lines[0].push_str(" \\");
            lines.push(format!(
                "  -H 'Content-Type: application/json' -d '{}'",
                body.to_string().replace('\'', "'\\''")
            ));
        }
        lines.join("\n")
    }
}

/// The operations under their first tag, tags in order of first appearance.
fn by_tag(document: &Value) -> Vec<(&str, Vec<Operation<'_>>)> {
    let mut sections: Vec<(&str, Vec<Operation<'_>>)> = Vec::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, methods) in paths.into_iter().flatten() {
        for (method, details) in methods.as_object().into_iter().flatten() {
            let tag = text(details, "/tags/0");
            let operation = Operation { method, path, details };
            match sections.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, operations)) => operations.push(operation),
                None => sections.push((tag, vec![operation])),
            }
        }
    }
    sections
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }

    #[test]
    fn the_page_shows_every_operation_and_loads_nothing() {
        let document = crate::openapi();
        let page = page(&document);
        let paths = serde_json::to_value(&document).unwrap()["paths"].as_object().unwrap().clone();
        for (path, methods) in &paths {
            for operation in methods.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.html.contains(&format!("id=\"{id}\"")), "{path}");
            }
        }
        // Addresses stand in examples, as text.
        for loads in ["<script", "src=", "href=\"http", "url(", "@import"] {
            assert!(!page.html.contains(loads), "{loads}");
        }
        assert!(page.content_security_policy.to_str().unwrap().starts_with("default-src 'none'"));
    }
}
