//! What is counted because a bound was met.

/// How often [`Dialogs`](crate::Dialogs) met one of its bounds, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Requests of theirs that would make a call, a subscription or a request too many, answered 503.
    pub refused_overloaded: u64,
    /// Calls of ours that were not placed because of [`DialogConfig::legs`](crate::DialogConfig::legs).
    pub calls_not_placed: u64,
    /// Registrations that were not begun because of
    /// [`RegistrationConfig::accounts`](crate::RegistrationConfig::accounts).
    pub registrations_refused: u64,
    /// Messages that would make a dialog with a longer route set than is kept: requests are answered 400, the call of a first
    /// 2xx ends, and other responses make no dialog.
    pub long_route_sets: u64,
    /// 2xx responses of further forks that were left to their own time limit, neither acknowledged nor ended: too many of
    /// them, or with a route set that cannot be used.
    pub forks_ignored: u64,
    /// Provisional responses of further forks, of which no early dialog was kept.
    pub early_dialogs_ignored: u64,
    /// Reliable responses that were left to be repeated, because too many of our PRACKs were under way.
    pub reliable_responses_ignored: u64,
    /// NOTIFYs of notifiers beyond [`DialogConfig::subscription_forks`](crate::DialogConfig::subscription_forks), or beyond the
    /// dialogs and subscriptions that there may be, answered 481.
    pub notifiers_refused: u64,
    /// Fetches whose further notifiers are not heard, because of
    /// [`DialogConfig::subscriptions`](crate::DialogConfig::subscriptions).
    pub fetches_forgotten: u64,
    /// Commands that would make a subscription or a request too many, answered [`Misuse::Full`](crate::Misuse::Full).
    pub commands_refused: u64,
    /// Calls and registrations whose nonces were forgotten because of [`DialogConfig::nonces`](crate::DialogConfig::nonces).
    pub nonces_forgotten: u64,
    /// Challenges that were not looked at: too long, or too many in one response.
    pub challenges_ignored: u64,
    /// Challenges that were not answered because one call has answered those of enough realms.
    pub realms_refused: u64,
    /// Hosts that were forgotten to have taken a credential, and are trusted with it in a dialog no more.
    pub hosts_forgotten: u64,
    /// Nonces of ours that are taken for stale before their time, because of
    /// [`Authentication::nonces`](crate::Authentication::nonces).
    pub own_nonces_forgotten: u64,
    /// Ended dialogs that were forgotten before their time, because too many ended.
    pub tombstones_forgotten: u64,
    /// Contacts of redirections that were read and are not called: too many of them.
    pub contacts_ignored: u64,
}
