//! What has become of the REFERs that require explicit subscriptions, as whoever subscribes is told (RFC 7614 §4.7).

use std::{collections::BTreeMap, net::IpAddr};

use sip_message::SubReason;
use sip_transport::Cx;

use crate::boundary::{package::Body, subscription::SubscriptionId};

/// How far a REFER has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Somebody has to decide or to approve first.
    Pending,
    /// It goes on.
    Active,
    /// This was the last; with the reason that subscribers are told.
    Over(SubReason),
}

/// The state of one REFER.
#[derive(Debug)]
pub(crate) struct EventState {
    /// What its address has for a user part: 128 random bits (TR-081).
    key: u128,
    /// Whether the REFER came over TLS, and subscriptions have to.
    pub(crate) secured: bool,
    /// Seconds that a subscription may last.
    pub(crate) lasts: u32,
    pub(crate) phase: Phase,
    /// The newest sipfrag; `None` before the REFER is accepted.
    pub(crate) body: Option<Body>,
    pub(crate) subscribers: Vec<SubscriptionId>,
}

/// One subscription to a state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subscribed {
    /// The REFER.
    pub(crate) of: SubscriptionId,
    /// Who has subscribed.
    pub(crate) source: IpAddr,
}

/// All of them. Bounded by [`ExplicitSubscriptions`](crate::ExplicitSubscriptions).
#[derive(Debug, Default)]
pub(crate) struct EventStates {
    /// By the REFER.
    states: BTreeMap<SubscriptionId, EventState>,
    keys: BTreeMap<u128, SubscriptionId>,
    /// How many subscriptions an address has.
    sources: BTreeMap<IpAddr, usize>,
    /// The REFERs of which there is news that subscribers were not told.
    news: Vec<SubscriptionId>,
}

impl EventStates {
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    pub(crate) fn get(&self, of: SubscriptionId) -> Option<&EventState> {
        self.states.get(&of)
    }

    /// A REFER has come; nobody knows its address before it is accepted.
    pub(crate) fn begin(&mut self, cx: &mut Cx<'_>, of: SubscriptionId, secured: bool) {
        let key = u128::from(cx.random.next_u64()) << 64 | u128::from(cx.random.next_u64());
        let (phase, body, subscribers) = (Phase::Pending, None, Vec::new());
        self.keys.insert(key, of);
        self.states.insert(of, EventState { key, secured, lasts: 0, phase, body, subscribers });
    }

    /// The user part of the address of a state.
    pub(crate) fn user(&self, of: SubscriptionId) -> Option<String> {
        self.states.get(&of).map(|state| written(state.key))
    }

    /// The REFER that a user part belongs to.
    pub(crate) fn named(&self, user: &str) -> Option<SubscriptionId> {
        self.keys.get(&read(user)?).copied()
    }

    /// What is said of a REFER from now on.
    pub(crate) fn tell(&mut self, of: SubscriptionId, lasts: u32, phase: Phase, body: Body) {
        if let Some(state) = self.states.get_mut(&of) {
            (state.lasts, state.phase, state.body) = (lasts, phase, Some(body));
            if !state.subscribers.is_empty() {
                self.news.push(of);
            }
        }
    }

    /// A REFER of which there is news, with its subscriptions; it is taken for told.
    pub(crate) fn take_news(&mut self) -> Option<(SubscriptionId, Vec<SubscriptionId>)> {
        let of = self.news.pop()?;
        Some((of, self.states.get(&of).map(|state| state.subscribers.clone()).unwrap_or_default()))
    }

    /// How many subscriptions an address has.
    pub(crate) fn count_of(&self, source: IpAddr) -> usize {
        self.sources.get(&source).copied().unwrap_or_default()
    }

    /// Somebody subscribes.
    pub(crate) fn join(&mut self, by: Subscribed, id: SubscriptionId) {
        if let Some(state) = self.states.get_mut(&by.of) {
            state.subscribers.push(id);
            *self.sources.entry(by.source).or_default() += 1;
        }
    }

    /// A subscription is over; its state may be forgotten already.
    pub(crate) fn leave(&mut self, by: Subscribed, id: SubscriptionId) {
        if let Some(state) = self.states.get_mut(&by.of) {
            state.subscribers.retain(|subscriber| *subscriber != id);
        }
        if let Some(count) = self.sources.get_mut(&by.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.sources.remove(&by.source);
            }
        }
    }

    /// The state can be had no more.
    pub(crate) fn forget(&mut self, of: SubscriptionId) {
        if let Some(state) = self.states.remove(&of) {
            self.keys.remove(&state.key);
        }
    }
}

fn written(key: u128) -> String {
    format!("{key:032x}")
}

/// The key that a user part is; `None` if it is written in another way.
pub(crate) fn read(user: &str) -> Option<u128> {
    u128::from_str_radix(user, 16).ok().filter(|key| written(*key) == user)
}
