//! What one end has been told of its calls and transfers, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dialog_core::{
    DialogEvent, LegEvent, LegId, RequestEvent, RequestId, SubscriptionEvent, SubscriptionId, Turn,
};

/// An offer and its answer.
pub(crate) type Agreement = (Bytes, Bytes);

/// Whose offer is open.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Open {
    Ours(Bytes),
    Theirs(Bytes),
}

/// One call, as one end sees it.
#[derive(Debug, Default)]
pub(crate) struct Call {
    up: bool,
    closing: bool,
    ended: bool,
    open: Option<Open>,
    agreed: Option<Agreement>,
    before: Option<Agreement>,
    /// The fewest and the most answers that are due to the wishes for a new offer: one that comes while another waits is
    /// the same wish, and while an offer is out a new one: that of the offer, and one behind it.
    due: (u32, u32),
}

impl Call {
    pub(crate) fn is_up(&self) -> bool {
        self.up && !self.closing && !self.ended
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended
    }

    pub(crate) fn agreed(&self) -> Option<&Agreement> {
        self.agreed.as_ref()
    }

    /// Whether an offer waits for its answer.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The limits of all wishes are over: none may wait, and none may be answered any more.
    pub(crate) fn wishes_are_over(&mut self) {
        assert_eq!(self.due.0, 0, "a wish was not answered");
        self.due.1 = 0;
    }

    fn need(&mut self, turn: Turn, said: Option<Bytes>) {
        match (turn, said, self.open.take()) {
            (Turn::Offer, said, _) => self.open = said.map(Open::Ours),
            (Turn::Answer, Some(answer), Some(Open::Theirs(offer))) => self.agree(offer, answer),
            (Turn::Answer, None, _) => {}
            (Turn::Answer, Some(_), open) => panic!("an answer is wanted to {open:?}"),
        }
    }

    fn described(&mut self, turn: Turn, body: Bytes) {
        match (turn, self.open.take()) {
            (Turn::Offer, None) => self.open = Some(Open::Theirs(body)),
            (Turn::Answer, Some(Open::Ours(offer))) => self.agree(offer, body),
            (turn, open) => panic!("their {turn:?} meets {open:?}"),
        }
    }

    fn agree(&mut self, offer: Bytes, answer: Bytes) {
        self.before = self.agreed.replace((offer, answer));
    }

    fn roll_back(&mut self) {
        if self.open.take().is_none() {
            self.agreed = self.before.take();
        }
    }
}

/// One end.
#[derive(Debug, Default)]
pub(crate) struct Belief {
    events: usize,
    said: usize,
    pub(crate) calls: BTreeMap<LegId, Call>,
    /// Which subscriptions there were, and whether they are over.
    pub(crate) subscriptions: BTreeMap<SubscriptionId, bool>,
    /// Our requests that have no outcome yet.
    pub(crate) requests: BTreeSet<RequestId>,
    /// What is due while a command is done that may turn out not to fit.
    asking: Option<(LegId, (u32, u32))>,
}

impl Belief {
    /// A new offer is about to be asked for.
    pub(crate) fn wish(&mut self, leg: LegId) {
        let call = self.calls.entry(leg).or_default();
        self.asking = Some((leg, call.due));
        call.due = (call.due.0.max(1), (call.due.1 + 1).min(2));
    }

    /// Takes in what was told, with the descriptions that were made meanwhile.
    pub(crate) fn learn(&mut self, events: &[DialogEvent], said: &[Option<Bytes>]) {
        for event in &events[self.events..] {
            match event {
                DialogEvent::Leg(leg, event) => self.leg(*leg, event, said),
                DialogEvent::Subscription(id, event) => self.subscription(*id, event),
                DialogEvent::Request(id, event) => self.request(*id, event),
                // The network has them, among what passed to the registrar and back.
                DialogEvent::Registration(..) => {}
            }
        }
        self.events = events.len();
        self.asking = None;
    }

    fn leg(&mut self, leg: LegId, event: &LegEvent, said: &[Option<Bytes>]) {
        let call = self.calls.entry(leg).or_default();
        assert!(!call.ended || matches!(event, LegEvent::Misused(_)), "{event:?} after the end");
        let is_described = matches!(event, LegEvent::Described { .. } | LegEvent::NeedDescription { .. });
        assert!(!call.closing || !is_described, "{event:?} while it is ended");
        match event {
            LegEvent::Described { turn, body } => call.described(*turn, body.clone()),
            LegEvent::NeedDescription { turn, .. } => {
                call.need(*turn, said[self.said].clone());
                self.said += 1;
            }
            LegEvent::RolledBack => call.roll_back(),
            LegEvent::Reopened => call.open = call.agreed.take().map(|(offer, _)| Open::Ours(offer)),
            LegEvent::Up(_) => {
                assert!(!call.up, "up twice");
                call.up = true;
            }
            LegEvent::Reoffered(outcome) => {
                assert!(call.due.1 > 0, "{outcome:?} answers no wish");
                call.due = (call.due.0.saturating_sub(1), call.due.1 - 1);
            }
            LegEvent::Closing => call.closing = true,
            LegEvent::Ended(_) => {
                assert_eq!(call.due.0, 0, "a wish was not answered");
                call.ended = true;
            }
            LegEvent::Misused(_) => {
                if let Some((_, due)) = self.asking.filter(|(asked, _)| *asked == leg) {
                    call.due = due;
                }
            }
            LegEvent::Incoming(_)
            | LegEvent::Provisional { .. }
            | LegEvent::Acknowledged
            | LegEvent::Changed => {}
        }
    }

    fn subscription(&mut self, id: SubscriptionId, event: &SubscriptionEvent) {
        let over = self.subscriptions.entry(id).or_default();
        match event {
            SubscriptionEvent::Misused(_) => {}
            SubscriptionEvent::Ended(_) => assert!(!std::mem::replace(over, true), "ended twice"),
            SubscriptionEvent::Answered(_)
            | SubscriptionEvent::EventsAt(_)
            | SubscriptionEvent::Notified(_)
            | SubscriptionEvent::Package(_)
            | SubscriptionEvent::Requested(_)
            | SubscriptionEvent::Subscribed(_)
            | SubscriptionEvent::Reported
            | SubscriptionEvent::Delivered => assert!(!*over, "{event:?} after the end"),
            SubscriptionEvent::Forked { .. } => panic!("there is only one other end"),
        }
    }

    fn request(&mut self, id: RequestId, event: &RequestEvent) {
        match event {
            // Answered at once, and then nothing is told of it.
            RequestEvent::Incoming(_) => {}
            RequestEvent::Responded { .. } | RequestEvent::Failed(_) | RequestEvent::Misused(_) => {
                assert!(self.requests.remove(&id), "{event:?} of no request of ours");
            }
        }
    }
}
