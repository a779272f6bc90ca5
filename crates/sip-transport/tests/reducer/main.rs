//! The transport layer as its neighbours see it: datagrams and routes in, messages and hops out.

mod alias;
mod bench;
mod binding;
mod connections;
mod datagrams;
mod keeping;
mod properties;
mod routes;
mod streams;
