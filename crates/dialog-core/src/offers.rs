//! Who may make an offer now: the offer/answer state of one dialog as a table (RFC 3264 §4, RFC 3311 §5, RFC 6337 §2).

/// How far offer and answer have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Offers {
    /// Nothing was offered yet: an INVITE without an offer.
    #[default]
    New,
    /// The first offer is ours and waits for its answer.
    FirstOurs,
    /// The first offer is theirs and waits for ours.
    FirstTheirs,
    /// There is a session, and no offer waits.
    Agreed,
    /// There is a session, and a new offer of ours waits.
    Ours,
    /// There is a session, and a new offer of theirs waits.
    Theirs,
}

/// Whose description it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

/// What carries an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Invite,
    /// A reliable provisional response.
    Reliable,
    /// A 2xx to INVITE.
    Success,
    Prack,
    Update,
}

/// What happens to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Offer(Side, Carrier),
    Answer(Side),
    /// The offer that waits came to nothing (RFC 6337 §3.4).
    Void,
}

/// What is to be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It fits.
    Go,
    /// Our offer waits: 491 (RFC 3261 §14.2, RFC 3311 §5.2).
    Pending,
    /// Their earlier offer waits: 500 with Retry-After (RFC 3261 §14.2, RFC 3311 §5.2).
    Overlap,
    /// It has no place now: we may not send it, and from them it is no offer or answer.
    Misplaced,
}

impl Offers {
    /// Takes an event.
    pub(crate) fn take(&mut self, event: Event) -> Verdict {
        let (to, verdict) = next(*self, event);
        *self = to;
        verdict
    }
}

/// One row of the table.
pub(crate) fn next(state: Offers, event: Event) -> (Offers, Verdict) {
    use Carrier::{Invite, Prack, Reliable, Success, Update};
    use Verdict::{Go, Misplaced, Overlap, Pending};

    match (state, event) {
        (Offers::New, Event::Offer(Side::Ours, Invite | Reliable | Success)) => (Offers::FirstOurs, Go),
        (Offers::New, Event::Offer(Side::Theirs, Invite | Reliable | Success)) => (Offers::FirstTheirs, Go),
        // The first offer stands in the INVITE or in the first reliable response to it (RFC 3261 §13.2.1).
        (Offers::New, Event::Offer(_, Prack | Update) | Event::Answer(_)) => (Offers::New, Misplaced),
        (Offers::New, Event::Void) => (Offers::New, Go),

        (Offers::FirstOurs, Event::Answer(Side::Theirs)) => (Offers::Agreed, Go),
        (Offers::FirstOurs, Event::Void) => (Offers::New, Go),
        (Offers::FirstOurs, Event::Offer(Side::Theirs, Invite | Prack | Update)) => {
            (Offers::FirstOurs, Pending)
        }
        (
            Offers::FirstOurs,
            Event::Offer(Side::Theirs, Reliable | Success)
            | Event::Offer(Side::Ours, _)
            | Event::Answer(Side::Ours),
        ) => (Offers::FirstOurs, Misplaced),

        (Offers::FirstTheirs, Event::Answer(Side::Ours)) => (Offers::Agreed, Go),
        (Offers::FirstTheirs, Event::Void) => (Offers::New, Go),
        (Offers::FirstTheirs, Event::Offer(Side::Theirs, Invite | Prack | Update)) => {
            (Offers::FirstTheirs, Overlap)
        }
        (
            Offers::FirstTheirs,
            Event::Offer(Side::Theirs, Reliable | Success)
            | Event::Offer(Side::Ours, _)
            | Event::Answer(Side::Theirs),
        ) => (Offers::FirstTheirs, Misplaced),

        (Offers::Agreed, Event::Offer(Side::Ours, Invite | Reliable | Success | Prack | Update)) => {
            (Offers::Ours, Go)
        }
        (Offers::Agreed, Event::Offer(Side::Theirs, Invite | Reliable | Success | Prack | Update)) => {
            (Offers::Theirs, Go)
        }
        (Offers::Agreed, Event::Answer(_)) => (Offers::Agreed, Misplaced),
        (Offers::Agreed, Event::Void) => (Offers::Agreed, Go),

        (Offers::Ours, Event::Answer(Side::Theirs) | Event::Void) => (Offers::Agreed, Go),
        (Offers::Ours, Event::Offer(Side::Theirs, Invite | Prack | Update)) => (Offers::Ours, Pending),
        (
            Offers::Ours,
            Event::Offer(Side::Theirs, Reliable | Success)
            | Event::Offer(Side::Ours, _)
            | Event::Answer(Side::Ours),
        ) => (Offers::Ours, Misplaced),

        (Offers::Theirs, Event::Answer(Side::Ours) | Event::Void) => (Offers::Agreed, Go),
        (Offers::Theirs, Event::Offer(Side::Theirs, Invite | Prack | Update)) => (Offers::Theirs, Overlap),
        (
            Offers::Theirs,
            Event::Offer(Side::Theirs, Reliable | Success)
            | Event::Offer(Side::Ours, _)
            | Event::Answer(Side::Theirs),
        ) => (Offers::Theirs, Misplaced),
    }
}

#[cfg(test)]
mod tests;
