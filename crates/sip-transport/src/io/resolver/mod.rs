//! Who answers the questions to the DNS: one trait, and three that have it.

#[cfg(feature = "dns")]
mod dns;
mod system;
mod table;

use std::{future::Future, pin::Pin};

use crate::question::{Answer, LookupError, Question};

#[cfg(feature = "dns")]
pub use dns::{DnsConfig, DnsResolver, DnsSetupError};
pub use system::{SYSTEM_TTL, SystemResolver};
pub use table::{StaticResolver, TABLE_TTL};

/// An answer on its way.
pub type LookUp<'a> = Pin<Box<dyn Future<Output = Result<Answer, LookupError>> + Send + 'a>>;

/// Answers the questions of [`TransportOutput::Resolve`](crate::TransportOutput::Resolve).
///
/// A resolver ends each wait by itself: its answer to a question that nobody answers is [`LookupError::Timeout`]. It need
/// not keep answers; [`Cache`](crate::targets::Cache) does. Dropping the future gives the question up.
pub trait Resolver: Send + Sync + 'static {
    /// Asks. Records that an answer holds are of the kind that was asked for, and there is at least one.
    fn look_up(&self, question: Question) -> LookUp<'_>;
}
