//! What goes into the transport layer and what comes out of it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use thiserror::Error;

use crate::{
    flow::{FlowEvent, FlowId, Hop, Outbound, PeerIdentity, Route, RouteId, Transport},
    question::{Answer, LookupError, Question},
    step::TimerOp,
};

/// Most bytes of a TCP or TLS stream that one [`TransportInput::Bytes`] carries: what one TLS record holds (RFC 8446
/// §5.1), and more than any usual SIP message.
pub const MAX_PIECE: usize = 16 << 10;

/// Most messages of one connection that one step takes. A piece holds up to 400 of the shortest that anybody could send; this
/// many of a usual size fill it, so that only a flood of short ones is spread over several turns, between which others get
/// theirs.
pub const MESSAGES_PER_TURN: usize = 64;

/// What the transaction layer, or whoever registers, asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportCommand {
    /// Where does a request go? Answered by exactly one [`FlowEvent::Routed`].
    Route(Route),
    /// Sends a message.
    Send(Outbound),
    /// Takes a message back that still waits for its connection: it is told as [`FlowEvent::Unreachable`] then. One that
    /// is written already is left as it is.
    Withdraw(Outbound),
    /// The next element did not answer, or answered 503: others come before it for a while (RFC 3263 §4.3).
    Avoid(Hop),
    /// Keeps a connection that we opened: it is not closed when idle, and opened again when it ends, with growing waits
    /// (RFC 5626 §4.5), which [`FlowEvent::Recovered`] tells. Keeps the way to a remote of a UDP socket, of which must be
    /// known that it answers STUN (§8): [`FlowEvent::Failed`] tells its end; at most [`KEPT_REMOTES`](crate::KEPT_REMOTES).
    /// Anything else is not kept. Asked again, the newest interval counts.
    Keep {
        /// Which.
        flow: FlowId,
        /// The other end; of a connection it is known.
        remote: SocketAddr,
        /// Longest time between two pings, as the other side asks for it by Flow-Timer (RFC 5626 §4.4.1); at least
        /// [`SHORTEST_BEAT`](crate::SHORTEST_BEAT). `None` for [`Config::keep_alive`](crate::Config::keep_alive), and by UDP for
        /// 29 s (§4.4.2).
        every: Option<Duration>,
    },
    /// Keeps it no longer.
    LetGo {
        /// Which.
        flow: FlowId,
        /// The other end, as in `Keep`.
        remote: SocketAddr,
    },
}

/// What the sockets and the resolver report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportInput {
    /// A UDP socket is open, or a socket that listens for connections. With port 0 connections by this transport can be
    /// made from the address, and none come in.
    Opened {
        /// The socket's name from now on.
        flow: FlowId,
        /// Its transport.
        transport: Transport,
        /// Our address on it, never a wildcard.
        local: SocketAddr,
    },
    /// A connection came in. TLS and WebSocket handshakes are still to come: [`TransportInput::Connected`] tells when it
    /// is ready for messages.
    Accepted {
        /// The connection's name from now on.
        flow: FlowId,
        /// The socket it came in by.
        listener: FlowId,
        /// The other end.
        remote: SocketAddr,
    },
    /// A connection is ready for messages: one that came in, or one that [`TransportOutput::Connect`] asked for.
    Connected {
        /// Which.
        flow: FlowId,
        /// Our end of it.
        local: SocketAddr,
        /// Who the other side is, as far as TLS has verified it.
        peer: Option<PeerIdentity>,
    },
    /// Bytes arrived: a whole datagram, a whole WebSocket message, or any piece of a TCP or TLS stream.
    Bytes {
        /// On which flow.
        flow: FlowId,
        /// From where.
        source: SocketAddr,
        /// The bytes; of a stream at most [`MAX_PIECE`], which bounds the work of one step.
        bytes: Bytes,
    },
    /// The next turn of a connection whose messages [`TransportOutput::Again`] left for it.
    Again(FlowId),
    /// A socket or connection is gone, or a connection could not be made.
    Closed {
        /// Which.
        flow: FlowId,
        /// Why.
        cause: CloseCause,
    },
    /// A datagram could not be sent (RFC 3261 §18.4).
    SendFailed {
        /// On which flow.
        flow: FlowId,
        /// To where.
        remote: SocketAddr,
    },
    /// The resolver's answer to [`TransportOutput::Resolve`].
    Resolved {
        /// The question's name.
        route: RouteId,
        /// The question.
        question: Question,
        /// The records, or why there are none.
        result: Result<Answer, LookupError>,
    },
}

