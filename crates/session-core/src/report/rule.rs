//! The rule behind each outcome, with its source.

use transfer::{Failure, LearnedFrom, Outcome, OutcomeKind, Role};

/// The rule by which a transfer came to its outcome, in a sentence that begins with its source: an RFC section, or this
/// stack's own policy.
pub fn rule(role: Role, outcome: &Outcome) -> &'static str {
    match (role, outcome.kind, outcome.failure) {
        (_, OutcomeKind::Bridged, Some(Failure::NoReplaces)) => {
            "Policy: where a call cannot be replaced, the two calls are joined here instead."
        }
        (_, OutcomeKind::Bridged, _) => {
            "Policy: where the peer does not take a REFER, the two calls are joined here instead."
        }
        (_, OutcomeKind::AcceptedWithoutProgress, _) => {
            "RFC 4488 §4: without a subscription the 2xx to the REFER is the last that is heard."
        }
        (Role::Transferee, OutcomeKind::Succeeded, _) => {
            "RFC 3515 §2.4.5: the status in our NOTIFY tells who asked that the referred call is up."
        }
        (Role::Transferor, OutcomeKind::Succeeded, _) if outcome.learned_from == LearnedFrom::Bye => {
            "RFC 5589 §6: who was moved ends the call with us; the last that was heard was a success."
        }
        (Role::Transferor, OutcomeKind::Succeeded, _) => {
            "RFC 3515 §2.4.5: the status in the NOTIFY is that of the referred call; a 2xx means that it is up."
        }
        (_, OutcomeKind::Cancelled, _) => {
            "RFC 6665 §4.1.2.3: who gives a transfer up ends its subscription, and takes the held party back."
        }
        (_, _, Some(failure)) => failed(role, failure),
        (_, _, None) => "Policy: what is not known to have succeeded has failed.",
    }
}

fn failed(role: Role, failure: Failure) -> &'static str {
    match failure {
        Failure::Hold => "RFC 3264 §8.4: a call is held by a new offer, and the peer has to answer it.",
        Failure::Refused => "RFC 3515 §2.4.2: a REFER may be refused; then nothing was begun.",
        Failure::NotSupported => "RFC 3261 §8.2.1: 405 and 501 say that the peer does not do REFER at all.",
        Failure::ReferTimeout => {
            "RFC 3261 §17.1.2.2: a request that has no final response within 64*T1 has failed."
        }
        Failure::Unreachable => "RFC 3263 §4.3: no address of the peer could be reached.",
        Failure::NoNotify => {
            "RFC 3515 §2.4.4: a NOTIFY follows an accepted REFER at once; a 2xx alone says nothing of the referred call."
        }
        Failure::Target if role == Role::Transferee => {
            "RFC 3515 §2.4.5: the status in our NOTIFY tells who asked that the referred call failed."
        }
        Failure::Target => {
            "RFC 3515 §2.4.5: the status in the NOTIFY is that of the referred call; one over 299 means that it failed."
        }
        Failure::Consultation => "RFC 5589 §7: the target is called first, and did not take the call.",
        Failure::ConsultationEnded => {
            "RFC 5589 §7: a party is moved into the call with the target, which was over before."
        }
        Failure::TalkLimit => {
            "Policy: a target may be asked for as long as the limit for consultations allows."
        }
        Failure::NoReplaces => {
            "RFC 3891 §6.2: an INVITE with Replaces goes only to whom says that it supports it."
        }
        Failure::NoResult => {
            "RFC 3515 §2.4.7: the subscription is over, and its last NOTIFY did not say what became of the referred call."
        }
        Failure::Guard => {
            "Policy: a transfer of which nothing definite is heard is given up when its guard time is over."
        }
        Failure::Policy => "Policy: who may move our calls, and where to, is ours to say.",
        Failure::Rejected => "RFC 3515 §2.4.2: whoever is asked to move may decline.",
        Failure::Cancelled => "RFC 6665 §4.1.2.3: who gives a transfer up ends its subscription.",
        Failure::CallEnded => "RFC 3261 §15: a BYE ends the call, and with it what was to be moved.",
        Failure::Declined | Failure::Undecided => {
            "Policy: a target that is asked decides itself, and only its acceptance moves the party."
        }
        _ => "Policy: what is not known to have succeeded has failed.",
    }
}
