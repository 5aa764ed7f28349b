//! Putting a simulated site on a port, with connections that can be dropped without an answer.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::SimulatedSite;

/// A site that answers on a port until it is stopped or dropped. The site's data live on in the value that
/// was served, so it can be served again, as after a restart.
#[derive(Debug)]
pub struct RunningSandbox {
    /// Where it listens.
    pub address: SocketAddr,
    /// The server's address as a URL, without a slash at the end; `/_sandbox` is below it.
    pub origin: String,
    /// The site's base URL, without a slash at the end.
    pub base_url: String,
    stopping: CancellationToken,
    server: Option<JoinHandle<()>>,
}

/// Serves the site on the listener. Must be called within a Tokio runtime.
///
/// Fails if the listener's own address cannot be read.
pub fn serve(site: &dyn SimulatedSite, listener: TcpListener) -> io::Result<RunningSandbox> {
    let address = listener.local_addr()?;
    let origin = format!("http://{address}");
    let base_url = format!("{origin}{}", site.base_path());
    site.set_base_url(&base_url);
    let stopping = CancellationToken::new();
    let router = site.router().into_make_service_with_connect_info::<ConnectionSwitch>();
    let serving = axum::serve(DroppableListener { listener, stopping: stopping.clone() }, router);
    let until = stopping.clone();
    let server = tokio::spawn(async move {
        tokio::select! {
            result = serving => {
                if let Err(error) = result {
                    tracing::error!(%error, "the sandbox stopped serving");
                }
            }
            () = until.cancelled() => {}
        }
    });
    Ok(RunningSandbox { address, origin, base_url, stopping, server: Some(server) })
}

impl RunningSandbox {
    /// Stops as a killed process does: the port is closed and all connections are cut, also those that wait
    /// for an answer. The port is free when this returns.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(server) = self.server.take()
            && let Err(error) = server.await
        {
            tracing::error!(%error, "the sandbox ended badly");
        }
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Cuts the connection that a request came over. It is an extension of the request when the site is served.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionSwitch(CancellationToken);

impl ConnectionSwitch {
    /// Cuts the connection: whatever is answered afterwards does not reach the client.
    pub(crate) fn cut(&self) {
        self.0.cancel();
    }
}

impl Connected<IncomingStream<'_, DroppableListener>> for ConnectionSwitch {
    fn connect_info(stream: IncomingStream<'_, DroppableListener>) -> Self {
        Self(stream.io().switch.clone())
    }
}

/// A listener whose connections can all be cut.
struct DroppableListener {
    listener: TcpListener,
    stopping: CancellationToken,
}

impl Listener for DroppableListener {
    type Io = DroppableConnection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (DroppableConnection::new(stream, self.stopping.child_token()), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that fails every read and write once its switch is thrown, which makes the HTTP server close it.
struct DroppableConnection {
    stream: TcpStream,
    switch: CancellationToken,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl DroppableConnection {
    fn new(stream: TcpStream, switch: CancellationToken) -> Self {
        let cut = Box::pin(switch.clone().cancelled_owned());
        Self { stream, switch, cut }
    }

    fn check(&self) -> io::Result<()> {
        if self.switch.is_cancelled() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for DroppableConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Polling the switch here wakes a connection that waits for the next request.
        if self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for DroppableConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::{Client, Error, StatusCode};
    use tokio::net::TcpListener;

    use super::{RunningSandbox, serve};
    use crate::{
        SimulatedSite,
        faults::{FaultKind, Faults},
        jira_data_center::{JiraDataCenter, Options},
    };

    async fn start(jira: &JiraDataCenter, address: &str) -> RunningSandbox {
        serve(jira, TcpListener::bind(address).await.unwrap()).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the tests talk to their own loopback port")]
    fn client() -> Client {
        Client::builder().build().unwrap()
    }

    async fn create_group(client: &Client, running: &RunningSandbox) -> Result<StatusCode, Error> {
        let url = format!("{}/rest/api/2/group", running.base_url);
        let request = client.post(url).bearer_auth("sandbox-token");
        let body = serde_json::json!({ "name": "team" });
        request.json(&body).send().await.map(|response| response.status())
    }

    #[tokio::test]
    async fn dropped_connection_gives_the_client_no_answer() {
        let jira = JiraDataCenter::new(Options::default());
        let running = start(&jira, "127.0.0.1:0").await;
        jira.set_faults(Faults {
            probabilities: [(FaultKind::DropConnection, 1.0)].into(),
            ..Faults::default()
        });
        let error = create_group(&client(), &running).await.unwrap_err();
        assert!(error.is_request() && !error.is_timeout(), "{error:?}");
        jira.set_faults(Faults::default());
        create_group(&client(), &running).await.unwrap();
        assert!(jira.state().groups.iter().any(|group| group.name == "team"));
    }

    #[tokio::test]
    async fn time_out_ends_in_a_dropped_connection() {
        let jira = JiraDataCenter::new(Options::default());
        let running = start(&jira, "127.0.0.1:0").await;
        let probabilities = [(FaultKind::TimeoutAfter, 1.0)].into();
        jira.set_faults(Faults { probabilities, hang_seconds: 0, ..Faults::default() });
        create_group(&client(), &running).await.unwrap_err();
        assert!(jira.state().groups.iter().any(|group| group.name == "team"));
    }

    #[tokio::test]
    async fn stop_cuts_waiting_requests_and_frees_the_port_for_the_same_site() {
        let jira = JiraDataCenter::new(Options::default());
        let running = start(&jira, "127.0.0.1:0").await;
        let address = running.address.to_string();
        let client = client();
        assert_eq!(create_group(&client, &running).await.unwrap(), StatusCode::CREATED);
        let probabilities = [(FaultKind::TimeoutBefore, 1.0)].into();
        jira.set_faults(Faults { probabilities, hang_seconds: 3_600, ..Faults::default() });
        let calls_before = jira.state().calls.total;
        let waiting = tokio::spawn({
            let (client, url) = (client.clone(), format!("{}/rest/api/2/serverInfo", running.base_url));
            async move { client.get(url).send().await }
        });
        while jira.state().calls.total == calls_before {
            tokio::task::yield_now().await;
        }
        running.stop().await;
        waiting.await.unwrap().unwrap_err();
        jira.set_faults(Faults::default());
        let again = start(&jira, &address).await;
        assert_eq!(
            create_group(&client, &again).await.unwrap(),
            StatusCode::BAD_REQUEST,
            "the group is still there"
        );
    }

    #[tokio::test]
    async fn links_point_to_the_port_that_is_served() {
        let jira = JiraDataCenter::new(Options::default());
        let running = start(&jira, "127.0.0.1:0").await;
        let answer =
            client().get(format!("{}/rest/api/2/serverInfo", running.base_url)).send().await.unwrap();
        assert!(answer.text().await.unwrap().contains(&running.base_url));
    }
}