/// Why a socket or connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseCause {
    /// The other side, or we ourselves, ended it in order.
    #[error("the connection was closed")]
    Closed,
    /// The other side refuses the connection, or nothing listens there.
    #[error("the connection was refused")]
    Refused,
    /// The other side did not answer in time.
    #[error("the connection was not answered in time")]
    TimedOut,
    /// There is no way to the other side.
    #[error("the other side cannot be reached")]
    NoRoute,
    /// The system ended it with another error.
    #[error("the connection was lost")]
    Lost,
    /// The handshake of TLS failed; what follows from a certificate has causes of its own.
    #[error("the TLS handshake failed")]
    Handshake,
    /// The other side's certificate is not signed by an authority that is trusted here, or has expired.
    #[error("the certificate is not trusted")]
    Untrusted,
    /// The other side's certificate is that of somebody else (RFC 5922 §7).
    #[error("the certificate is of another domain")]
    WrongName,
    /// The WebSocket handshake failed, or the sub-protocol `sip` was not agreed on (RFC 7118 §4).
    #[error("the WebSocket handshake failed")]
    WebSocket,
    /// What the other side sends is not SIP.
    #[error("what came over the connection is not SIP")]
    Malformed,
    /// The other side reads too slowly: what waits to be written is more than may wait.
    #[error("the other side does not read")]
    WriteQueue,
}

/// A connection to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The connection's name.
    pub flow: FlowId,
    /// TCP, TLS, WS or WSS.
    pub transport: Transport,
    /// Where to.
    pub remote: SocketAddr,
    /// The address of ours to use, where it matters.
    pub local: Option<IpAddr>,
    /// Whom the URI names: the domain that the certificate has to show (RFC 5922 §7.3), and the host of the WebSocket
    /// request. A domain name in lower case, or an address.
    pub name: Box<str>,
}

/// What a step of the transport layer produces.
#[derive(Debug, Clone)]
pub enum TransportOutput {
    /// Tell the transaction layer.
    Flow(FlowEvent),
    /// Write a message to the flow's socket.
    Write(Outbound),
    /// Write what keeps a flow alive (RFC 5626 §4.4).
    KeepAlive {
        /// Where to.
        hop: Hop,
        /// To a connection two line ends for a ping, one for its answer; by UDP a STUN Binding Request.
        wire: Bytes,
    },
    /// Make a connection; answered by [`TransportInput::Connected`] or [`TransportInput::Closed`].
    Connect(Connect),
    /// Close a connection, once what was written to it before is on its way. No [`TransportInput::Closed`] is expected.
    Close(FlowId),
    /// More messages have come by this connection than one step takes ([`MESSAGES_PER_TURN`]): answered by
    /// [`TransportInput::Again`] in the next turn, before any more of its bytes.
    Again(FlowId),
    /// Ask the resolver; answered by [`TransportInput::Resolved`].
    Resolve {
        /// Names the question in the answer.
        route: RouteId,
        /// The question.
        question: Question,
    },
    /// Time.
    Timer(TimerOp<TransportTimer>),
}

/// The timers of [`Transports`](crate::Transports).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportTimer {
    /// Longest wait for the resolver's answer to the question that stands.
    Resolve(RouteId),
    /// Longest time until a connection is ready for messages.
    Open(FlowId),
    /// Longest time from the first byte of a message to its last.
    Message(FlowId),
    /// Longest time without any message.
    Idle(FlowId),
    /// The next keep-alive, or the end of the wait for its answer.
    KeepAlive(FlowId),
    /// The next STUN keep-alive by a UDP socket to a remote, or the end of the wait for its answer.
    Binding(FlowId, SocketAddr),
    /// A connection that is kept is to be opened again.
    Reconnect(FlowId),
}
