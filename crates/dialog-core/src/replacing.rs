//! An INVITE with Replaces (RFC 3891 §3): checks 1 to 9 of the transfer catalogue's table 2.4, before any state is made.
//!
//! The first check that hits answers:
//!
//! | # | Check | Answer | Where |
//! | --- | --- | --- | --- |
//! | 1 | form: more than one Replaces, a bad one, not in an INVITE, with Join | 400 | [`is_well_formed`] |
//! | 2 | Require names what is not supported | 420 | `requests` |
//! | 3 | within a dialog | 481, 488 | `requests`, `leg::reinvited` |
//! | 4 | authentication | 401 | `demand`, right before [`Dialogs::replaced`] |
//! | 5 | no match, several, no INVITE usage, itself | 481 | [`Dialogs::replaced`] |
//! | 6 | ended, or being ended | 603 | [`Dialogs::replaced`] |
//! | 7 | `early-only`, but confirmed | 486 | [`Dialogs::replaced`] |
//! | 8 | early, and a call of theirs | 481 | [`Dialogs::replaced`] |
//! | 9 | being replaced already | 486 | [`Dialogs::replaced`] |
//!
//! Checks 10 and 11, authorisation and offer, are those of the layers above: they `Accept` or `Reject` the call.

use sip_message::{HeaderId, Message, Method, Replaces, StatusCode};
use sip_transport::{Cx, Purpose};

use crate::{
    boundary::leg::{DialogIdentity, LegId, Replacing},
    dialog::Dialog,
    dialogs::Dialogs,
    leg::{Leg, early::Early},
};

/// What an INVITE outside a dialog is to take the place of.
#[derive(Debug)]
pub(crate) enum Match {
    /// Nothing: it has no Replaces, or nobody here knows that header.
    Nothing,
    /// This dialog.
    Dialog(Box<Replacing>),
    /// A check has failed.
    Refused(StatusCode),
}

impl Match {
    /// The leg that is to be replaced.
    pub(crate) fn leg(&self) -> Option<LegId> {
        match self {
            Self::Dialog(replacing) => Some(replacing.leg),
            Self::Nothing | Self::Refused(_) => None,
        }
    }
}

/// Check 1. Replaces stands in an INVITE only, once, is readable, and not beside a Join, which contradicts it (RFC 3891 §3,
/// RFC 3911 §4; TR-100, TR-103, TR-104).
pub(crate) fn is_well_formed(message: &Message) -> bool {
    match message.replaces() {
        Ok(None) => true,
        Ok(Some(_)) => message.method() == Some(Method::Invite) && !message.has(HeaderId::Join),
        Err(_) => false,
    }
}

/// Whether a tag in Replaces is that of a dialog; compared byte for byte (TR-125). 0 stands for a tag that an RFC 2543 peer
/// does not have (RFC 3891 §6.1, TR-121).
fn is_tag(named: &str, tag: &str) -> bool {
    named == tag || named == "0" && tag.is_empty()
}

/// Whether Replaces names the dialog with these ids, as its peer would: our tag is its to-tag (RFC 3891 §3, TR-101).
fn names(replaces: &Replaces, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
    replaces.call_id() == call_id && replaces.to_tag() == local_tag && is_tag(replaces.from_tag(), remote_tag)
}

impl DialogIdentity {
    fn is_named_by(&self, replaces: &Replaces) -> bool {
        names(replaces, &self.call_id, &self.local_tag, &self.remote_tag)
    }
}

