//! The SIP sockets on tokio, and who looks names up. Nothing here keeps protocol state: it feeds
//! [`Transports`](crate::Transports) and carries out what it says.

mod fault;
mod interfaces;
mod resolver;
mod udp;

pub use fault::SendError;
pub use interfaces::local_addresses;
pub use resolver::{LookUp, Resolver, SYSTEM_TTL, StaticResolver, SystemResolver, TABLE_TTL, lookup};
#[cfg(feature = "dns")]
pub use resolver::{DnsConfig, DnsResolver, DnsSetupError};
pub use udp::{Datagram, ListenError, RECEIVE_BUDGET, UdpFlow};
