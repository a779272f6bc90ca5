//! Whatever is asked in whatever order.

use std::time::Duration;

use proptest::prelude::*;
use session_core::{
    AttendedOptions, Completion, EventKind, SessionId,
    engine::{Command, Reply},
};

use crate::net::{Net, OK};

/// A step of a random run.
#[derive(Debug, Clone)]
enum Step {
    Call(usize, usize),
    Blind(usize, usize),
    Consult(usize, usize, Completion),
    Attended(usize),
    Complete(usize),
    Swap(usize),
    Hold(usize),
    Resume(usize),
    HangUp(usize),
    Cancel(usize),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3usize, 0..3usize).prop_map(|(from, to)| Step::Call(from, to)),
        (0..3usize, 0..3usize).prop_map(|(who, to)| Step::Blind(who, to)),
        (0..3usize, 0..3usize, prop::sample::select(vec![Completion::OnAnswer, Completion::OnCommand]))
            .prop_map(|(who, to, completion)| Step::Consult(who, to, completion)),
        (0..3usize).prop_map(Step::Attended),
        (0..3usize).prop_map(Step::Complete),
        (0..3usize).prop_map(Step::Swap),
        (0..3usize).prop_map(Step::Hold),
        (0..3usize).prop_map(Step::Resume),
        (0..3usize).prop_map(Step::HangUp),
        (0..3usize).prop_map(Step::Cancel),
        (0..9000u16).prop_map(Step::Wait),
    ]
}

impl Net {
    fn last_session(&self, party: usize) -> Option<SessionId> {
        let mut replies = self.parties[party].replies.iter().rev();
        replies.find_map(|(_, result)| if let Ok(Reply::Session(id)) = result { Some(*id) } else { None })
    }

    fn last_transfer(&self, party: usize) -> Option<session_core::TransferId> {
        let mut replies = self.parties[party].replies.iter().rev();
        replies.find_map(|(_, result)| match result {
            Ok(Reply::Transfer(id) | Reply::Consultation(id, _)) => Some(*id),
            _ => None,
        })
    }

    /// The last two calls that were placed, the older first.
    fn last_two(&self, party: usize) -> Option<(SessionId, SessionId)> {
        let mut replies = self.parties[party].replies.iter().rev().filter_map(|(_, result)| match result {
            Ok(Reply::Session(id) | Reply::Consultation(_, id)) => Some(*id),
            _ => None,
        });
        let newer = replies.next()?;
        Some((replies.next()?, newer))
    }

    fn take(&mut self, step: &Step) {
        let uri =
            |net: &Self, to: usize| format!("sip:x@{}", net.parties[to].address).parse().expect("test URI");
        match *step {
            Step::Call(from, to) => {
                let target = uri(self, to);
                self.ask(from, Command::Call { target, options: session_core::CallOptions::default() });
            }
            Step::Blind(who, to) => {
                if let Some(session) = self.last_session(who) {
                    let target = uri(self, to);
                    self.ask(who, Command::Blind { session, target });
                }
            }
            Step::Consult(who, to, completion) => {
                if let Some(session) = self.last_session(who) {
                    let (target, options) = (uri(self, to), AttendedOptions::default());
                    self.ask(who, Command::Consult { session, target, options, completion });
                }
            }
            Step::Attended(who) => {
                if let Some((session, consultation)) = self.last_two(who) {
                    let options = AttendedOptions::default();
                    self.ask(who, Command::Attended { session, consultation, options });
                }
            }
            Step::Complete(who) => {
                if let Some(transfer) = self.last_transfer(who) {
                    self.ask(who, Command::Complete { transfer });
                }
            }
            Step::Swap(who) => {
                if let Some(transfer) = self.last_transfer(who) {
                    self.ask(who, Command::Swap { transfer });
                }
            }
            Step::Hold(who) => {
                if let Some(session) = self.last_session(who) {
                    self.ask(who, Command::Hold { session });
                }
            }
            Step::Resume(who) => {
                if let Some(session) = self.last_session(who) {
                    self.ask(who, Command::Resume { session });
                }
            }
            Step::HangUp(who) => {
                if let Some(session) = self.last_session(who) {
                    self.ask(who, Command::HangUp { session });
                }
            }
            Step::Cancel(who) => {
                if let Some(transfer) = self.last_transfer(who) {
                    self.ask(who, Command::CancelTransfer { transfer });
                }
            }
            Step::Wait(millis) => self.run(Duration::from_millis(u64::from(millis))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_asked_every_command_is_answered_every_transfer_ends_once_and_nothing_is_left(
        steps in proptest::collection::vec(step(), 1..25),
    ) {
        // covers: TR-258
        let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
        for step in &steps {
            net.take(step);
        }
        net.run(Duration::from_secs(200));
        for party in 0..3 {
            net.ask(party, Command::HangUpAll);
        }
        net.nothing_is_left();
        let asked = net.commands;
        let replies = net.parties.iter().map(|party| party.replies.len() as u64).sum::<u64>();
        prop_assert_eq!(asked, replies);
        for party in &mut net.parties {
            let mut ended = std::collections::BTreeMap::new();
            for event in &party.engine.tap().events {
                let Some(transfer) = event.transfer else { continue };
                let count: &mut u32 = ended.entry(transfer).or_default();
                prop_assert_eq!(*count, 0, "{} after its end: {:?}", transfer, event);
                *count += u32::from(matches!(event.kind, EventKind::TransferEnded(_)));
            }
            prop_assert!(ended.values().all(|count| *count == 1), "{ended:?}");
        }
    }
}
