//! Who answers the questions to the DNS.
#![cfg(feature = "io")]

#[cfg(feature = "dns")]
mod dns;
#[cfg(feature = "dns")]
mod name_server;
mod system;
mod table;
