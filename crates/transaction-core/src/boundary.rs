//! The values that cross the transaction boundary.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{Draft, Message, StatusCode};
use sip_transport::{
    CloseCause, FlowId, Hop, Hops, Inbound, Origin, Outbound, Route, RouteError, RouteId, TimerOp, identifier,
};
use thiserror::Error;

identifier! {
    /// A transaction, client or server.
    TxId, "tx-"
}

/// What the layer above asks for.
#[derive(Debug, Clone)]
pub enum TxCommand {
    /// Where does a request go? Passed to transport; answered by [`TxEvent::Routed`].
    Route(Route),
    /// Starts a client transaction: encodes the draft for the first hop with a new branch and sends it
    /// (RFC 3261 §17.1). Not for ACK. The next hop is tried, as a new transaction with a new branch, when one is
    /// unreachable, silent or answers 503 (RFC 3263 §4.3). A hop for large requests only ([`Hop::above`](sip_transport::Hop))
    /// is passed over if the request is not longer on the hop behind it (RFC 3261 §18.1.1).
    Request {
        /// The transaction, minted by whoever asks.
        tx: TxId,
        /// Where to send it, in order.
        hops: Hops,
        /// The request without Via and Contact.
        draft: Draft,
    },
    /// Answers a server transaction (RFC 3261 §17.2).
    Respond {
        /// The server transaction, from [`TxEvent::Request`].
        tx: TxId,
        /// The status of the response.
        status: StatusCode,
        /// The encoded response.
        wire: Bytes,
    },
    /// Sends bytes again that belong to no live transaction: a 2xx to INVITE whose ACK is missing, or the ACK to a
    /// repeated 2xx (RFC 3261 §13.3.1.4, §13.2.2.4). Nothing is kept.
    Resend(Outbound),
    /// Encodes and sends an ACK to a 2xx with its own branch (RFC 3261 §13.2.2.4). The bytes come back in
    /// [`TxEvent::Acked`], to be sent again by [`TxCommand::Resend`] for every repeated 2xx; those of the last event, if it is
    /// told again because the ACK took another hop.
    Ack {
        /// The INVITE's transaction.
        tx: TxId,
        /// Where to send it; only the first hop that the ACK may use is used, and the one by UDP behind it where it was to go
        /// by a stream for its size and there is no connection (RFC 3261 §18.1.1).
        hops: Hops,
        /// The ACK without Via.
        draft: Draft,
    },
    /// Cancels a client INVITE transaction (RFC 3261 §9.1). An INVITE that still waits for its connection is not sent, and fails
    /// with [`TxFailure::Flow`]. Else the CANCEL waits for the first provisional response; it has
    /// its own transaction, whose response is not reported. If no final response to the INVITE arrives within
    /// 64*T1 of the CANCEL, the INVITE fails with [`TxFailure::Timeout`]. A transaction that is over ignores it.
    Cancel {
        /// The INVITE's transaction.
        tx: TxId,
        /// A Reason header value to send (RFC 3326).
        reason: Option<Box<str>>,
    },
    /// Keeps a connection that we opened, or the way to a remote by UDP, for whoever registered over it (RFC 5626 §4.4). Passed
    /// to transport.
    Keep {
        /// Which.
        flow: FlowId,
        /// The other end.
        remote: SocketAddr,
        /// Longest time between two keep-alives, where the other side asks for one.
        every: Option<Duration>,
    },
    /// Keeps it no longer. Passed to transport.
    LetGo {
        /// Which.
        flow: FlowId,
        /// The other end.
        remote: SocketAddr,
    },
}

/// What the layer above is told.
#[derive(Debug, Clone)]
pub enum TxEvent {
    /// A new request, not ACK and not CANCEL. The transaction waits for [`TxCommand::Respond`].
    Request {
        /// The server transaction, minted here.
        tx: TxId,
        /// The request with its origin, the Via for its responses and the hop that they take.
        inbound: Inbound,
    },
    /// A response to a request of ours: every provisional one, the final one, and, for INVITE, every 2xx including
    /// repeated ones for 64*T1 (RFC 6026 §7.2). A response that fits no transaction is dropped and counted.
    Response {
        /// The client transaction.
        tx: TxId,
        /// Where it came from.
        origin: Origin,
        /// The response.
        message: Arc<Message>,
    },
    /// A server INVITE transaction was cancelled (RFC 3261 §9.2); the CANCEL was answered 200 here. Answer the INVITE
    /// with 487.
    Cancelled {
        /// The INVITE's transaction.
        tx: TxId,
        /// The CANCEL's Reason value.
        reason: Option<Box<str>>,
    },
    /// An ACK that belongs to no transaction waiting for one: the ACK to a 2xx.
    StrayAck(Inbound),
    /// The bytes of an ACK that was sent by [`TxCommand::Ack`].
    Acked {
        /// The INVITE's transaction.
        tx: TxId,
        /// What was sent, for [`TxCommand::Resend`].
        outbound: Outbound,
    },
    /// The transaction is over without an answer.
    Failed {
        /// The transaction.
        tx: TxId,
        /// Why.
        failure: TxFailure,
    },
    /// The answer to [`TxCommand::Route`].
    Routed {
        /// The question.
        route: RouteId,
        /// The hops, or why there are none.
        result: Result<Hops, RouteError>,
    },
    /// A flow is gone. Its transactions have failed with events of their own.
    FlowEnded {
        /// Which.
        flow: FlowId,
        /// Why.
        cause: CloseCause,
    },
    /// The way to a remote by UDP that was kept is not what it was (RFC 5626 §4.4.2).
    FlowFailed {
        /// The socket.
        flow: FlowId,
        /// The remote.
        remote: SocketAddr,
    },
    /// A connection that is kept is there again under a new name (RFC 5626 §4.5).
    FlowRecovered {
        /// The flow that ended.
        was: FlowId,
        /// The flow that takes its place.
        now: FlowId,
    },
}

