//! Which events a subscriber wants: of one call, of one transfer, of some kinds.

use transfer::TransferId;

use crate::event::{EventKind, SessionEvent, SessionId};

/// A question to an event; each part narrows it, and the same part set again replaces the earlier one.
///
/// The bus asks it before it queues the event, so a subscriber is not woken for what it does not want.
///
/// ```no_run
/// # use session_core::{EventFilter, EventKind, EventsError, Session, SessionManager};
/// # fn demo(manager: &SessionManager, call: &Session) -> Result<(), EventsError> {
/// let end = EventFilter::default().session(call.id()).kind(|kind| matches!(kind, EventKind::CallEnded { .. }));
/// let mut events = manager.subscribe_to(end)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct EventFilter {
    session: Option<SessionId>,
    transfer: Option<TransferId>,
    kind: Option<fn(&EventKind) -> bool>,
}

impl EventFilter {
    /// Wants events of this call only. An event that leads from one call to another, such as
    /// [`EventKind::TransferConnected`], [`EventKind::Replaced`] and [`EventKind::MediaSwitched`], belongs to both.
    #[must_use]
    pub fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Wants events of this transfer only.
    #[must_use]
    pub fn transfer(mut self, transfer: TransferId) -> Self {
        self.transfer = Some(transfer);
        self
    }

    /// Wants events of some kinds only, as a `matches!` says best.
    #[must_use]
    pub fn kind(mut self, wants: fn(&EventKind) -> bool) -> Self {
        self.kind = Some(wants);
        self
    }

    /// Whether the event is wanted.
    pub fn wants(&self, event: &SessionEvent) -> bool {
        self.session.is_none_or(|session| event.session == Some(session) || leads_to(&event.kind, session))
            && self.transfer.is_none_or(|transfer| event.transfer == Some(transfer))
            && self.kind.is_none_or(|wants| wants(&event.kind))
    }
}

fn leads_to(kind: &EventKind, session: SessionId) -> bool {
    match kind {
        EventKind::TransferConnected { to: other }
        | EventKind::TransferRecalling { to: other }
        | EventKind::MediaSwitched { to: other, .. }
        | EventKind::TransferConsulting { consultation: other }
        | EventKind::ConsultSwapped { active: other }
        | EventKind::Replaced { old: other, .. } => *other == session,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use event_bus::{Bus, Priority, SubscribeOptions};

    use super::*;

    fn event(session: u64, transfer: Option<u64>, kind: EventKind) -> SessionEvent {
        SessionEvent {
            seq: 0,
            at: Duration::ZERO,
            session: Some(SessionId::from(session)),
            transfer: transfer.map(TransferId::from),
            kind,
        }
    }

    fn events() -> [SessionEvent; 6] {
        [
            event(1, None, EventKind::Calling { to: "sip:bob@example.com".into() }),
            event(1, Some(1), EventKind::ReferSent),
            event(2, None, EventKind::MediaFlowing),
            event(2, Some(2), EventKind::ReferSent),
            event(1, Some(1), EventKind::TransferConnected { to: SessionId::from(3) }),
            event(1, None, EventKind::MediaSwitched { to: SessionId::from(2), gap: None }),
        ]
    }

    fn wanted(filter: EventFilter) -> Vec<usize> {
        events().iter().enumerate().filter(|(_, event)| filter.wants(event)).map(|(index, _)| index).collect()
    }

    #[test]
    fn a_filter_without_parts_wants_everything() {
        assert_eq!(wanted(EventFilter::default()), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn an_event_between_two_calls_belongs_to_both() {
        let of = |session| wanted(EventFilter::default().session(SessionId::from(session)));
        assert_eq!(of(1), [0, 1, 4, 5]);
        assert_eq!(of(2), [2, 3, 5]);
        assert_eq!(of(3), [4]);
        assert!(of(4).is_empty());
    }

    #[test]
    fn who_watches_a_call_is_told_that_another_one_replaces_or_consults_beside_it() {
        let other = SessionId::from(2);
        let (from, referred_by) = ("sip:bob@example.com".into(), None);
        for kind in [
            EventKind::Replaced { old: other, from, referred_by, verified: false },
            EventKind::TransferConsulting { consultation: other },
            EventKind::ConsultSwapped { active: other },
            EventKind::TransferRecalling { to: other },
        ] {
            let event = event(1, None, kind);
            for (session, wanted) in [(1, true), (2, true), (3, false)] {
                let filter = EventFilter::default().session(SessionId::from(session));
                assert_eq!(filter.wants(&event), wanted, "{event:?}");
            }
        }
    }

    #[test]
    fn parts_narrow_each_other() {
        let refers = EventFilter::default().kind(|kind| matches!(kind, EventKind::ReferSent));
        assert_eq!(wanted(refers), [1, 3]);
        assert_eq!(wanted(refers.session(SessionId::from(2))), [3]);
        assert_eq!(wanted(refers.transfer(TransferId::from(1))), [1]);
        assert!(wanted(refers.transfer(TransferId::from(1)).session(SessionId::from(2))).is_empty());
        let of_transfer = EventFilter::default().transfer(TransferId::from(1));
        assert_eq!(wanted(of_transfer), [1, 4]);
    }

    #[test]
    fn the_bus_asks_it_before_it_queues() {
        let bus = Bus::new();
        let filter = EventFilter::default().session(SessionId::from(2));
        let options = SubscribeOptions::default().filter(move |event| filter.wants(event));
        let subscriber = bus.subscribe(options).expect("within the limits");
        let receipt = bus.publisher().publish_batch(Priority::Normal, events());
        assert_eq!((receipt.queued, receipt.filtered), (3, 3));
        assert_eq!(subscriber.len(), 3);
    }
}
