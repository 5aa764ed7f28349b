//! Style, script and icon, part of the program. Their addresses hold a digest of them, so that browsers keep them for
//! ever and never show new pages with old ones.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// The console's style sheet.
pub const STYLE: &str = include_str!("../assets/console.css");
/// The console's script.
pub const SCRIPT: &str = include_str!("../assets/console.js");
const ICON: &str = include_str!("../assets/icon.svg");

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const ASSETS: &[Asset] = &[
    Asset { name: "console.css", kind: "text/css; charset=utf-8", text: STYLE },
    Asset { name: "console.js", kind: "text/javascript; charset=utf-8", text: SCRIPT },
    Asset { name: "icon.svg", kind: "image/svg+xml", text: ICON },
];

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut all = digest::Context::new(&digest::SHA256);
    for asset in ASSETS {
        all.update(asset.text.as_bytes());
    }
    hex::encode(&all.finish().as_ref()[..8])
});

/// The address of a file.
pub(crate) fn address(name: &str) -> String {
    format!("/console/assets/{}/{name}", *VERSION)
}

pub(crate) async fn get(Path((_, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, asset.text).into_response()
}
