//! A connection from its beginning to its end, as one task.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpStream,
    sync::oneshot,
    time::{sleep, timeout},
};

#[cfg(feature = "ws")]
use super::websocket;
use super::{
    cause::cause,
    config::SocketConfig,
    dial::{dial, prepare},
    inlet::Inlet,
    queue::Exit,
    stream,
};
use crate::{
    boundary::{CloseCause, Connect, TransportInput},
    flow::{PeerIdentity, Transport},
};

/// How long a connection that is closed here may take to write what waits and to wait for the other side's end. Longer
/// than the round trips that this takes, shorter than anybody waits at the end of a program.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// What the task of a connection holds besides the connection.
#[derive(Debug)]
pub(super) struct Wires {
    pub(super) inlet: Inlet,
    pub(super) exit: Exit,
    /// Resolves when the connection is to be closed.
    pub(super) closing: oneshot::Receiver<()>,
}

/// A connection that is ready for messages.
#[derive(Debug)]
struct Ready {
    local: SocketAddr,
    peer: Option<PeerIdentity>,
    carrier: Carrier,
}

#[derive(Debug)]
enum Carrier {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<super::tls::Stream>),
    #[cfg(feature = "ws")]
    Ws(Box<websocket::Stream<TcpStream>>),
    #[cfg(all(feature = "tls", feature = "ws"))]
    Wss(Box<websocket::Stream<super::tls::Stream>>),
}

/// Runs a connection that came in.
pub(super) async fn accepted(
    stream: TcpStream,
    transport: Transport,
    config: Arc<SocketConfig>,
    wires: Wires,
) {
    let opening = async {
        let local = stream.local_addr().map_err(|error| cause(&error))?;
        prepare(&stream, local, &config).map_err(|error| cause(&error))?;
        let (carrier, peer) = in_time(&config, Box::pin(serve(stream, transport, &config))).await?;
        Ok(Ready { local, peer, carrier })
    };
    // What the handshakes need is given back when they are over.
    run(Box::pin(opening), wires).await;
}

/// Runs a connection that is to be made.
pub(super) async fn connected(connect: Connect, config: Arc<SocketConfig>, wires: Wires) {
    let opening = async {
        let stream = dial(connect.remote, connect.local, &config).await.map_err(|error| cause(&error))?;
        let local = stream.local_addr().map_err(|error| cause(&error))?;
        let (carrier, peer) = in_time(&config, Box::pin(call(stream, &connect, &config))).await?;
        Ok(Ready { local, peer, carrier })
    };
    let (transport, remote) = (connect.transport, connect.remote);
    let opening = async { opening.await.inspect_err(|cause| tell(*cause, transport, remote)) };
    // What the handshakes need is given back when they are over.
    run(Box::pin(opening), wires).await;
}

/// Logs why a connection cannot be made; where it is about who the other side is, for everybody to see.
fn tell(cause: CloseCause, transport: Transport, remote: SocketAddr) {
    match cause {
        CloseCause::Handshake | CloseCause::Untrusted | CloseCause::WrongName | CloseCause::WebSocket => {
            tracing::warn!(%transport, %remote, "{cause}");
        }
        _ => tracing::info!(%transport, %remote, "{cause}"),
    }
}

type Opened = Result<(Carrier, Option<PeerIdentity>), CloseCause>;

async fn in_time(config: &SocketConfig, handshakes: impl Future<Output = Opened>) -> Opened {
    timeout(config.handshake_timeout, handshakes).await.unwrap_or(Err(CloseCause::TimedOut))
}

/// The handshakes of a server.
#[cfg_attr(
    not(any(feature = "tls", feature = "ws")),
    expect(unused_variables, clippy::unused_async, reason = "only handshakes have settings")
)]
async fn serve(stream: TcpStream, transport: Transport, config: &SocketConfig) -> Opened {
    match transport {
        Transport::Tcp => Ok((Carrier::Tcp(stream), None)),
        #[cfg(feature = "tls")]
        Transport::Tls => {
            let (stream, peer) = super::tls::accept(stream, config).await?;
            Ok((Carrier::Tls(Box::new(stream)), peer))
        }
        #[cfg(feature = "ws")]
        Transport::Ws => Ok((Carrier::Ws(Box::new(websocket::accept(stream, config).await?)), None)),
        #[cfg(all(feature = "tls", feature = "ws"))]
        Transport::Wss => {
            let (stream, peer) = super::tls::accept(stream, config).await?;
            Ok((Carrier::Wss(Box::new(websocket::accept(stream, config).await?)), peer))
        }
        // `Sockets` listens for nothing else.
        _ => Err(CloseCause::Lost),
    }
}