/// How a transaction ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TxFailure {
    /// No answer in time on any hop: timer B, F, or, for a server transaction, H (RFC 3261 §17).
    #[error("no answer in time")]
    Timeout,
    /// No hop could be reached (RFC 3261 §18.4).
    #[error("transport failure")]
    Flow,
    /// The table of transactions is full; try again later.
    #[error("too many transactions")]
    Overload,
    /// The layer above gave no response to a server transaction in time. An INVITE was answered 408; another request is not
    /// answered any more (RFC 4320 §4.2).
    #[error("no response was given")]
    TuSilent,
    /// The draft holds a value that cannot be encoded; a fault of the caller.
    #[error("the request cannot be encoded")]
    Unencodable,
}

/// The timers of the transaction machines, by the RFC's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerName {
    /// INVITE request retransmission (RFC 3261 §17.1.1.2).
    A,
    /// INVITE transaction timeout.
    B,
    /// Time an unreliable INVITE client stays to absorb repeated non-2xx.
    D,
    /// Non-INVITE request retransmission (RFC 3261 §17.1.2.2).
    E,
    /// Non-INVITE transaction timeout.
    F,
    /// Non-2xx INVITE response retransmission (RFC 3261 §17.2.1).
    G,
    /// Wait for ACK.
    H,
    /// Time a confirmed INVITE server stays to absorb repeated ACKs.
    I,
    /// Time a completed non-INVITE server stays (RFC 3261 §17.2.2).
    J,
    /// Time a completed non-INVITE client stays to absorb repeated responses.
    K,
    /// Time an accepted INVITE server stays to absorb repeated INVITEs (RFC 6026 §7.1).
    L,
    /// Time an accepted INVITE client stays to pass on repeated 2xx (RFC 6026 §7.2).
    M,
    /// The 200 ms after which an INVITE server sends 100 by itself (RFC 3261 §17.2.1); for other methods the 3.5 s until a
    /// client's timer E has reached T2 (RFC 4320 §4.1).
    Trying,
    /// 64*T1 from a CANCEL to the INVITE's final response (RFC 3261 §9.1).
    Cancel,
    /// Longest wait for the layer above: for the answer to a non-INVITE request 64*T1 (RFC 4320 §4.2), for a response to
    /// INVITE after the request or its last provisional response [`Config::silence`](crate::Config::silence).
    Silence,
}

/// A timer of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxTimer {
    /// The transaction.
    pub tx: TxId,
    /// Which of its timers.
    pub name: TimerName,
}

/// What a step of the transaction layer produces.
#[derive(Debug, Clone)]
pub enum TxOutput {
    /// Ask transport where a request goes.
    Route(Route),
    /// Send.
    Send(Outbound),
    /// Take back a request of ours that was cancelled, if it still waits for its connection.
    Withdraw(Outbound),
    /// Tell transport that the element behind this hop did not answer in time, or answered 503 while there was another hop to
    /// try: others come before it for a while (RFC 3263 §4.3).
    Avoid(Hop),
    /// Have transport keep a flow.
    Keep {
        /// Which.
        flow: FlowId,
        /// The other end.
        remote: SocketAddr,
        /// Longest time between two keep-alives.
        every: Option<Duration>,
    },
    /// Have transport keep a flow no longer.
    LetGo {
        /// Which.
        flow: FlowId,
        /// The other end.
        remote: SocketAddr,
    },
    /// Tell the layer above.
    Event(TxEvent),
    /// Time.
    Timer(TimerOp<TxTimer>),
}

/// The base timers of RFC 3261 §17.1.1.1, table 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Estimate of the round trip; 500 ms.
    pub t1: Duration,
    /// Longest interval between repeats; 4 s.
    pub t2: Duration,
    /// Longest time a message stays in the network; 5 s.
    pub t4: Duration,
}

impl Timing {
    /// 64*T1, the time after which an unanswered request has failed.
    pub fn timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}
