//! The SIP sockets on tokio, and who looks names up. Nothing here keeps protocol state: it feeds
//! [`Transports`](crate::Transports) and carries out what it says.

mod acceptor;
mod cause;
mod config;
mod connection;
mod dial;
mod fault;
mod inlet;
mod interfaces;
mod lingering;
mod listen;
mod queue;
mod random;
mod resolver;
mod sockets;
mod stream;
#[cfg(feature = "tls")]
pub mod tls;
mod udp;
#[cfg(feature = "ws")]
mod websocket;

pub use config::{Dscp, SocketConfig};
pub use fault::SendError;
pub use interfaces::local_addresses;
pub use listen::ListenError;
pub use random::SystemRandom;
#[cfg(feature = "dns")]
pub use resolver::{DnsConfig, DnsResolver, DnsSetupError};
pub use resolver::{LookUp, Resolver, SYSTEM_TTL, StaticResolver, SystemResolver, TABLE_TTL};
pub use sockets::{INPUTS_PER_TURN, Sockets, Written};
pub use udp::{Datagram, RECEIVE_BUDGET, UdpFlow};
