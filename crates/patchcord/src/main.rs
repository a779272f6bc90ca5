//! The patchcord command line.
fn main() {}
