//! What stands before the gateways: takes connections, and gives each to a gateway that says it is ready, as
//! Kubernetes' own balancing does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const LOOK_EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(300);

struct Backend {
    public: SocketAddr,
    internal: SocketAddr,
    ready: AtomicBool,
}

pub(super) struct Balancer {
    address: SocketAddr,
    backends: Arc<[Backend]>,
    _work: JoinSet<()>,
}

impl Balancer {
    pub(super) async fn start(backends: impl Iterator<Item = (SocketAddr, SocketAddr)>) -> Self {
        let backend = |(public, internal)| Backend { public, internal, ready: AtomicBool::new(false) };
        let backends: Arc<[Backend]> = backends.map(backend).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut work = JoinSet::new();
        for index in 0..backends.len() {
            work.spawn(look(Arc::clone(&backends), index));
        }
        work.spawn(accept(listener, Arc::clone(&backends)));
        Self { address, backends, _work: work }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) async fn wait_until_all_ready(&self, deadline: Instant) {
        while !self.backends.iter().all(|backend| backend.ready.load(Ordering::Relaxed)) {
            assert!(Instant::now() < deadline, "not all gateways are ready");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn look(backends: Arc<[Backend]>, index: usize) {
    let backend = &backends[index];
    let url = format!("http://{}/readyz", backend.internal);
    loop {
        let ready = tokio::time::timeout(PATIENCE, reqwest::get(&url)).await;
        let ready = ready.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status().is_success()));
        backend.ready.store(ready, Ordering::Relaxed);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn accept(listener: TcpListener, backends: Arc<[Backend]>) {
    let turn = Arc::new(AtomicUsize::new(0));
    while let Ok((client, _)) = listener.accept().await {
        let (backends, turn) = (Arc::clone(&backends), Arc::clone(&turn));
        tokio::spawn(async move {
            let first = turn.fetch_add(1, Ordering::Relaxed);
            let in_turn = (0..backends.len()).map(|step| &backends[(first + step) % backends.len()]);
            for backend in in_turn.filter(|backend| backend.ready.load(Ordering::Relaxed)) {
                if let Ok(Ok(server)) =
                    tokio::time::timeout(PATIENCE, TcpStream::connect(backend.public)).await
                {
                    carry(client, server).await;
                    return;
                }
            }
        });
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    // Either side may go whenever it likes.
    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
}
