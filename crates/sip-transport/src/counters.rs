//! What was not passed on, by reason.

/// How many inputs of [`Transports`](crate::Transports) led to nothing, by reason, since the start.
///
/// Every datagram that is not passed up is counted in exactly one of the fields, and so is every message of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Messages passed up.
    pub passed: u64,
    /// Messages that are none of SIP, or whose top Via cannot be used.
    pub malformed: u64,
    /// Empty datagrams and such of line ends or NUL only, pings and their answers (RFC 5626 §4.4.1 and the habits of
    /// phones), STUN.
    pub keep_alive: u64,
    /// Datagrams longer than a UDP datagram can be, in either direction. Of those to be sent, a request is told as
    /// [`FlowEvent::Unreachable`](crate::FlowEvent::Unreachable); a response is dropped.
    pub too_large: u64,
    /// Bytes, errors, closings or messages to send for a flow that is not there.
    pub unknown_flow: u64,
    /// Responses whose top Via names none of our addresses (RFC 3261 §18.1.2).
    pub foreign_response: u64,
    /// Answers of the resolver that nobody waits for any more.
    pub late_answer: u64,
    /// Connections that came in and were closed at once, because there are too many, or too many of their source; and those
    /// that were to be made for a message or a route and were not, because there are too many.
    pub refused_connections: u64,
    /// Connections that were not ready in time, or could not be made.
    pub failed_connections: u64,
    /// Connections closed because a message did not come whole in time.
    pub slow_messages: u64,
    /// Connections closed because nobody can say where the next message starts: no or two Content-Lengths, one that is no
    /// number, a message that is too long.
    pub broken_streams: u64,
    /// Connections closed because of too many unreadable messages in a row.
    pub malformed_streams: u64,
    /// Connections closed because nothing arrived for long.
    pub idle_connections: u64,
    /// Connections closed because a ping was not answered.
    pub silent_connections: u64,
    /// Remotes of UDP sockets whose keep-alives are not answered any more, or that see us at another address.
    pub failed_remotes: u64,
    /// Remotes of UDP sockets that have no keep-alives, because there are too many.
    pub unkept_remotes: u64,
    /// Messages for which there was no room while their connection was being made.
    pub queue_full: u64,
    /// Responses whose connection is gone, and that could not be sent over a new one (RFC 3261 §18.2.2).
    pub lost_responses: u64,
}
