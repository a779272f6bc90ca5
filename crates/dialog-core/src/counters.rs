//! What is counted because a bound was met.

/// How often [`Dialogs`](crate::Dialogs) met one of its bounds, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Requests of theirs that would make a call, a subscription or a request too many, answered 503.
    pub refused_overloaded: u64,
    /// Calls of ours that were not placed because of [`DialogConfig::legs`](crate::DialogConfig::legs).
    pub calls_not_placed: u64,
    /// INVITEs and 2xx responses with a longer route set than is kept; the INVITE was answered 400, the call of the 2xx ended.
    pub long_route_sets: u64,
    /// 2xx responses of further forks that were left to their own time limit, neither acknowledged nor ended.
    pub forks_ignored: u64,
    /// Provisional responses of further forks, of which no early dialog was kept.
    pub early_dialogs_ignored: u64,
}
