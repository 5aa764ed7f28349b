//! `rollcall health`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cli::CommonArguments;

const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) async fn run(arguments: CommonArguments) -> anyhow::Result<ExitCode> {
    let mut address = arguments.settings.load()?.internal_listen;
    if address.ip().is_unspecified() {
        address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
    }
    let answer = tokio::time::timeout(PATIENCE, ask(address, "/readyz")).await;
    let answer = answer.with_context(|| format!("{address} does not answer in time"))?;
    let answer = answer.with_context(|| format!("{address} does not answer"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    anyhow::ensure!(status == "200", "{}", answer.lines().last().unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}

/// The whole answer to a GET, head and body.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
