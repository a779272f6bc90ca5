//! The facade on real sockets: transfers as an application sees them.

mod attended;
mod bridges;
mod explicit;
mod media;
mod notify;
mod stage;
mod warm;
