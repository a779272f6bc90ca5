//! What was not passed on, by reason.

/// How many inputs of [`Transports`](crate::Transports) led to nothing, by reason, since the start.
///
/// Every datagram that is not passed up is counted in exactly one of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Messages passed up.
    pub passed: u64,
    /// Datagrams that are no SIP message, or whose top Via cannot be used.
    pub malformed: u64,
    /// Empty datagrams and such of line ends or NUL only (RFC 5626 §4.4.1 and the habits of phones).
    pub keep_alive: u64,
    /// Datagrams longer than a UDP datagram can be, in either direction. Of those to be sent, a request is told as
    /// [`FlowEvent::Unreachable`](crate::FlowEvent::Unreachable); a response is dropped.
    pub too_large: u64,
    /// Bytes, errors, closings or messages to send for a flow that is not there.
    pub unknown_flow: u64,
    /// Responses whose top Via names none of our addresses (RFC 3261 §18.1.2).
    pub foreign_response: u64,
    /// Flows of a transport that is not offered here.
    pub unsupported_flow: u64,
    /// Answers of the resolver that nobody waits for any more.
    pub late_answer: u64,
}
