//! Where the new call goes, and where it may be sent on to (RFC 3261 §8.1.3.4; TR-200).

use std::collections::VecDeque;

use sip_message::UriBuf;

use crate::{TargetPolicy, TransferPolicy};

/// Contacts that are kept; a redirection that names more means nobody in particular.
pub(super) const CONTACTS_MAX: usize = 8;

/// The targets of one transfer: those tried, the last of which is current, and those left.
#[derive(Debug)]
pub(super) struct Route {
    /// Never empty, and bounded by the policy's limit of redirections.
    tried: Vec<UriBuf>,
    current: UriBuf,
    left: VecDeque<UriBuf>,
}

impl Route {
    pub(super) fn new(target: UriBuf) -> Self {
        Self { tried: Vec::new(), current: target, left: VecDeque::new() }
    }

    pub(super) const fn current(&self) -> &UriBuf {
        &self.current
    }

    /// The targets that were tried, the current one last.
    pub(super) fn taken(&self) -> impl Iterator<Item = &UriBuf> {
        self.tried.iter().chain([&self.current])
    }

    /// Takes the Contacts of a redirection, best first, ahead of those left of an earlier one. `false` if there were
    /// some and the policy permits none of them.
    pub(super) fn redirect(&mut self, contacts: &[UriBuf], targets: &TargetPolicy) -> bool {
        let permitted: Vec<UriBuf> = contacts
            .iter()
            .take(CONTACTS_MAX)
            .filter_map(|contact| targets.check(&contact.as_uri()).ok())
            .collect();
        for contact in permitted.iter().rev() {
            self.left.push_front(contact.clone());
        }
        self.left.truncate(CONTACTS_MAX);
        contacts.is_empty() || !permitted.is_empty()
    }

    /// Goes on to the next target that was not tried yet; `false` if there is none or the limit is reached.
    pub(super) fn advance(&mut self, policy: &TransferPolicy) -> bool {
        if self.tried.len() >= usize::from(policy.redirects) {
            return false;
        }
        while let Some(next) = self.left.pop_front() {
            let is_tried =
                self.current.equivalent(&next) || self.tried.iter().any(|tried| tried.equivalent(&next));
            if !is_tried {
                self.tried.push(std::mem::replace(&mut self.current, next));
                return true;
            }
        }
        false
    }
}
