//! The layer as its neighbours see it: values in, out-list compared.

mod admission;
mod attended;
mod attended_ends;
mod attended_policy;
mod attended_refusals;
mod bounds;
mod bridging;
mod consulting;
mod consulting_ends;
mod declining;
mod random;
mod random_calls;
mod replacing;
mod rig;
mod swapping;
mod transferee;
mod transferee_ends;
mod transferor;
mod transferor_ends;
mod two_calls;
