//! Engines wired to each other in virtual time, without loss: what the facade's commands do on the wire.

mod attended;
mod blind;
mod manual;
mod manual_states;
mod net;
mod random;
mod referred;
mod replaced;
mod reports;
mod stopping;
