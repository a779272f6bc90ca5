//! The simulated world: golden scenarios, determinism, some seeds of every random scenario.

mod attended;
mod blind;
mod bridges;
mod calls;
mod connections;
mod cuts;
mod glare;
mod golden;
mod kills;
mod late;
mod long_hold;
mod matrix;
mod proofs;
mod random;
mod registrations;
mod replaced;
mod routes;
mod sessions;
mod subscriptions;
mod surprises;
