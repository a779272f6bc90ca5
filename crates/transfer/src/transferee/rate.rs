//! How many transfers each identity has asked for of late (SEC-02).

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use dialog_core::IncomingRefer;
use sip_transport::Tick;

use crate::{policy::referred::Rate, transfers::address};

/// Identities that are counted at a time. Each has a call with us, and is forgotten when its time is over; when there are
/// more, no further one may ask.
pub(crate) const IDENTITIES_MAX: usize = 4096;

/// Who asks: a user who has proved to be that, or else an address, because names alone cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    User(Arc<str>),
    Address(IpAddr),
}

impl Identity {
    pub(crate) fn of(refer: &IncomingRefer) -> Self {
        let user = refer.verified_user.clone();
        user.map_or_else(|| Self::Address(address(refer.source)), Self::User)
    }
}

/// The transfers of each identity since the first that counts.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    since: BTreeMap<Identity, (Tick, u32)>,
}

impl Counted {
    /// Whether one more would be too many.
    pub(crate) fn is_over(&self, identity: &Identity, rate: Option<Rate>, now: Tick) -> bool {
        let Some(rate) = rate else { return false };
        match self.since.get(identity) {
            Some((first, count)) if now.since(*first) < rate.per => *count >= rate.count,
            Some(_) => rate.count == 0,
            None => {
                let live = |(first, _): &&(Tick, u32)| now.since(*first) < rate.per;
                rate.count == 0
                    || self.since.len() >= IDENTITIES_MAX
                        && self.since.values().filter(live).count() >= IDENTITIES_MAX
            }
        }
    }

    /// Counts one more.
    pub(crate) fn count(&mut self, identity: Identity, rate: Option<Rate>, now: Tick) {
        let Some(rate) = rate else { return self.since.clear() };
        if self.since.len() >= IDENTITIES_MAX {
            self.since.retain(|_, (first, _)| now.since(*first) < rate.per);
        }
        let (first, count) = self.since.entry(identity).or_insert((now, 0));
        if now.since(*first) >= rate.per {
            (*first, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RATE: Option<Rate> = Some(Rate { count: 2, per: Duration::from_secs(10) });

    fn who(number: u32) -> Identity {
        Identity::Address(IpAddr::V4(number.into()))
    }

    fn at(seconds: u64) -> Tick {
        Tick::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_limit_is_reached_counts_each_alone_and_passes_with_time() {
        let mut counted = Counted::default();
        for _ in 0..2 {
            assert!(!counted.is_over(&who(1), RATE, at(1)));
            counted.count(who(1), RATE, at(1));
        }
        assert!(counted.is_over(&who(1), RATE, at(10)));
        assert!(!counted.is_over(&who(2), RATE, at(10)));
        assert!(!counted.is_over(&who(1), RATE, at(11)));
        assert!(!counted.is_over(&who(1), None, at(10)));
        assert!(counted.is_over(&who(2), Some(Rate { count: 0, per: Duration::from_secs(10) }), at(10)));
    }

    #[test]
    fn the_table_is_bounded_and_empties_itself() {
        let mut counted = Counted::default();
        let identities = u32::try_from(IDENTITIES_MAX).expect("invariant: a small constant");
        for number in 0..identities {
            assert!(!counted.is_over(&who(number), RATE, at(0)));
            counted.count(who(number), RATE, at(0));
        }
        assert!(counted.is_over(&who(identities), RATE, at(9)));
        assert!(!counted.is_over(&who(0), RATE, at(9)), "who is known may ask again");
        assert!(!counted.is_over(&who(identities), RATE, at(10)));
        counted.count(who(identities), RATE, at(10));
        assert_eq!(counted.since.len(), 1);
    }

    #[test]
    fn a_full_table_forgets_only_those_whose_time_is_over() {
        let mut counted = Counted::default();
        let identities = u32::try_from(IDENTITIES_MAX).expect("invariant: a small constant");
        for number in 0..identities {
            counted.count(who(number), RATE, at(if number == 0 { 0 } else { 5 }));
        }
        assert!(!counted.is_over(&who(identities), RATE, at(10)), "the first one's time is over");
        counted.count(who(identities), RATE, at(10));
        assert_eq!(counted.since.len(), IDENTITIES_MAX);
        counted.count(who(1), RATE, at(10));
        assert!(counted.is_over(&who(1), RATE, at(10)), "what was counted before still counts");
    }
}
