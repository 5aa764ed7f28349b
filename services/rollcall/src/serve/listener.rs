//! An address that is served: with limits on what a connection may hold up, and an end that cuts nothing off.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::http::{HeaderValue, Request, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use guard::Proxies;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long a client may take to send a request's head.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// A connection over HTTP/2 that says nothing for so long is asked whether it is alive, and has as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Requests at a time on one connection over HTTP/2: a gateway has one with each process.
const STREAMS: u32 = 1_024;
/// Bytes of a request's head at the most.
const HEAD_BYTES: usize = 64 * 1024;
/// Connections at a time; the next ones wait in the system's queue.
const CONNECTIONS: usize = 16_384;
/// How long to wait when the system has no more files for connections.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// What every connection over HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long after the first look is looked whether the rest of it has come, and then after twice as long each time: it
/// mostly comes at once, and whoever holds it back on thousands of connections must cost little.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// When a process stops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Said already: clients are asked not to use their connections again.
    pub(crate) announced: CancellationToken,
    /// No more connections are taken, and requests at work are finished.
    pub(crate) now: CancellationToken,
}

/// Serves a router until it is stopped and each request at work is answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    proxies: Proxies,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .adaptive_window(true)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX));
    let announced = stop.announced.clone();
    let router = router
        .layer(axum::middleware::from_fn(move |request, next| part_ways(announced.clone(), request, next)));
    let service = TowerToHyperService::new(router);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stopped = pin!(stop.now.cancelled());
    loop {
        // Whoever waits for a place is told to stop as well.
        let taken = async {
            let place = Arc::clone(&places).acquire_owned().await.context("counting connections")?;
            anyhow::Ok((place, listener.accept().await))
        };
        let (place, accepted) = tokio::select! {
            () = &mut stopped => break,
            taken = taken => taken?,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip()),
            Err(error) => {
                // The client went, or there are no more files: the next one may be luckier.
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(OUT_OF_FILES).await;
                continue;
            }
        };
        // Answers are small and awaited: none is held back to be sent along with the next.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        let (service, proxies) = (service.clone(), proxies.clone());
        let told = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            let source = proxies.source(peer, request.headers());
            request.extensions_mut().insert(source);
            hyper::service::Service::call(&service, request)
        });
        let (builder, watcher, stopping) = (builder.clone(), graceful.watcher(), stop.now.clone());
        tokio::spawn(async move {
            let _place = place;
            let says_what_it_speaks = tokio::select! {
                biased;
                said = tokio::time::timeout(HEAD_LIMIT, says_what_it_speaks(&stream)) => matches!(said, Ok(Ok(()))),
                () = stopping.cancelled() => false,
            };
            if !says_what_it_speaks {
                return;
            }
            let connection = builder.serve_connection(TokioIo::new(stream), told).into_owned();
            // How a connection ended is its client's business.
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(error, "a connection broke off");
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

/// Waits until a client has said by which version of HTTP it speaks, or has gone.
///
/// hyper reads that without a limit of time: whoever said nothing, or only the first letters of HTTP/2's preface (RFC 9113
/// §3.4), would keep a place for ever.
async fn says_what_it_speaks(stream: &TcpStream) -> std::io::Result<()> {
    let (mut bytes, mut pause) = ([0; PREFACE.len()], LOOK_AGAIN);
    loop {
        let read = stream.peek(&mut bytes).await?;
        if read == 0 || read == PREFACE.len() || bytes[..read] != PREFACE[..read] {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// While we are about to stop, each answer over HTTP/1.1 is the last one of its connection: closed by agreement, so
/// that no request meets a connection that ends.
async fn part_ways(announced: CancellationToken, request: Request<axum::body::Body>, next: Next) -> Response {
    let old = request.version() <= Version::HTTP_11;
    let mut response = next.run(request).await;
    if old && announced.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
