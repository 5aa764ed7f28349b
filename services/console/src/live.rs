//! Parts of pages that follow what happens: the server sends a part anew whenever it has changed, the page shows it.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use maud::Markup;
use tokio::time::Instant;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(700);
/// How long one stream lasts: a process that is to stop must not wait for those who watch. The page comes back.
const LIMIT: Duration = Duration::from_mins(1);

/// A part as it is now.
#[derive(Debug)]
pub struct Part {
    /// What to show.
    pub html: Markup,
    /// Whether nothing more is going to happen.
    pub ended: bool,
}

/// Sends a part, and again whenever `look` finds it changed, until it has ended. When it cannot be looked at the stream
/// ends, and the page tries again.
pub fn follow<F, L>(look: L) -> Response
where
    F: Future<Output = Option<Part>> + Send,
    L: Fn() -> F + Send + 'static,
{
    let until = Instant::now() + LIMIT;
    let state = (look, None::<String>, false);
    let events = stream::unfold(state, move |(look, shown, ended)| async move {
        if ended {
            return None;
        }
        loop {
            let part = look().await?;
            let html = part.html.into_string();
            if part.ended || shown.as_ref() != Some(&html) {
                let name = if part.ended { "end" } else { "part" };
                let event = Event::default().event(name).json_data(&html).ok()?;
                return Some((Ok::<_, Infallible>(event), (look, Some(html), part.ended)));
            }
            if Instant::now() > until {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    let events = Sse::new(events).keep_alive(KeepAlive::default());
    ([(CACHE_CONTROL, "no-store")], events).into_response()
}
