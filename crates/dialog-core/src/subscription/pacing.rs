//! When a NOTIFY may go: one in flight, one per second, the newest state only (RFC 3515 §3.10, TR-019).

/// The outlet of a notifier.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pacing {
    flight: Flight,
    /// Less than a second has passed since the last one was sent.
    resting: bool,
    wanted: Wanted,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Flight {
    #[default]
    None,
    /// On its way or waiting for its route.
    Usual,
    /// The one that says `terminated`.
    Last,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    #[default]
    Nothing,
    /// When the rest is over.
    InTime,
    /// As soon as none is in flight.
    Now,
    /// As `Now`, and it is the one that says `terminated`.
    Last,
}

impl Pacing {
    /// The state has changed; it can wait for a second to be over.
    pub(crate) fn want(&mut self) {
        self.wanted = self.wanted.max(Wanted::InTime);
    }

    /// The state has changed so that the subscriber must hear at once.
    pub(crate) fn want_now(&mut self) {
        self.wanted = self.wanted.max(Wanted::Now);
    }

    /// The subscription ends: the next NOTIFY is the last one.
    pub(crate) fn want_last(&mut self) {
        self.wanted = Wanted::Last;
    }

    /// Takes leave to send a NOTIFY; the caller then asks for its route.
    pub(crate) fn take(&mut self) -> bool {
        let due = match self.wanted {
            Wanted::Nothing => false,
            Wanted::InTime => !self.resting,
            Wanted::Now | Wanted::Last => true,
        };
        if self.flight != Flight::None || !due {
            return false;
        }
        self.flight = Flight::Usual;
        true
    }

    /// The NOTIFY goes out now with the newest state; a second's rest begins. Tells whether it is the last
    /// one.
    pub(crate) fn sent(&mut self) -> bool {
        let last = std::mem::take(&mut self.wanted) == Wanted::Last;
        self.flight = if last { Flight::Last } else { Flight::Usual };
        self.resting = true;
        last
    }

    /// Whether nothing is in flight and nothing new is to be said.
    pub(crate) fn is_settled(self) -> bool {
        self.flight == Flight::None && self.wanted == Wanted::Nothing
    }

    /// The second is over.
    pub(crate) fn rested(&mut self) {
        self.resting = false;
    }

    /// The NOTIFY in flight was answered or given up on. Tells whether it was the last one.
    pub(crate) fn landed(&mut self) -> bool {
        std::mem::take(&mut self.flight) == Flight::Last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_within_a_second_become_one_notify() {
        // covers: TR-019
        let mut pacing = Pacing::default();
        pacing.want_now();
        assert!(pacing.take());
        assert!(!pacing.sent());
        for _ in 0..20 {
            pacing.want();
            assert!(!pacing.take(), "one is in flight");
        }
        assert!(!pacing.landed());
        assert!(!pacing.take(), "the second is not over");
        pacing.rested();
        assert!(pacing.take());
        pacing.sent();
        pacing.landed();
        pacing.rested();
        assert!(!pacing.take(), "nothing is left to be said");
    }

    #[test]
    fn the_last_one_waits_only_for_the_one_in_flight() {
        let mut pacing = Pacing::default();
        pacing.want_now();
        assert!(pacing.take());
        pacing.sent();
        pacing.want_last();
        pacing.want();
        assert!(!pacing.take());
        pacing.landed();
        assert!(pacing.take(), "no rest for the last one");
        assert!(pacing.sent());
        assert!(pacing.landed());
    }

    #[test]
    fn a_notify_that_waits_for_its_route_says_the_newest() {
        let mut pacing = Pacing::default();
        pacing.want_now();
        assert!(pacing.take());
        pacing.want_last();
        assert!(pacing.sent(), "what was in between is not said");
        assert!(pacing.landed());
        assert!(!pacing.take());
    }
}