/// The handshakes of a client.
#[cfg_attr(
    not(any(feature = "tls", feature = "ws")),
    expect(unused_variables, clippy::unused_async, reason = "only handshakes have settings")
)]
async fn call(stream: TcpStream, connect: &Connect, config: &SocketConfig) -> Opened {
    match connect.transport {
        Transport::Tcp => Ok((Carrier::Tcp(stream), None)),
        #[cfg(feature = "tls")]
        Transport::Tls => {
            let (stream, peer) = super::tls::connect(stream, &connect.name, config).await?;
            Ok((Carrier::Tls(Box::new(stream)), peer))
        }
        #[cfg(feature = "ws")]
        Transport::Ws => {
            Ok((Carrier::Ws(Box::new(websocket::connect(stream, connect, config).await?)), None))
        }
        #[cfg(all(feature = "tls", feature = "ws"))]
        Transport::Wss => {
            let (stream, peer) = super::tls::connect(stream, &connect.name, config).await?;
            Ok((Carrier::Wss(Box::new(websocket::connect(stream, connect, config).await?)), peer))
        }
        // `Sockets` connects by nothing else.
        _ => Err(CloseCause::Lost),
    }
}

async fn run(opening: impl Future<Output = Result<Ready, CloseCause>> + Unpin, mut wires: Wires) {
    let opened = tokio::select! {
        biased;
        _ = &mut wires.closing => return,
        opened = opening => opened,
    };
    let Ready { local, peer, carrier } = match opened {
        Ok(ready) => ready,
        Err(cause) => return wires.inlet.closed(cause).await,
    };
    let ready = TransportInput::Connected { flow: wires.inlet.flow, local, peer };
    if wires.inlet.tell(ready).await.is_err() {
        return;
    }
    match carrier {
        Carrier::Tcp(stream) => stream::carry(stream, wires).await,
        #[cfg(feature = "tls")]
        Carrier::Tls(stream) => Box::pin(stream::carry(*stream, wires)).await,
        #[cfg(feature = "ws")]
        Carrier::Ws(stream) => Box::pin(websocket::carry(*stream, wires)).await,
        #[cfg(all(feature = "tls", feature = "ws"))]
        Carrier::Wss(stream) => Box::pin(websocket::carry(*stream, wires)).await,
    }
}

/// How a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The other side or the network ended it, as was found by reading.
    Theirs(CloseCause),
    /// Nothing can be written any more.
    Unwritable(CloseCause),
    /// It is closed here, and everything is written.
    Ours,
    /// It is closed here, and the other side does not take what is left.
    Overdue,
}

/// Reads and writes until the first of both ends. The writing ends without an error when the connection is closed here.
pub(super) async fn until_end(
    reading: impl Future<Output = CloseCause>,
    writing: impl Future<Output = Result<(), CloseCause>>,
    closing: &mut oneshot::Receiver<()>,
) -> End {
    let overdue = async {
        // It is never sent, only dropped.
        if closing.await.is_err() {
            sleep(LINGER).await;
        }
    };
    tokio::select! {
        biased;
        written = writing => match written {
            Ok(()) => End::Ours,
            Err(cause) => End::Unwritable(cause),
        },
        cause = reading => End::Theirs(cause),
        () = overdue => End::Overdue,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::{net::TcpListener, sync::mpsc};

    use super::*;
    use crate::{flow::FlowId, io::queue::queue};

    #[tokio::test]
    async fn the_task_of_a_connection_fits_a_page() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
        let remote = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(remote).await.expect("it listens");
        let (entrance, exit) = queue(1, 1);
        let (open, closing) = oneshot::channel();
        let (channel, _arrivals) = mpsc::channel(1);
        let wires = Wires { inlet: Inlet::new(FlowId::from(1), remote, channel), exit, closing };
        let task = accepted(stream, Transport::Tcp, Arc::default(), wires);
        assert!(size_of_val(&task) <= 4096, "{}", size_of_val(&task));
        drop((entrance.push(Bytes::new()), open));
    }
}
