//! World simulation.