impl Dialogs {
    /// Checks 5 to 9: the dialog that an INVITE outside any dialog is to replace. Our tag leads to it, so that it takes one
    /// look-up; Call-ID and the peer's tag are compared all the same.
    pub(crate) fn replaced(&self, cx: &Cx<'_>, invite: &Message) -> Match {
        // What is not well-formed was refused before.
        let Some(replaces) = invite.replaces().ok().flatten().filter(|_| self.config.replaces()) else {
            return Match::Nothing;
        };
        // Itself: the dialog that this INVITE has made, or would have by another way (TR-124).
        let itself = invite.call_id() == Ok(replaces.call_id())
            && is_tag(replaces.from_tag(), invite.from_tag().unwrap_or_default());
        match self.find(cx, &replaces).filter(|_| !itself) {
            None => Match::Refused(StatusCode::CALL_DOES_NOT_EXIST),
            Some(Ok(replacing)) => Match::Dialog(Box::new(replacing)),
            Some(Err(status)) => Match::Refused(status),
        }
    }

    /// The dialog, or why it cannot be replaced; `None` if there is none (TR-106).
    fn find(&self, cx: &Cx<'_>, replaces: &Replaces) -> Option<Result<Replacing, StatusCode>> {
        let leg = LegId::from(cx.guard.read(Purpose::Tag, replaces.to_tag())?);
        let Some(dialog) = self.dialogs.get(&leg) else {
            // Ended not long ago: nothing is to ring for it any more (RFC 3891 §3, TR-107).
            let ended = self.tombstones.get(leg).filter(|identity| identity.is_named_by(replaces));
            return ended.map(|_| Err(StatusCode::DECLINE));
        };
        if dialog.is_unconfirmed() {
            return self.find_early(dialog, replaces);
        }
        if !dialog.state.identity().is_named_by(replaces) {
            return None;
        }
        match &dialog.leg {
            Some(Leg::Up(_)) => {}
            Some(Leg::Placing(placing)) if !placing.is_ending() => {}
            Some(Leg::Placing(_) | Leg::Ending(_)) => return Some(Err(StatusCode::DECLINE)),
            // Early and theirs: replacing it would be a pick-up, which RFC 3891 §3 rules out (TR-111, EC-73).
            Some(Leg::Answering(_)) => return None,
            // What is left are subscriptions, and they are not replaced (TR-106).
            None => {
                let ended = dialog.is_remembered(cx.now, self.config.timing.timeout());
                return ended.then_some(Err(StatusCode::DECLINE));
            }
        }
        if replaces.early_only() {
            // RFC 3891 §3, §7.1; TR-108.
            return Some(Err(StatusCode::BUSY_HERE));
        }
        Some(self.unless_being_replaced(dialog, None))
    }

    /// Among the early dialogs of a call of ours (RFC 3891 §3, TR-110, EC-69).
    fn find_early(&self, dialog: &Dialog, replaces: &Replaces) -> Option<Result<Replacing, StatusCode>> {
        let Some(Leg::Placing(placing)) = &dialog.leg else { return None };
        let (call_id, local_tag) = (&dialog.state.call_id, &dialog.state.local_tag);
        let is_named = |early: &&Early| names(replaces, call_id, local_tag, early.tag());
        let mut named = placing.early_dialogs().iter().filter(is_named);
        // Several count as none (TR-105): a fork without a tag and one whose tag is 0.
        let early = named.next().filter(|_| named.next().is_none())?;
        if placing.is_ending() {
            return Some(Err(StatusCode::DECLINE));
        }
        Some(self.unless_being_replaced(dialog, Some(early)))
    }

    /// Check 9: whoever comes second is refused, as the first may still fail.
    fn unless_being_replaced(&self, dialog: &Dialog, early: Option<&Early>) -> Result<Replacing, StatusCode> {
        let lives = |leg| self.dialogs.get(&leg).is_some_and(|dialog| dialog.leg.is_some());
        if dialog.replaced_by.is_some_and(lives) {
            return Err(StatusCode::BUSY_HERE);
        }
        Ok(Replacing {
            leg: dialog.id,
            early: early.is_some(),
            remote: dialog.state.remote.clone(),
            remote_target: dialog.state.path.target.clone(),
            source: early.and_then(Early::source).or(dialog.state.source),
            verified_name: dialog.state.verified_name.clone(),
            verified_user: dialog.verified_user.clone(),
        })
    }
}
