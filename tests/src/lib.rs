//! What patchcord is tested with as a whole: a simulated world in virtual time, plain-text scenarios with golden
//! traces, the invariants of call transfer, and the independent peers of the interoperability tests.
//!
//! The world holds any number of [`Engine`](session_core::engine::Engine)s with their RTP streams in one thread, joined
//! by a [`network`] that loses, repeats and reorders datagrams by a seed. The same scenario with the same seed gives the
//! same [`journal`], byte for byte.

pub mod calls;
pub mod check;
pub mod connections;
pub mod crowd;
pub mod datagrams;
pub mod exchange;
pub mod hostile;
pub mod journal;
pub mod kills;
pub mod ladder;
pub mod matrix;
pub mod media;
pub mod moves;
pub mod network;
pub mod node;
pub mod party;
pub mod peer;
pub mod play;
pub mod scenario;
pub mod scripted;
pub mod seed;
pub mod sweep;
pub mod transactions;
pub mod world;
