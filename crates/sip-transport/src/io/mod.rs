//! The SIP sockets on tokio, and the system's resolver. Nothing here keeps protocol state: it feeds
//! [`Transports`](crate::Transports) and carries out what it says.

mod fault;
mod interfaces;
mod lookup;
mod udp;

pub use fault::SendError;
pub use interfaces::local_addresses;
pub use lookup::lookup;
pub use udp::{Datagram, ListenError, RECEIVE_BUDGET, UdpFlow};
