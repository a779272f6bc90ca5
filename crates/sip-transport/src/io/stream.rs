//! Bytes of TCP and TLS, both ways.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};

use super::{
    cause::cause,
    connection::{End, LINGER, Wires, until_end},
    inlet::Inlet,
    queue::Exit,
};
use crate::boundary::{CloseCause, MAX_PIECE};

/// Carries bytes until the connection ends.
pub(super) async fn carry<S: AsyncRead + AsyncWrite>(stream: S, wires: Wires) {
    let Wires { inlet, mut exit, mut closing } = wires;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let end = {
        let reading = read(&mut reader, &inlet);
        let mut writing = pin!(async { write(&mut writer, &mut exit).await.map_err(|error| cause(&error)) });
        let end = until_end(reading, writing.as_mut(), &mut closing).await;
        if let End::Theirs(cause) = end {
            // Who only sends no more may still read (RFC 9293 §3.6): what waits is written. Nothing comes behind it, once
            // whoever writes is told.
            let rest = async {
                if cause == CloseCause::Closed && timeout(LINGER, writing).await.is_err() {
                    tracing::debug!(flow = %inlet.flow, "closed with something unwritten");
                }
            };
            tokio::join!(inlet.closed(cause), rest);
        }
        end
    };
    match end {
        End::Theirs(_) => match timeout(LINGER, writer.shutdown()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::trace!(%error, flow = %inlet.flow, "closing"),
            Err(_) => tracing::debug!(flow = %inlet.flow, "the other side takes no end"),
        },
        End::Unwritable(cause) => inlet.closed(cause).await,
        End::Ours => {
            // What was written last could be lost if the socket were closed while something is unread (RFC 1122
            // §4.2.2.13): the other side's end is awaited.
            let ending = async {
                writer.shutdown().await?;
                if exit.wrote() { drain(&mut reader).await } else { Ok(()) }
            };
            match timeout(LINGER, ending).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::trace!(%error, flow = %inlet.flow, "closing"),
                Err(_) => tracing::debug!(flow = %inlet.flow, "the other side does not close"),
            }
        }
        End::Overdue => tracing::debug!(flow = %inlet.flow, "closed with something unwritten"),
    }
}

/// Reads until the end; says how it came.
async fn read(reader: &mut (impl AsyncRead + Unpin), inlet: &Inlet) -> CloseCause {
    loop {
        let Ok(turn) = inlet.turn().await else { return CloseCause::Closed };
        match piece(reader).await {
            Ok(bytes) if bytes.is_empty() => return CloseCause::Closed,
            Ok(bytes) => {
                if inlet.bring(turn, bytes).await.is_err() {
                    return CloseCause::Closed;
                }
            }
            Err(error) => return cause(&error),
        }
    }
}

/// The next piece; empty at the end. No buffer waits for it, so that a connection that is idle holds none.
async fn piece(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    poll_fn(|cx| {
        let mut scratch = [const { MaybeUninit::uninit() }; MAX_PIECE];
        let mut buffer = ReadBuf::uninit(&mut scratch);
        Pin::new(&mut *reader).poll_read(cx, &mut buffer).map_ok(|()| Bytes::copy_from_slice(buffer.filled()))
    })
    .await
}

/// Reads to the end and keeps nothing.
pub(super) async fn drain(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    while !piece(reader).await?.is_empty() {}
    Ok(())
}

/// Writes what comes out of the queue until its end.
async fn write(writer: &mut (impl AsyncWrite + Unpin), exit: &mut Exit) -> io::Result<()> {
    let mut batch = Vec::new();
    loop {
        exit.take(&mut batch).await;
        match &batch[..] {
            [] => return Ok(()),
            [one] => writer.write_all(one).await?,
            several => writer.write_all(&several.concat()).await?,
        }
        writer.flush().await?;
        exit.written(&batch);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, DuplexStream, duplex},
        sync::{mpsc, oneshot},
        time::Instant,
    };

    use super::*;
    use crate::{boundary::TransportInput, flow::FlowId, io::queue::queue};

    const MESSAGE: Bytes = Bytes::from_static(&[b'x'; 1000]);

    /// Carries a connection on which a message waits, and whose other side sends no more; `then` has that side once the end
    /// is told.
    async fn half_closed(then: impl AsyncFnOnce(DuplexStream)) {
        let (near, mut far) = duplex(64);
        let (entrance, exit) = queue(10_000, 10);
        let (open, closing) = oneshot::channel();
        let (channel, mut arrivals) = mpsc::channel(1);
        let source = "192.0.2.20:5060".parse().expect("test address");
        let inlet = Inlet::new(FlowId::from(1), source, channel);
        entrance.push(MESSAGE).expect("room");
        far.shutdown().await.expect("it is there");
        let told = async {
            let arrival = arrivals.recv().await.expect("the end");
            assert!(matches!(arrival.input, TransportInput::Closed { cause: CloseCause::Closed, .. }));
            // As `Sockets` does with one that is over.
            drop((entrance, open));
            then(far).await;
        };
        tokio::join!(carry(near, Wires { inlet, exit, closing }), told);
    }

    #[tokio::test]
    async fn who_sends_no_more_gets_what_was_written_before() {
        half_closed(async |mut far| {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.expect("not cut");
            assert_eq!(got, MESSAGE);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_no_more_and_reads_no_more_is_left() {
        let before = Instant::now();
        let (sender, far) = oneshot::channel();
        half_closed(async |far| sender.send(far).expect("it is kept open")).await;
        assert_eq!(before.elapsed().as_secs(), LINGER.as_secs());
        drop(far);
    }
}
