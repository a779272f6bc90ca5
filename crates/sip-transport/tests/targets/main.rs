//! From a URI to targets (RFC 3263): what is asked, what is found, what is remembered.

mod bounds;
mod cache;
mod dead;
mod properties;
mod rules;
mod weights;
mod zone;
