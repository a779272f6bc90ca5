//! Listening for connections.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};

use super::{
    config::SocketConfig,
    listen::{ListenError, on_each_address},
};
use crate::flow::{FlowId, Transport};

/// First wait after accepting has failed for lack of something: file descriptors come back within a few round trips.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Longest wait of this kind: a server that has room again is to be there within a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One socket that listens for connections.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) flow: FlowId,
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    listener: TcpListener,
    pauses: Pauses,
}

impl Acceptor {
    /// Listens on each address that the listen address stands for.
    pub(super) fn listen(
        address: SocketAddr,
        transport: Transport,
        config: &SocketConfig,
        mut name: impl FnMut() -> FlowId,
    ) -> Result<Vec<Self>, ListenError> {
        let bound = on_each_address(address, |address| bind(address, config), |(_, local)| *local)?;
        let named = bound.into_iter().map(|(listener, local)| Self {
            flow: name(),
            transport,
            local,
            listener,
            pauses: Pauses::default(),
        });
        Ok(named.collect())
    }

    /// The next connection. Errors are passed over, those that are for lack of something with a growing wait.
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<(TcpStream, SocketAddr)> {
        let Self { listener, pauses, local, .. } = self;
        loop {
            ready!(pauses.poll_over(cx));
            match ready!(listener.poll_accept(cx)) {
                Ok(accepted) => {
                    pauses.accepted();
                    return Poll::Ready(accepted);
                }
                Err(error) if is_about_the_connection(error.kind()) => {
                    tracing::debug!(%error, %local, "a connection was gone before it was accepted");
                }
                Err(error) => {
                    let pause = pauses.failed();
                    tracing::warn!(%error, %local, ?pause, "accepting fails");
                }
            }
        }
    }
}

fn bind(address: SocketAddr, config: &SocketConfig) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of an earlier process that the system still remembers do not keep the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if let Some(dscp) = config.dscp {
        dscp.mark(&SockRef::from(&socket), address)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(config.backlog).unwrap_or(i32::MAX))?;
    let listener = TcpListener::from_std(socket.into())?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

/// Whether an error of `accept` is about the one connection, or its way, and the next call goes on, see accept(2).
fn is_about_the_connection(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::Interrupted
    )
}

/// The waits after failures in a row.
#[derive(Debug, Default)]
struct Pauses {
    last: Option<Duration>,
    now: Option<Pin<Box<Sleep>>>,
}

impl Pauses {
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.now {
            ready!(pause.as_mut().poll(cx));
            self.now = None;
        }
        Poll::Ready(())
    }

    fn accepted(&mut self) {
        self.last = None;
    }

    fn failed(&mut self) -> Duration {
        let pause = self.last.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
        self.last = Some(pause);
        self.now = Some(Box::pin(sleep(pause)));
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_wait_ever_longer_up_to_a_second() {
        let mut pauses = Pauses::default();
        let mut waited = Vec::new();
        for _ in 0..9 {
            pauses.failed();
            let before = Instant::now();
            poll_fn(|cx| pauses.poll_over(cx)).await;
            waited.push(before.elapsed().as_millis());
        }
        assert_eq!(waited, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        pauses.accepted();
        assert_eq!(pauses.failed(), FIRST_PAUSE);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn errors_of_accept_are_sorted_by_what_they_concern() {
        let sorted = |code| is_about_the_connection(io::Error::from_raw_os_error(code).kind());
        for (code, name) in [(103, "ECONNABORTED"), (4, "EINTR"), (113, "EHOSTUNREACH"), (100, "ENETDOWN")] {
            assert!(sorted(code), "{name}");
        }
        for (code, name) in [(24, "EMFILE"), (23, "ENFILE"), (105, "ENOBUFS"), (12, "ENOMEM"), (22, "EINVAL")]
        {
            assert!(!sorted(code), "{name}");
        }
    }
}
