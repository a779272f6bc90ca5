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
    /// need one more are refused with [`RouteError::Overload`](crate::RouteError). 4,096 leave room below usual limits of open
    /// files; by TCP they take some 20 MB while they are idle, and what they have begun to send besides, up to a message of
    /// the longest each.
    pub connections: usize,
    /// Most connections that come in from one address, or one /64 of IPv6; 256, for the phones of a house behind one NAT.
    pub per_source: usize,
    /// Most of these whose handshakes of TLS and WebSocket are not over; 64, all of such a house at once after a power cut
    /// within a second or two. A sixteenth of what [`Sockets`](crate::io::Sockets) takes in all, so that one source leaves
    /// room for others.
    pub opening_per_source: usize,
    /// Longest time until a connection is ready, handshakes included; 5 s.
    pub open_timeout: Duration,
    /// Messages that wait for a connection; 64.
    pub queue_messages: usize,
    /// Bytes that wait for a connection; 256 kB.
    pub queue_bytes: usize,
    /// Longest time from the first byte of a message to its last; 10 s, a 64 KiB message by a line of 64 kbit/s.
    pub message_timeout: Duration,
    /// Longest time in which nothing arrives, keep-alives included, before a connection is closed that never carried a
    /// message; 10 min, five of the pings of RFC 5626 §4.4.1. Pings of WebSocket itself (RFC 6455 §5.5.2) are answered below
    /// this layer and do not count.
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
    /// Over whose connections requests go back to whoever made the connection, by `alias` in a Via (RFC 5923): whose `alias`
    /// is believed, and to whom ours offers it.
    pub alias: AliasPolicy,
    /// What a message may hold. Longest message by any transport but UDP, and lines.
    pub limits: Limits,
}

/// Between whom a connection carries requests both ways, whoever made it (RFC 5923). The same trust decides for both ends.
///
/// As a server: requests to the sent-by of a Via with `alias` use the connection that it came by, where the sender is trusted.
/// As a client: the Via of our requests has `alias` on connections that we made, where the server is trusted and we listen by
/// that transport; elsewhere it names the end of the connection, and needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AliasPolicy {
    /// Nobody: no `alias` is believed, and none is sent.
    Never,
    /// Those whom TLS has verified, as the RFC asks for; others could take the requests for somebody else. Each end decides by
    /// what it sees: a server that asked for no certificate of ours takes no notice of our `alias` (RFC 5923 §9.2).
    #[default]
    Verified,
    /// Everybody, TCP and WebSocket included: for networks in which every host is trusted.
    Always,
}

impl AliasPolicy {
    /// Whether the other side of a connection, which TLS has verified or not, is trusted.
    pub(crate) const fn trusts(self, verified: bool) -> bool {
        match self {
            Self::Never => false,
            Self::Verified => verified,
            Self::Always => true,
        }
    }
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
            opening_per_source: 64,
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
