//! One registration, as the model sees it: what went over the wire and what was told of it (RFC 3261 §10.2, RFC 5626 §4.5).

use std::time::Duration;

use dialog_core::{RegistrationConfig, RegistrationEvent};
use sip_message::Message;
use sip_transport::Tick;

use crate::registrar::Passed;

/// 64*T1, in which a REGISTER is answered or has failed (RFC 3261 §17.1.2.2, timer F).
const TIMER_F: Duration = Duration::from_secs(32);

/// Shortest time from a REGISTER that was accepted to its refresh.
const SHORTEST: Duration = Duration::from_secs(5);

/// What is known of a registration.
#[derive(Debug, Default)]
pub(crate) struct Registering {
    pub(crate) call_id: Option<String>,
    /// The number of the last REGISTER.
    number: u32,
    /// When the REGISTER left that is under way.
    live: Option<Tick>,
    /// Until when its binding stands, as was told.
    bound: Option<Tick>,
    /// Whether it lasts for less than the shortest time to its refresh, so that there are gaps.
    brief: bool,
    /// When the next REGISTER is due at the earliest and at the latest.
    due: Option<(Tick, Tick)>,
    stage: Stage,
}

/// How far it has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Wanted,
    /// It is to be over.
    Leaving,
    /// It is over, and the registrar may hold a binding.
    Over,
    /// It is over, and the registrar has said that it holds none.
    Gone,
}

impl Registering {
    pub(crate) fn is_over(&self) -> bool {
        self.stage >= Stage::Over
    }

    /// Whether a binding is to stand at any time.
    pub(crate) fn is_lasting(&self) -> bool {
        self.stage == Stage::Wanted && !self.brief
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// Whether the end was told that no binding is left.
    pub(crate) fn is_gone(&self) -> bool {
        self.stage == Stage::Gone
    }

    /// A command is about to be given, after which a REGISTER may go at any time.
    pub(crate) fn asked(&mut self, leaves: bool) {
        self.due = None;
        if leaves {
            self.stage = self.stage.max(Stage::Leaving);
        }
    }

    /// Takes in what passed at a time.
    pub(crate) fn learn(&mut self, at: Tick, passed: &Passed) {
        match passed {
            Passed::Sent(register) => self.sent(at, register),
            Passed::Got(response) => {
                let status = response.status().expect("a status");
                if status.is_final() && response.cseq().expect("a CSeq").number == self.number {
                    self.live = None;
                }
            }
            Passed::Broken => (self.live, self.due) = (None, None),
            Passed::Told(event) => self.told(at, event),
        }
    }

    fn sent(&mut self, at: Tick, register: &Message) {
        let number = register.cseq().expect("a CSeq").number;
        self.call_id = Some(register.call_id().expect("a Call-ID").to_owned());
        if number == self.number {
            assert!(self.live.is_some(), "{number} is sent again after its end");
            return;
        }
        assert!(!self.is_over(), "a REGISTER after the end");
        assert_eq!(number, self.number + 1, "numbers rise by one");
        if let Some(since) = self.live {
            assert!(at.since(since) >= TIMER_F, "{number} is sent while another one is under way");
        }
        if let Some((earliest, latest)) = self.due.take() {
            assert!(
                earliest <= at && at <= latest,
                "{number} at {at:?}, due from {earliest:?} to {latest:?}"
            );
        }
        assert!(
            register.expires() != Some(0) || self.stage == Stage::Leaving,
            "a binding is removed that is wanted"
        );
        (self.number, self.live) = (number, Some(at));
    }

    fn told(&mut self, at: Tick, event: &RegistrationEvent) {
        if let RegistrationEvent::Misused(_) = event {
            return;
        }
        assert!(!self.is_over(), "{event:?} after the end");
        let config = RegistrationConfig::default();
        match event {
            RegistrationEvent::Registered(registered) => {
                assert_eq!(self.stage, Stage::Wanted, "it is to be over");
                let granted = registered.expires;
                assert!(granted <= config.longest, "{granted:?}");
                let latest = granted.saturating_sub(TIMER_F).max(granted / 2);
                let earliest = latest.saturating_sub(latest / 10).max(SHORTEST);
                self.bound = Some(at.after(granted));
                self.brief = granted < 2 * SHORTEST;
                self.due = Some((at.after(earliest), at.after(latest.max(SHORTEST))));
            }
            RegistrationEvent::Failed { retry_after: Some(after), .. } => {
                assert!(*after >= config.base / 2 && *after <= config.longest, "{after:?}");
                self.due = Some((at.after(*after), at.after(*after)));
            }
            RegistrationEvent::Failed { retry_after: None, .. } => self.stage = Stage::Over,
            RegistrationEvent::Lapsed => {
                assert_eq!(self.bound.take(), Some(at), "it stands until its time is over");
            }
            RegistrationEvent::FlowLost => {
                assert!(self.bound.take().is_some(), "no binding stood");
                self.due = None;
            }
            RegistrationEvent::Unregistered { confirmed } => {
                assert_eq!(self.stage, Stage::Leaving, "it was to stay");
                self.stage = if *confirmed { Stage::Gone } else { Stage::Over };
            }
            RegistrationEvent::Misused(_) => {}
        }
    }

    /// Nothing is overdue.
    pub(crate) fn assert_in_time(&self, now: Tick) {
        if self.stage != Stage::Wanted {
            return;
        }
        assert!(self.due.is_none_or(|(_, latest)| now <= latest), "no REGISTER left: {self:?}");
        assert!(self.bound.is_none_or(|until| now <= until), "the binding has lapsed untold: {self:?}");
    }
}
