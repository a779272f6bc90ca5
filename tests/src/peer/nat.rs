//! A NAT for UDP between one host and one server (RFC 4787): the host sends to an address of the NAT, and the server sees one of
//! the NAT's ports, which is another one once the NAT has forgotten it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{net::UdpSocket, sync::mpsc, time::timeout};

use super::{PATIENCE, PeerError};

/// Longest datagram.
const LONGEST: usize = 65_535;

/// What a STUN Binding success response begins with (RFC 8489 §5).
const BOUND: [u8; 2] = [1, 1];

/// Answers that may wait for a test; more are as good as these.
const ANSWERS: usize = 16;

/// A running one. It ends when it is dropped.
#[derive(Debug)]
pub struct Nat {
    answers: mpsc::Receiver<()>,
    forget: mpsc::Sender<()>,
}

impl Nat {
    /// Starts one: what comes to `inside` goes to `server` from a port of `outside`, and back.
    pub async fn start(inside: SocketAddr, outside: Ipv4Addr, server: SocketAddr) -> Result<Self, PeerError> {
        let inner = bound(inside).await?;
        let outer = bound((outside, 0).into()).await?;
        let (told, answers) = mpsc::channel(ANSWERS);
        let (forget, forgotten) = mpsc::channel(1);
        tokio::spawn(relay(inner, outer, (outside, server), told, forgotten));
        Ok(Self { answers, forget })
    }

    /// Waits until the server has answered one more STUN Binding Request.
    pub async fn bound(&mut self) -> Result<(), PeerError> {
        match timeout(PATIENCE, self.answers.recv()).await {
            Ok(Some(())) => Ok(()),
            Ok(None) => Err(ended()),
            Err(_) => Err(PeerError::Missing {
                program: "the server behind the NAT".to_owned(),
                what: "an answer to STUN".to_owned(),
                limit: PATIENCE,
                output: String::new(),
            }),
        }
    }

    /// Gives the port up: the server sees another one from the next datagram on.
    pub async fn forget(&self) -> Result<(), PeerError> {
        self.forget.send(()).await.map_err(|_| ended())
    }
}

async fn relay(
    inner: UdpSocket,
    mut outer: UdpSocket,
    (outside, server): (Ipv4Addr, SocketAddr),
    told: mpsc::Sender<()>,
    mut forgotten: mpsc::Receiver<()>,
) -> io::Result<()> {
    let mut host = None;
    let (mut out, mut back) = (vec![0; LONGEST], vec![0; LONGEST]);
    loop {
        tokio::select! {
            received = inner.recv_from(&mut out) => {
                let (length, source) = received?;
                host = Some(source);
                outer.send_to(&out[..length], server).await?;
            }
            received = outer.recv_from(&mut back) => {
                let (length, _) = received?;
                if let Some(host) = host {
                    inner.send_to(&back[..length], host).await?;
                }
                if back[..length].starts_with(&BOUND) {
                    // A test that waits for one has it.
                    let _ = told.try_send(());
                }
            }
            wanted = forgotten.recv() => {
                let Some(()) = wanted else { return Ok(()) };
                outer = UdpSocket::bind((outside, 0)).await?;
            }
        }
    }
}

async fn bound(address: SocketAddr) -> Result<UdpSocket, PeerError> {
    let socket = UdpSocket::bind(address).await;
    socket.map_err(|source| PeerError::Environment { what: format!("a socket on {address}"), source })
}

fn ended() -> PeerError {
    let source = io::Error::from(io::ErrorKind::BrokenPipe);
    PeerError::Environment { what: "the NAT".to_owned(), source }
}
