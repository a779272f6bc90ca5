//! The settings of registrations.

use std::time::Duration;

/// The settings of registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrationConfig {
    /// Most registrations at a time; one more fails with
    /// [`RegistrationFailure::Overload`](crate::RegistrationFailure::Overload).
    pub accounts: usize,
    /// The first wait after a failure, doubled with each one, when no other registration of the same account and instance
    /// stands (RFC 5626 §4.5).
    pub base: Duration,
    /// The same when another one stands.
    pub base_others: Duration,
    /// Longest such wait; each is shortened by chance by up to a half.
    pub longest_wait: Duration,
    /// Longest binding that is asked for or counted on, and longest Retry-After that is waited for.
    pub longest: Duration,
}

impl RegistrationConfig {
    /// Default for [`RegistrationConfig::accounts`]: a gateway with a trunk for each of its customers; a registration takes
    /// about 1 kB.
    pub const ACCOUNTS: usize = 1_000;
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        Self {
            accounts: Self::ACCOUNTS,
            base: Duration::from_secs(30),
            base_others: Duration::from_secs(90),
            longest_wait: Duration::from_mins(30),
            longest: Duration::from_hours(24),
        }
    }
}
