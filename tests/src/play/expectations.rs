//! Whether a run came to what its scenario expects.

use session_core::outcome_name;

use super::{CallAtEnd, Player};
use crate::scenario::Expectation;

impl Player<'_> {
    pub(super) fn unexpected(&mut self, at_end: &[Vec<CallAtEnd>]) -> Vec<String> {
        let scenario = self.scenario;
        let name = |party: usize| &scenario.parties[party].name;
        let mut unexpected = Vec::new();
        for expectation in &scenario.expectations {
            match expectation {
                Expectation::Settled { party } => unexpected.extend(self.unsettled(*party)),
                Expectation::Calls { party, count } if self.known[*party].up() != *count => {
                    unexpected.push(format!(
                        "{} has {} calls, not {count}",
                        name(*party),
                        self.known[*party].up()
                    ));
                }
                Expectation::Hears { party, hz } => {
                    let heard = self.heard(*party);
                    if self.scenario.rtp && heard.is_none_or(|heard| heard.abs_diff(*hz) > 10) {
                        unexpected.push(format!("{} hears {heard:?}, not {hz} Hz", name(*party)));
                    }
                }
                Expectation::Talks { party, with } => {
                    let talks = |one: usize, other: usize| {
                        let is_that = |call: &&CallAtEnd| call.peer == *name(other);
                        // What a scripted party takes for its call is not known.
                        self.scenario.parties[one].is_scripted()
                            || at_end[one].iter().find(is_that).is_some_and(CallAtEnd::is_two_way)
                    };
                    if !talks(*party, *with) || !talks(*with, *party) {
                        unexpected.push(format!("{} does not talk with {}", name(*party), name(*with)));
                    }
                }
                Expectation::Calls { .. }
                | Expectation::Outcome { .. }
                | Expectation::Event { .. }
                | Expectation::Refused { .. } => {}
            }
        }
        unexpected
    }

    pub(super) fn unexpected_events(&self) -> Vec<String> {
        let name = |party: usize| &self.scenario.parties[party].name;
        let mut unexpected = Vec::new();
        for expectation in &self.scenario.expectations {
            match expectation {
                Expectation::Outcome { party, outcomes, learned_from } => {
                    let fits = |wanted: &[String], is: &str| {
                        wanted.is_empty() || wanted.iter().any(|wanted| wanted == is)
                    };
                    let first = self.known[*party].outcomes.first();
                    let found = first.map(|(_, kind, learned)| (outcome_name(*kind), *learned));
                    if !found
                        .is_some_and(|(kind, learned)| fits(outcomes, kind) && fits(learned_from, learned))
                    {
                        let wanted = (outcomes.join("|"), learned_from.join("|"));
                        unexpected.push(format!("{}: outcome {found:?}, not {wanted:?}", name(*party)));
                    }
                }
                Expectation::Event { party, name: event, count } => {
                    let told = self.known[*party].events.get(event.as_str()).copied().unwrap_or_default();
                    if told as usize != *count {
                        unexpected.push(format!("{}: {event} told {told} times, not {count}", name(*party)));
                    }
                }
                Expectation::Refused { party, count } => {
                    let refused = self.known[*party].refused;
                    if refused != *count {
                        unexpected.push(format!("{}: {refused} commands refused, not {count}", name(*party)));
                    }
                }
                Expectation::Calls { .. }
                | Expectation::Hears { .. }
                | Expectation::Settled { .. }
                | Expectation::Talks { .. } => {}
            }
        }
        unexpected
    }

    /// The tone that the party's ears hear: of the first stream with a device on which any is heard.
    fn heard(&self, party: usize) -> Option<u16> {
        let streams = self.world.engines().find(|(number, _)| *number == party)?.1.streams()?;
        let now = media_core::Tick(self.world.now().as_micros() as u64);
        let devices = streams.streams().filter_map(|stream| streams.snapshot(stream)?.device);
        devices.filter_map(|device| streams.hearing_at(device, now)).find_map(|heard| heard.tone)
    }
}
