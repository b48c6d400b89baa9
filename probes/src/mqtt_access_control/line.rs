//! The bytes of MQTT to and from a broker: over TCP, TLS or WebSocket, always the same here.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::insecure_tls::HandshakeError;
use crate::mqtt::websocket::{self, Closing, Frame};
use crate::net::Failure;

/// A stream of bytes, whatever is below.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

/// An open way to a broker. Its bounds are those of the connection below.
pub(super) struct Line {
    stream: Box<dyn Wire>,
    /// What came and is no whole frame yet; none where there are no frames.
    frames: Option<Vec<u8>>,
    /// Whether the broker has closed the WebSocket.
    closed: bool,
    /// Why it did, where it says so.
    pub closing: Option<Closing>,
    /// Bytes of MQTT that came and were not read yet.
    pub received: Vec<u8>,
}

impl Line {
    /// A line over a stream, in frames of WebSocket where one was opened.
    pub fn new(stream: Box<dyn Wire>, websocket: bool) -> Self {
        let frames = websocket.then(Vec::new);
        Self { stream, frames, closed: false, closing: None, received: Vec::new() }
    }

    /// Sends a packet.
    pub async fn send(&mut self, packet: &[u8]) -> Result<(), HandshakeError> {
        match self.frames {
            Some(_) => self.write(&websocket::binary(packet)).await,
            None => self.write(packet).await,
        }
    }

    /// Waits for more bytes of MQTT. It may be given up at any time, and called again.
    pub async fn receive(&mut self) -> Result<(), HandshakeError> {
        if self.closed {
            return Err(Failure::Closed.into());
        }
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).await;
        let read = read.map_err(|error| HandshakeError::from(&error))?;
        if read == 0 {
            return Err(Failure::Closed.into());
        }
        let Some(frames) = &mut self.frames else {
            self.received.extend(&buffer[..read]);
            return Ok(());
        };
        frames.extend(&buffer[..read]);
        let mut pongs = Vec::new();
        let malformed = |error: crate::mqtt::Malformed| HandshakeError::Protocol(error.to_string());
        while let Some((frame, used)) = websocket::decode(frames).map_err(malformed)? {
            frames.drain(..used);
            match frame {
                Frame::Data(bytes) => self.received.extend(bytes),
                Frame::Ping(content) => pongs.extend(websocket::pong(&content)),
                Frame::Pong => {}
                // What came before it came, also where both came at once.
                Frame::Close(closing) => {
                    self.closed = true;
                    self.closing = closing;
                    return Ok(());
                }
            }
        }
        if pongs.is_empty() { Ok(()) } else { self.write(&pongs).await }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        let wrong = |error: std::io::Error| HandshakeError::from(&error);
        self.stream.write_all(bytes).await.map_err(wrong)?;
        self.stream.flush().await.map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_comes_together_with_the_end_is_an_answer() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        theirs.write_all(&[0x82, 4, 0x20, 2, 0, 5, 0x88, 0]).await.expect("there is room");
        let mut line = Line::new(Box::new(ours), true);
        line.receive().await.expect("a CONNACK came");
        assert_eq!(line.received, [0x20, 2, 0, 5]);
        let ended = line.receive().await.expect_err("the WebSocket is closed");
        assert!(matches!(ended, HandshakeError::Network(Failure::Closed)), "{ended}");
    }
}
