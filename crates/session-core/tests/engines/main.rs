//! Engines wired to each other in virtual time, without loss: what the facade's commands do on the wire.

mod accounts;
mod advertised;
mod answering;
mod attended;
mod back_to_back;
mod blind;
mod bridged;
mod explicit;
mod glare;
mod kinds;
mod manual;
mod manual_states;
mod net;
mod profiles;
mod random;
mod referred;
mod replaced;
mod reports;
mod stopping;
mod wrong_states;
