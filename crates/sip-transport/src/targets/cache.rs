//! Answers of the resolver that are kept for a while.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    question::{Answer, LookupError, Question, Records},
    step::Tick,
};

use super::MAX_RECORDS;

/// The settings of [`Cache`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheConfig {
    /// Most answers; the oldest goes first. 1,024: some hundred domains with all their servers in some megabytes at worst.
    pub entries: usize,
    /// Records are kept at least so long, whatever they say. Zero: a name server that says 0 wants to be asked each time
    /// (RFC 1035 §3.2.1).
    pub shortest: Duration,
    /// Records are kept at most so long. 1 h: a domain that moves, or an answer that was forged, is not believed for days.
    pub longest: Duration,
    /// How long it is known that there is no such record. 30 s: a caller who tries again at once is not made to wait,
    /// and a record that was just made is soon found.
    pub missing: Duration,
    /// How long a resolver that did not answer is not asked the same. 5 s, one wait for it: what comes meanwhile does not
    /// wait as long again.
    pub silent: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            entries: 1024,
            shortest: Duration::ZERO,
            longest: Duration::from_hours(1),
            missing: Duration::from_secs(30),
            silent: Duration::from_secs(5),
        }
    }
}

/// Answers of the resolver, by question.
#[derive(Debug)]
pub struct Cache {
    config: CacheConfig,
    entries: BTreeMap<Question, Entry>,
    /// The questions by the number of their entry: the oldest is the first.
    by_age: BTreeMap<u64, Question>,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    result: Result<Records, LookupError>,
    until: Tick,
    number: u64,
}

impl Cache {
    /// Makes an empty cache.
    pub fn new(config: CacheConfig) -> Self {
        Self { config, entries: BTreeMap::new(), by_age: BTreeMap::new(), last: 0 }
    }

    /// What is known; `None` if the resolver has to be asked.
    pub fn get(&mut self, question: &Question, now: Tick) -> Option<Result<Records, LookupError>> {
        let entry = self.entries.get(question)?;
        if now < entry.until {
            return Some(entry.result.clone());
        }
        self.remove(question);
        None
    }

    /// Keeps what the resolver says, instead of what it said before; of records only those that are looked at.
    pub fn put(&mut self, question: Question, result: &Result<Answer, LookupError>, now: Tick) {
        let (result, time) = match result {
            Ok(Answer { records, ttl }) => {
                let time = (*ttl).max(self.config.shortest).min(self.config.longest);
                (Ok(records.first(MAX_RECORDS)), time)
            }
            Err(error @ (LookupError::NotFound | LookupError::Unsupported)) => {
                (Err(*error), self.config.missing)
            }
            Err(error @ LookupError::Timeout) => (Err(*error), self.config.silent),
        };
        self.remove(&question);
        if self.entries.len() >= self.config.entries
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.entries.remove(&oldest);
        }
        if time.is_zero() || self.config.entries == 0 {
            return;
        }
        self.last += 1;
        self.by_age.insert(self.last, question.clone());
        self.entries.insert(question, Entry { result, until: now.after(time), number: self.last });
    }

    /// How many answers there are, those whose time is over and that nobody asked for since included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn remove(&mut self, question: &Question) {
        if let Some(entry) = self.entries.remove(question) {
            self.by_age.remove(&entry.number);
        }
    }
}
