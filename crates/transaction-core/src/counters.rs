//! What led to nothing or was answered without the layer above, by reason.

/// How many messages and commands [`Transactions`](crate::Transactions) dropped or answered by itself, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Responses that fit no transaction (RFC 6026 §7.2).
    pub stray_responses: u64,
    /// Responses with more than one Via or without a usable `CSeq` (RFC 3261 §8.1.3.3).
    pub malformed_responses: u64,
    /// Requests answered 400: a mandatory header is missing or malformed, or `CSeq` names another method.
    pub bad_requests: u64,
    /// Requests answered 482 because the same request came on another path (RFC 3261 §8.2.2.2).
    pub merged_requests: u64,
    /// CANCELs answered 481 because there is nothing to cancel.
    pub stray_cancels: u64,
    /// ACKs that belong to no transaction waiting for one, passed up: those to a 2xx, and any that somebody made up.
    pub stray_acks: u64,
    /// New INVITEs answered 503 because of [`Config::calls`](crate::Config::calls).
    pub refused_calls: u64,
    /// Other requests outside of dialogs answered 503 because of [`Config::others`](crate::Config::others).
    pub refused_others: u64,
    /// Requests in dialogs answered 503 because the table is full.
    pub refused_in_dialogs: u64,
    /// Requests of ours that failed with [`TxFailure::Overload`](crate::TxFailure::Overload).
    pub refused_own: u64,
    /// Requests that would be refused but hold too little for a response; malformed ACKs.
    pub unanswerable: u64,
    /// Responses of the layer above that must not be sent: 408 and early 1xx to non-INVITE (RFC 4320 §4).
    pub withheld_responses: u64,
    /// Commands for a transaction that is over, or that it cannot take in its state.
    pub stale_commands: u64,
    /// Reason values that cannot be encoded; the CANCEL went without.
    pub reasons_dropped: u64,
    /// Final responses to INVITE that hold too little for an ACK.
    pub not_acknowledged: u64,
    /// CANCELs sent only once, ACKs and 503s not remembered, because the table is full.
    pub not_remembered: u64,
}
