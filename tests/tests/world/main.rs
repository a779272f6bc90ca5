//! The simulated world: golden scenarios, determinism, some seeds of every random scenario.

mod attended;
mod blind;
mod connections;
mod cuts;
mod golden;
mod late;
mod long_hold;
mod random;
mod replaced;
mod surprises;
