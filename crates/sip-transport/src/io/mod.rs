//! The SIP sockets on tokio, and the system's resolver. Nothing here keeps protocol state: it feeds
//! [`Transports`](crate::Transports) and carries out what it says.

mod acceptor;
mod cause;
mod config;
mod connection;
mod dial;
mod fault;
mod inlet;
mod interfaces;
mod listen;
mod lookup;
mod queue;
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
pub use lookup::lookup;
pub use sockets::{INPUTS_PER_TURN, Sockets, Written};
pub use udp::{Datagram, RECEIVE_BUDGET, UdpFlow};
