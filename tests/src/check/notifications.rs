//! Invariant 2: every REFER that was accepted is reported on, unless it was not to be, and the last report is the last.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sip_message::{HeaderId, Message, Method, StatusCode, SubState};

use crate::{
    journal::{Way, is_request, response},
    play::Played,
};

/// How long a NOTIFY waits for its answer: 64*T1 (RFC 3261 §17.1.2.2, timer F).
const TIMER_F: Duration = Duration::from_secs(32);

/// What a notifier did in one dialog.
#[derive(Default)]
struct Reports {
    /// `CSeq` numbers of the REFERs that it was not to report on (RFC 7614 §5), and of the SUBSCRIBEs that begin nothing.
    unreported: BTreeSet<u32>,
    /// `CSeq` numbers of what it accepted and has to report on here: REFERs, and SUBSCRIBEs to the state of one.
    accepted: BTreeSet<u32>,
    /// `CSeq` numbers of its NOTIFYs, in order of sending.
    sent: Vec<u32>,
    /// Those that said `terminated`.
    terminated: BTreeSet<u32>,
    /// When each was sent first.
    since: BTreeMap<u32, Duration>,
    /// Those that were answered 2xx while it waited for that.
    answered: BTreeSet<u32>,
    /// Those that were answered 500: overtaken by a later request and sent once more (`docs/decisions/0004`).
    overtaken: BTreeSet<u32>,
}

pub(super) fn check(played: &Played, node: usize, found: &mut Vec<String>) {
    let mut dialogs: BTreeMap<String, Reports> = BTreeMap::new();
    for (at, way, message) in played.journal.messages(node) {
        let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else { continue };
        let reports = dialogs.entry(call_id.to_owned()).or_default();
        match (way, response(&message)) {
            (Way::In, None) if is_request(&message, &Method::Refer) && forbids_reports(&message) => {
                reports.unreported.insert(cseq.number);
            }
            (Way::In, None) if is_request(&message, &Method::Subscribe) && message.to_tag().is_some() => {
                reports.unreported.insert(cseq.number);
            }
            (Way::Out, Some((status, Method::Refer | Method::Subscribe)))
                if status.is_success()
                    && !reports.unreported.contains(&cseq.number)
                    && !is_reported_elsewhere(&message) =>
            {
                reports.accepted.insert(cseq.number);
            }
            (Way::Out, None) if is_request(&message, &Method::Notify) => {
                reports.since.entry(cseq.number).or_insert(at);
                if !reports.sent.contains(&cseq.number) {
                    reports.sent.push(cseq.number);
                }
                if is_terminated(&message) {
                    reports.terminated.insert(cseq.number);
                }
            }
            (Way::In, Some((status, Method::Notify)))
                if status.is_success()
                    && reports.since.get(&cseq.number).is_some_and(|since| at <= *since + TIMER_F) =>
            {
                reports.answered.insert(cseq.number);
            }
            (Way::In, Some((StatusCode::SERVER_INTERNAL_ERROR, Method::Notify))) => {
                reports.overtaken.insert(cseq.number);
            }
            _ => {}
        }
    }
    for (call_id, mut reports) in dialogs {
        let accepted = reports.accepted.len();
        if accepted > 0 && reports.sent.len() < accepted {
            found.push(format!("{call_id}: {accepted} REFERs accepted, {} NOTIFYs", reports.sent.len()));
        }
        // A NOTIFY that was never answered, or refused, ends the subscription without a last one (RFC 6665 §4.2.2).
        let broken_off = reports.sent.iter().any(|cseq| !reports.answered.contains(cseq));
        reports.terminated.retain(|cseq| !reports.overtaken.contains(cseq));
        reports.sent.retain(|cseq| !reports.overtaken.contains(cseq));
        let terminated = reports.terminated.len();
        if terminated > accepted || (terminated < accepted && !broken_off) {
            found
                .push(format!("{call_id}: {accepted} REFERs accepted, {terminated} NOTIFYs with terminated"));
        }
        let last = reports.sent.last();
        if accepted == 1
            && let Some(terminated) = reports.terminated.first()
            && last != Some(terminated)
        {
            found.push(format!("{call_id}: a NOTIFY after the one with terminated"));
        }
    }
}

fn forbids_reports(refer: &Message) -> bool {
    refer.require().any(|tag| tag.eq_ignore_ascii_case("nosub"))
}

/// Whether a 2xx to a REFER says that nobody reports on it in its dialog (RFC 4488 §4, RFC 7614 §4.3).
fn is_reported_elsewhere(accepted: &Message) -> bool {
    matches!(accepted.refer_sub(), Ok(Some(false))) || accepted.has(HeaderId::ReferEventsAt)
}

fn is_terminated(message: &Message) -> bool {
    matches!(message.subscription_state(), Ok(Some(state)) if state.state == SubState::Terminated)
}
