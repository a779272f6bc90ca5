//! The session timer: who refreshes the session, and its end when nobody does (RFC 4028).

use std::time::Duration;

use sip_message::{Draft, HeaderId, Message, Method, Refresher, Response};

use crate::{
    boundary::leg::{By, EndCause, EndReason},
    config::{DialogConfig, SessionTimers, TIMER},
    dialog::Dialog,
    step::Step,
    timer::LegTimer,
};

use super::Leg;

/// Most new tries for one request after 422: each proxy on the way may ask for more than the one before it, and those that do
/// are few.
pub(crate) const RETRIES: u8 = 3;

/// Longest interval in seconds: a day. Who asks for a longer one wants no timer.
const LONGEST: u32 = 86_400;

/// Shortest interval in seconds that we count by, whatever a peer says: less than the RFC's 90 is nobody's right, and a
/// refresh without a pause would be a load that the peer chooses.
const SHORTEST: u32 = 32;

/// How long before its expiration an unrefreshed session is ended, at most, in seconds (RFC 4028 §10).
const BEFORE: u32 = 32;

/// For Reason in the BYE that ends an unrefreshed session (RFC 3326).
const REASON: &str = "SIP;cause=408;text=\"Session not refreshed\"";

/// The timer of one session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SessionTimer {
    /// The interval in seconds; `None` while the session has none.
    interval: Option<u32>,
    /// Whether we refresh.
    ours: bool,
    /// The greatest Min-SE that was received, in seconds.
    least: u32,
    /// Whether the time for a refresh is over, so that the session's end comes next.
    expiring: bool,
}

/// The shortest interval that we take, in seconds.
pub(crate) fn least(config: &DialogConfig) -> u32 {
    config.min_se.max(DialogConfig::MIN_SE)
}

/// Whether a request is to be refused with 422 (RFC 4028 §9). A sender that does not know the extension is let be: it was a
/// proxy that asked.
pub(crate) fn is_too_short(config: &DialogConfig, request: &Message) -> bool {
    let asked = request.session_expires().ok().flatten().map(|it| it.seconds);
    config.session_timers != SessionTimers::Off
        && knows_timers(request)
        && asked.is_some_and(|seconds| seconds < least(config))
}

fn knows_timers(message: &Message) -> bool {
    message.supported().any(|tag| tag.eq_ignore_ascii_case(TIMER))
}

impl SessionTimer {
    /// Asks for a timer in a first INVITE (RFC 4028 §7.1).
    pub(crate) fn ask(&self, config: &DialogConfig, draft: Draft) -> Draft {
        match config.session_timers {
            SessionTimers::Off => draft,
            SessionTimers::Offered { interval } => {
                let least = least(config).max(self.least);
                with_least(least, draft.header(HeaderId::SessionExpires, interval.max(least)))
            }
        }
    }

    /// Asks for the timer that there is in a later INVITE or UPDATE; the roles stay (RFC 4028 §7.4).
    pub(crate) fn ask_again(&self, config: &DialogConfig, draft: Draft) -> Draft {
        let Some(interval) = self.interval else { return draft };
        let (least, refresher) = (least(config).max(self.least), if self.ours { "uac" } else { "uas" });
        let value = format_args!("{};refresher={refresher}", interval.max(least));
        with_least(least, draft.header(HeaderId::SessionExpires, value))
    }

    /// Takes a refusal of ours; whether it is a 422 that asks for more than was asked for before.
    pub(crate) fn is_raised_by(&mut self, message: &Message) -> bool {
        let least = message.min_se().filter(|least| (self.least + 1..=LONGEST).contains(least));
        let Some(least) = least.filter(|_| message.status().is_some_and(|it| it.as_u16() == 422)) else {
            return false;
        };
        self.least = least;
        true
    }

    /// Takes the 2xx to the first INVITE: what was asked for before belongs to no dialog (RFC 4028 §7.4).
    pub(crate) fn begin(&mut self, config: &DialogConfig, message: &Message) {
        self.least = 0;
        self.answered(config, message);
    }

