//! A stream that keeps a copy of every byte in both directions.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream with a copy of what was read from it and written to it. It sets no limit of its own:
/// what can be read is bounded by the stream below, and what is written is ours.
#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl<S> Tap<S> {
    /// Listens to a stream from its first byte on.
    pub const fn new(stream: S) -> Self {
        Self { stream, sent: Vec::new(), received: Vec::new() }
    }

    /// The stream, what was sent and what was received.
    pub fn into_parts(self) -> (S, Vec<u8>, Vec<u8>) {
        (self.stream, self.sent, self.received)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.received.extend_from_slice(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.sent.extend_from_slice(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn what_goes_through_is_kept_by_direction_and_goes_on_unchanged() {
        // Four bytes at a time: writes are cut, and a cut write must not be kept whole.
        let (ours, mut theirs) = duplex(4);
        let mut tap = Tap::new(ours);
        let reading = async {
            let mut heard = [0; 10];
            theirs.read_exact(&mut heard).await.expect("read");
            theirs.write_all(b"answer").await.expect("write");
            heard
        };
        let asking = async {
            tap.write_all(b"a question").await.expect("write");
            let mut answer = [0; 6];
            tap.read_exact(&mut answer).await.expect("read");
            answer
        };
        let (heard, answer) = tokio::join!(reading, asking);
        assert_eq!((&heard, &answer), (b"a question", b"answer"));
        let (_, sent, received) = tap.into_parts();
        assert_eq!((&sent[..], &received[..]), (&b"a question"[..], &b"answer"[..]));
    }
}
