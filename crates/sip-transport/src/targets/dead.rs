//! Targets that failed lately.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::step::{Random, Tick};

use super::Target;

/// Most targets that are remembered; of more, the one that is avoided for the shortest time is forgotten. As many as
/// there are answers of the resolver: a target that is not in use costs nobody anything.
pub const MAX_DEAD: usize = 1024;

/// How long a target is avoided after its first failure: about what a server takes to start again. RFC 5626 §4.5 waits
/// 30 s and more before it connects again; here the target only loses its turn, if another one is there.
const BASE: Duration = Duration::from_secs(5);

/// The longest that a target is avoided, and that its failures are remembered once it is avoided no more. 10 min: a
/// server that was away for a night is found soon after it is back.
const LONGEST: Duration = Duration::from_mins(10);

/// Targets that failed lately: they are tried behind the others for a while that grows with each failure in a row, as the
/// waits of RFC 5626 §4.5 do. None is ever left out.
#[derive(Debug, Default)]
pub struct DeadTargets {
    dead: BTreeMap<Target, Dead>,
    /// The same by the end of their time.
    by_end: BTreeSet<(Tick, Target)>,
}

#[derive(Debug, Clone, Copy)]
struct Dead {
    /// Failures in a row.
    failures: u32,
    until: Tick,
}

impl DeadTargets {
    /// Notes that a connection to the target, or a request to it, failed.
    ///
    /// It is avoided for 5 s, doubled with each failure in a row up to 10 min, times a factor by lot from 0.5 to 1, so that
    /// not all clients of a server come back at once.
    pub fn failed(&mut self, target: Target, now: Tick, random: &mut dyn Random) {
        // What fails meanwhile was under way before: it is the same failure.
        if self.dead.get(&target).is_some_and(|dead| now < dead.until) {
            return;
        }
        let before = self.remove(target).filter(|dead| now.since(dead.until) < LONGEST);
        let failures = before.map_or(1, |dead| dead.failures.saturating_add(1));
        let doubled = 2_u32.checked_pow(failures - 1).and_then(|factor| BASE.checked_mul(factor));
        let half = doubled.unwrap_or(LONGEST).min(LONGEST) / 2;
        let lot = Duration::from_micros(u64::from(random.up_to(half.as_micros() as u32)));
        let until = now.after(half + lot);
        if self.dead.len() >= MAX_DEAD
            && let Some((_, first)) = self.by_end.pop_first()
        {
            self.dead.remove(&first);
        }
        self.by_end.insert((until, target));
        self.dead.insert(target, Dead { failures, until });
    }

    /// Notes that the target answered: its failures are forgotten.
    pub fn worked(&mut self, target: Target) {
        self.remove(target);
    }

    /// Puts those that are to be avoided behind the others; both keep their order.
    pub fn sort(&self, targets: &mut [Target], now: Tick) {
        targets.sort_by_key(|target| self.avoids(target, now));
    }

    /// Whether the target is to be avoided.
    pub fn avoids(&self, target: &Target, now: Tick) -> bool {
        self.dead.get(target).is_some_and(|dead| now < dead.until)
    }

    /// How many targets are remembered.
    pub fn len(&self) -> usize {
        self.dead.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.dead.is_empty()
    }

    fn remove(&mut self, target: Target) -> Option<Dead> {
        let dead = self.dead.remove(&target)?;
        self.by_end.remove(&(dead.until, target));
        Some(dead)
    }
}
