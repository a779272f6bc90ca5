//! The transaction layer as its neighbours see it: commands and datagrams in, messages, events and timers out.

mod abuse;
mod bench;
mod bounds;
mod cancel;
mod client_invite;
mod client_non_invite;
mod hops;
mod large;
mod properties;
mod refusals;
mod server_invite;
mod server_non_invite;
mod timers;
