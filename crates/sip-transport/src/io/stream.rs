//! Bytes of TCP and TLS, both ways.

use std::{future::poll_fn, io, mem::MaybeUninit, pin::Pin};

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
    let reading = read(&mut reader, &inlet);
    let writing = async { write(&mut writer, &mut exit).await.map_err(|error| cause(&error)) };
    match until_end(reading, writing, &mut closing).await {
        End::Theirs(cause) => {
            let ((), _) = tokio::join!(inlet.closed(cause), timeout(LINGER, writer.shutdown()));
        }
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
