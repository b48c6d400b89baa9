//! An edge that no script of the testkit plays.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A plaintext edge that knows no `Expect`: it reads head and body whole, then says `answer`.
/// It ends with this value.
pub struct PatientPeer {
    port: u16,
    task: JoinHandle<()>,
}

impl PatientPeer {
    pub async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listener");
        let port = listener.local_addr().expect("address").port();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let whole = |request: &[u8]| {
                    request.ends_with(b"}")
                        || (request.starts_with(b"GET ") && request.ends_with(b"\r\n\r\n"))
                };
                while !whole(&request) && matches!(stream.read_buf(&mut request).await, Ok(1..)) {}
                stream.write_all(answer.as_bytes()).await.ok();
            }
        });
        Self { port, task }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for PatientPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
