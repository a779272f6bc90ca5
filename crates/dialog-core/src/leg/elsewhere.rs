//! Where a call goes that was redirected (RFC 3261 §8.1.3.4).

use std::collections::VecDeque;

use sip_message::{Scheme, StatusCode, UriBuf};

use crate::{
    boundary::leg::{By, EndCause, EndReason, Invite},
    counters::Counters,
};

/// Most Contacts that wait to be called; a redirection that names more means nobody in particular.
pub(super) const WAITING: usize = 8;

/// The targets of one call.
#[derive(Debug)]
pub(super) struct Elsewhere {
    /// How many more may be called.
    left: u8,
    /// Whether the call began as `sips`, and must stay one (TR-208).
    secure: bool,
    /// Those that were called, each once: bounded by [`Invite::redirects`]; empty until the first redirection.
    called: Vec<UriBuf>,
    waiting: VecDeque<UriBuf>,
}

impl Elsewhere {
    pub(super) fn new(invite: &Invite) -> Self {
        let secure = invite.target.as_uri().scheme() == Scheme::Sips;
        Self { left: invite.redirects, secure, called: Vec::new(), waiting: VecDeque::new() }
    }

    /// The next target after a call to `current` has failed; `None` if there is none, or the failure is one for all.
    pub(super) fn next(
        &mut self,
        current: &UriBuf,
        cause: &EndCause,
        counters: &mut Counters,
    ) -> Option<UriBuf> {
        match &cause.reason {
            // 305 means a proxy, and 380 what its body says: neither is a list of targets (RFC 3261 §21.3.4, §21.3.5).
            EndReason::Redirected { status, .. } if !is_list(*status) => {}
            EndReason::Redirected { contacts, .. } => {
                counters.contacts_ignored += self.take(current, contacts);
            }
            EndReason::Refused(status) if status.class() >= 6 => return None,
            EndReason::Refused(_) | EndReason::NoAnswer | EndReason::NoRoute(_) | EndReason::Unreachable => {}
            EndReason::Bye
            | EndReason::Cancelled
            | EndReason::Gone
            | EndReason::NoAck
            | EndReason::NoPrack
            | EndReason::SessionExpired
            | EndReason::NotAcceptable
            | EndReason::Overload => return None,
        }
        if cause.by == By::Local {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let next = self.waiting.pop_front()?;
        if self.called.is_empty() {
            self.called.push(current.clone());
        }
        self.called.push(next.clone());
        Some(next)
    }

    /// Takes the Contacts of a redirection, best first, ahead of those left of an earlier one. Their headers are dropped: they
    /// would be headers that somebody else puts into our INVITE. Gives how many there was no room for.
    fn take(&mut self, current: &UriBuf, contacts: &[UriBuf]) -> u64 {
        if self.left == 0 {
            return 0;
        }
        let secure = self.secure || current.as_uri().scheme() == Scheme::Sips;
        let mut fresh: Vec<UriBuf> = Vec::new();
        for contact in contacts.iter().map(UriBuf::without_headers_and_method) {
            let allowed = match contact.as_uri().scheme() {
                Scheme::Sips => true,
                Scheme::Sip | Scheme::Tel => !secure,
                Scheme::Other => false,
            };
            let known = current.equivalent(&contact)
                || self.called.iter().chain(&fresh).any(|known| known.equivalent(&contact));
            if allowed && !known {
                fresh.push(contact);
            }
        }
        self.waiting.retain(|waiting| !fresh.iter().any(|fresh| fresh.equivalent(waiting)));
        for contact in fresh.into_iter().rev() {
            self.waiting.push_front(contact);
        }
        let beyond = self.waiting.len().saturating_sub(WAITING);
        self.waiting.truncate(WAITING);
        beyond as u64
    }
}

fn is_list(status: StatusCode) -> bool {
    matches!(status.as_u16(), 300..=302)
}
