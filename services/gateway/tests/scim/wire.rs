//! A wire to a database that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A wire to a database that can be cut, also in the middle of a conversation.
pub(crate) struct Wire {
    pub(crate) port: u16,
    /// Packets that may still go to the database; with none left every connection is cut.
    budget: Arc<AtomicI64>,
}

impl Wire {
    pub(crate) async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire =
            Self { port: listener.local_addr().unwrap().port(), budget: Arc::new(AtomicI64::new(i64::MAX)) };
        let budget = Arc::clone(&wire.budget);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (budget, host) = (Arc::clone(&budget), host.clone());
                tokio::spawn(async move {
                    let _cut = carry(client, (host, port), &budget).await;
                });
            }
        });
        wire
    }

    pub(crate) fn cut_after(&self, packets: i64) {
        self.budget.store(packets, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.budget.store(i64::MAX, Ordering::SeqCst);
    }
}

async fn carry(mut client: TcpStream, to: (String, u16), budget: &AtomicI64) -> std::io::Result<()> {
    if budget.load(Ordering::SeqCst) <= 0 {
        return Ok(());
    }
    let mut server = TcpStream::connect(to).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let read = read?;
                if read == 0 || budget.fetch_sub(1, Ordering::SeqCst) <= 0 {
                    return Ok(());
                }
                server.write_all(&asked[..read]).await?;
            }
            read = server.read(&mut answered) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                client.write_all(&answered[..read]).await?;
            }
            // An idle connection is cut as well when the wire is.
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                if budget.load(Ordering::SeqCst) <= 0 {
                    return Ok(());
                }
            }
        }
    }
}
