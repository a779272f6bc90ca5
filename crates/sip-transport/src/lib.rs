//! SIP transport as a reducer: flows, received and rport, routing of a request to hops.
#![doc = include_str!("../README.md")]

#[macro_use]
pub mod step;

pub mod flow;
pub mod guard;
pub mod ids;
#[cfg(feature = "io")]
pub mod io;
pub mod wheel;

mod answer;
mod counters;
mod destination;
mod resolving;
mod transports;

pub use counters::Counters;
pub use flow::{
    FlowEvent, FlowId, Hop, Hops, Inbound, Origin, Outbound, Route, RouteError, RouteId, Transport,
};
pub use guard::{Guard, Purpose, Token};
pub use resolving::{Addresses, LookupError, TransportTimer};
pub use step::{Cx, IdMint, Out, Outbox, Random, Tick, TimerOp, UnixTime};
pub use transports::{Config, MAX_DATAGRAM, TransportCommand, TransportInput, TransportOutput, Transports};
