//! Engines wired to each other in virtual time, without loss: what the facade's commands do on the wire.

mod advertised;
mod attended;
mod blind;
mod glare;
mod net;
mod random;
mod referred;
mod replaced;
mod stopping;
