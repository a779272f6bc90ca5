//! SIP transport as a reducer: flows, received and rport, routing of a request to hops.
#![doc = include_str!("../README.md")]

#[macro_use]
pub mod step;

pub mod flow;
pub mod guard;
pub mod ids;
#[cfg(feature = "io")]
pub mod io;
pub mod targets;
pub mod wheel;

mod address;
mod answer;
mod boundary;
mod config;
mod counters;
mod flows;
mod question;
mod resolving;
mod stun;
mod transports;

pub use boundary::{
    CloseCause, Connect, MAX_PIECE, MESSAGES_PER_TURN, TransportCommand, TransportInput, TransportOutput,
    TransportTimer,
};
pub use config::{AliasPolicy, Config};
pub use counters::Counters;
pub use flow::{
    FlowEvent, FlowId, Hop, Hops, Inbound, Origin, Outbound, PeerIdentity, Route, RouteError, RouteId,
    Transport,
};
pub use guard::{Guard, Purpose, Token};
pub use question::{Addresses, Answer, LookupError, Naptr, Question, Records, Srv};
pub use step::{Cx, IdMint, Out, Outbox, Random, Tick, TimerOp, UnixTime};
pub use transports::{KEPT_REMOTES, MAX_DATAGRAM, SHORTEST_BEAT, Transports};
