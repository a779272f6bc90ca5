//! From a URI to targets, by the rules of RFC 3263: which transport, which address, which port, in which order.
//!
//! [`Selection`] is a reducer of its own: it asks one [`Question`](crate::Question) after another and ends with at most
//! [`MAX_HOPS`] targets, or with the reason why there are none. It knows no resolver: whoever drives it looks into a
//! [`Cache`] first and asks a resolver then. [`DeadTargets`] puts those that failed lately behind the others.
//!
//! ```
//! use sip_message::Uri;
//! use sip_transport::{Transport, targets::{Maddr, Offered, Selection, Step}};
//!
//! let offered = Offered::from_iter([(Transport::Udp, "192.0.2.10".parse()?)]);
//! let step = Selection::start(&Uri::parse("sip:bob@example.com:5070")?, offered, Maddr::Refused)?;
//! let Step::Ask(_selection, question) = step else { panic!("a name is looked up") };
//! assert_eq!(question.to_string(), "example.com A/AAAA");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod dead;
pub(crate) mod domain;
mod offered;
mod selection;
mod service;
mod wanted;
mod weights;

use std::net::{IpAddr, SocketAddr};

use smallvec::SmallVec;

use crate::flow::Transport;

pub use cache::{Cache, CacheConfig};
pub use dead::{DeadTargets, MAX_DEAD};
pub use offered::Offered;
pub use selection::{MAX_QUESTIONS, Selection, Step};
pub use wanted::Maddr;

/// Most targets of one request: with 32 s for each silent one, more would outlive any caller.
pub const MAX_HOPS: usize = 4;

/// Most records of one answer that are looked at: no SIP domain has more servers of one kind, and a name server that
/// sends a thousand must not make work of them.
pub const MAX_RECORDS: usize = 32;

/// One place that a request can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// By which transport.
    pub transport: Transport,
    /// The address, never a wildcard, multicast or broadcast one.
    pub ip: IpAddr,
    /// The port, never 0.
    pub port: u16,
}

impl Target {
    /// What stands at that address.
    pub fn new(transport: Transport, remote: SocketAddr) -> Self {
        Self { transport, ip: remote.ip().to_canonical(), port: remote.port() }
    }

    /// Address and port.
    pub const fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}

/// The targets of a request in the order they are to be tried.
pub type Targets = SmallVec<[Target; MAX_HOPS]>;
