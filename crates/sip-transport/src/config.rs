//! The settings of the transport layer.

use std::time::Duration;

use sip_message::Limits;

use crate::targets::Maddr;

/// The settings of [`Transports`](crate::Transports). The defaults are for a user agent or a small server; who answers for
/// thousands of phones raises the numbers of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Most names that are looked up, and connections that are waited for, at a time; more are refused with
    /// [`RouteError::Overload`](crate::RouteError). The default of 64 bounds the threads that a system resolver blocks.
    pub resolving: usize,
    /// Longest wait for one answer of the resolver; 6 s, a second more than a resolver takes for one unanswered try, which
    /// it should tell by itself.
    pub resolve_timeout: Duration,
    /// Whether `maddr` in a URI is followed. Off by default: the URI is the other side's word, and `maddr` sends the
    /// request past the host that it names (RFC 3261 §19.1.1, §26.1). That of a Via is never followed.
    pub maddr: Maddr,
    /// A request by UDP that is longer than this many bytes goes by TCP where we listen on it (RFC 3261 §18.1.1); by UDP
    /// if there is no connection to be had. `None` sends all sizes by UDP. The default is the RFC's 1,300.
    pub stream_above: Option<u16>,
    /// Most connections at a time, those being opened included. Beyond it one that comes in is closed, and routes that
    /// need one more are refused with [`RouteError::Overload`](crate::RouteError). 4,096 are some 20 MB and leave room
    /// below usual limits of open files.
    pub connections: usize,
    /// Most connections that come in from one address, or one /64 of IPv6; 256, for the phones of a house behind one NAT.
    pub per_source: usize,
    /// Longest time until a connection is ready, handshakes included; 5 s.
    pub open_timeout: Duration,
    /// Messages that wait for a connection; 64.
    pub queue_messages: usize,
    /// Bytes that wait for a connection; 256 kB.
    pub queue_bytes: usize,
    /// Longest time from the first byte of a message to its last; 10 s, a 64 KiB message by a line of 64 kbit/s.
    pub message_timeout: Duration,
    /// Longest time in which nothing arrives, keep-alives included, before a connection is closed that never carried a
    /// message; 10 min, five of the pings of RFC 5626 §4.4.1.
    pub idle_timeout: Duration,
    /// The same for a connection that has carried messages; 24 h. A call may depend on it that is silent for hours, and
    /// behind a NAT there is no other way to its other side. That the other side lives is for pings and the system to see.
    pub used_idle_timeout: Duration,
    /// Longest interval between pings on connections that we opened; 120 s, shortened by chance by up to a fifth
    /// (RFC 5626 §4.4.1). `None` sends none.
    pub keep_alive: Option<Duration>,
    /// Longest wait for the answer to a ping, where the other side has answered one before; 10 s (RFC 5626 §4.4.1).
    pub pong_timeout: Duration,
    /// First wait before a kept connection is opened again, doubled with each failure and shortened by chance by up to a
    /// half; 30 s (RFC 5626 §4.5).
    pub reconnect_base: Duration,
    /// Longest such wait; 30 min (RFC 5626 §4.5).
    pub reconnect_max: Duration,
    /// Who may have requests sent back over a connection it made, by `alias` in its Via.
    pub alias: AliasPolicy,
    /// What a message may hold. Longest message by any transport but UDP, and lines.
    pub limits: Limits,
}

/// Whose `alias` is believed (RFC 5923): requests to the sender's sent-by then use its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AliasPolicy {
    /// Nobody's.
    Never,
    /// Of those whom TLS has verified, as the RFC asks for; others could take the requests for somebody else.
    #[default]
    Verified,
    /// Everybody's: for networks in which every host is trusted.
    Always,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            resolving: 64,
            resolve_timeout: Duration::from_secs(6),
            maddr: Maddr::Refused,
            stream_above: Some(1_300),
            connections: 4_096,
            per_source: 256,
            open_timeout: Duration::from_secs(5),
            queue_messages: 64,
            queue_bytes: 256_000,
            message_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(10),
            used_idle_timeout: Duration::from_hours(24),
            keep_alive: Some(Duration::from_mins(2)),
            pong_timeout: Duration::from_secs(10),
            reconnect_base: Duration::from_secs(30),
            reconnect_max: Duration::from_mins(30),
            alias: AliasPolicy::default(),
            limits: Limits::default(),
        }
    }
}
