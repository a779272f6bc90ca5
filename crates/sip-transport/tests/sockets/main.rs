//! The sockets on loopback: what peers see, and what comes in.
#![cfg(feature = "io")]

#[cfg(feature = "tls")]
mod alias;
#[cfg(feature = "tls")]
mod authority;
mod bench;
mod closing;
mod limits;
#[cfg(feature = "tls")]
mod stack;
#[cfg(feature = "tls")]
mod system_roots;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod udp;
#[cfg(feature = "ws")]
mod websocket;