    /// Takes the 2xx to an INVITE or UPDATE of ours (RFC 4028 §7.2).
    pub(crate) fn answered(&mut self, config: &DialogConfig, message: &Message) {
        let said = message.session_expires().ok().flatten();
        let said = said.filter(|_| config.session_timers != SessionTimers::Off);
        self.interval = said.map(|it| it.seconds.clamp(SHORTEST, LONGEST));
        self.ours = said.is_some_and(|it| it.refresher != Some(Refresher::Uas));
    }

    /// Decides on the timer that our 2xx grants (RFC 4028 §9, table 2).
    pub(crate) fn grant(&mut self, config: &DialogConfig, request: &Message) {
        let SessionTimers::Offered { interval: ours } = config.session_timers else { return };
        let theirs = request.min_se().unwrap_or_default();
        self.least = self.least.max(theirs.min(LONGEST));
        let longest = ours.max(least(config)).max(theirs);
        if theirs > LONGEST {
            self.interval = None;
            return;
        }
        match request.session_expires() {
            Ok(Some(asked)) => {
                self.interval = Some(asked.seconds.min(longest)).filter(|seconds| *seconds >= SHORTEST);
                self.ours = !knows_timers(request) || asked.refresher == Some(Refresher::Uas);
            }
            // It did not ask, so that the work is ours.
            Ok(None) if knows_timers(request) => {
                self.ours |= self.interval.is_none();
                self.interval = Some(self.interval.map_or(longest, |before| before.max(theirs)));
            }
            Ok(None) | Err(_) => self.interval = None,
        }
    }

    /// Says in our 2xx what was granted.
    pub(crate) fn say<'m>(&self, request: &Message, response: Response<'m>) -> Response<'m> {
        let Some(interval) = self.interval else { return response };
        let refresher = if self.ours { "uas" } else { "uac" };
        let value = format_args!("{interval};refresher={refresher}");
        let response = response.header(HeaderId::SessionExpires, value);
        if knows_timers(request) { response.header(HeaderId::Require, TIMER) } else { response }
    }
}

/// Adds Min-SE, where it says more than its absence (RFC 4028 §5).
fn with_least(least: u32, draft: Draft) -> Draft {
    if least > DialogConfig::MIN_SE { draft.header(HeaderId::MinSe, least) } else { draft }
}

/// When an unrefreshed session is ended, in seconds from its last refresh (RFC 4028 §10).
fn end_of(interval: u32) -> u32 {
    interval - BEFORE.min(interval / 3)
}

impl Dialog {
    /// Counts from now: an INVITE or UPDATE was answered 2xx.
    pub(crate) fn arm_session(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(interval) = self.session_timer.interval else { return self.disarm(step, LegTimer::Session) };
        self.session_timer.expiring = !self.session_timer.ours;
        let after = if self.session_timer.ours { interval / 2 } else { end_of(interval) };
        self.arm(step, LegTimer::Session, seconds(after));
    }

    /// The time for a refresh, or that of the session's end.
    pub(crate) fn session_due(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(interval) = self.session_timer.interval else { return };
        let Some(Leg::Up(_)) = &self.leg else { return };
        if self.session_timer.expiring {
            let cause = EndCause::new(By::Network, EndReason::SessionExpired);
            return self.close(step, cause, Some(REASON.into()));
        }
        // What comes of it shows by the timer: only a 2xx counts anew.
        self.session_timer.expiring = true;
        self.arm(step, LegTimer::Session, seconds(end_of(interval) - interval / 2));
        if self.state.peer.names(&Method::Update) && self.is_update_idle() {
            self.begin_update(step, false);
        } else {
            self.refresh_by_invite(step);
        }
    }

    /// Refreshes by a re-INVITE, whose offer says what is in force.
    pub(crate) fn refresh_by_invite(&mut self, step: &mut Step<'_, '_, '_>) {
        let interval = self.session_timer.interval.unwrap_or_default();
        let limit = step.after(seconds(interval / 2));
        self.offer_quietly(step, limit);
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
