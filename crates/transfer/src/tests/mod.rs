//! The layer as its neighbours see it: values in, out-list compared.

mod admission;
mod bounds;
mod random;
mod replacing;
mod rig;
mod transferee;
mod transferee_ends;
mod transferor;
mod transferor_ends;
