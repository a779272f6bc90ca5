//! The peers: how each is asked for the same.
//!
//! What a peer leaves as text until it is asked for, a full reading asks for, so that the typed values are made.

pub(crate) mod ezk;
pub(crate) mod rsip;
pub(crate) mod rsipstack;
pub(crate) mod rvoip;
