//! The four SIP transaction machines (RFC 3261 §17, RFC 6026) as one reducer.
#![doc = include_str!("../README.md")]

mod boundary;
mod client;
mod counters;
mod drain;
mod key;
mod layers;
mod machine;
mod server;
mod table;
mod transactions;

pub use boundary::{TimerName, Timing, TxCommand, TxEvent, TxFailure, TxId, TxOutput, TxTimer};
pub use counters::Counters;
pub use layers::{Layers, LayersOutput};
pub use transactions::{Config, Transactions};
