use std::fmt::Write as _;

use super::*;

const STATES: &[State] = &[
    State::Referring,
    State::Early,
    State::EarlyEnded,
    State::Withdrawing,
    State::NotifyWait,
    State::Pending,
    State::Active,
    State::Closing,
    State::Terminated,
];
const EVENTS: &[Event] = &[
    Event::ReferAccepted,
    Event::ReferSuppressed,
    Event::ReferRefused,
    Event::ReferFailed,
    Event::NotifyPending,
    Event::NotifyActive,
    Event::NotifyTerminated,
    Event::Unsubscribe,
    Event::RefreshDue,
    Event::SubscribeAccepted,
    Event::SubscribeFatal,
    Event::SubscribeFailed,
    Event::TimerN,
    Event::Expiry,
];

/// The whole machine as text; `UPDATE_SNAPSHOTS=1` writes it anew.
#[test]
fn the_table_is_the_committed_one() {
    let mut table = String::new();
    for state in STATES {
        for event in EVENTS {
            let (to, actions) = next(*state, *event);
            writeln!(table, "{state:?} + {event:?} -> {to:?} {actions:?}").expect("text");
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/subscription/subscriber/table.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &table).expect("the snapshot can be written");
    }
    let committed = std::fs::read_to_string(path).expect("the snapshot is there");
    assert_eq!(table, committed);
}

#[test]
fn nothing_leads_out_of_terminated() {
    for event in EVENTS {
        assert_eq!(next(State::Terminated, *event).0, State::Terminated);
    }
}

#[test]
fn the_usage_ends_exactly_when_terminated_is_entered() {
    for state in STATES.iter().filter(|state| **state != State::Terminated) {
        for event in EVENTS {
            let (to, actions) = next(*state, *event);
            let ends = actions.iter().filter(|action| matches!(action, Action::End(_))).count();
            assert_eq!(ends, usize::from(to == State::Terminated), "{state:?} {event:?}");
            assert!(ends == 0 || matches!(actions.last(), Some(Action::End(_))), "nothing follows the end");
        }
    }
}

#[test]
fn every_notify_is_answered_exactly_once() {
    // covers: TR-045
    for state in STATES {
        for event in [Event::NotifyPending, Event::NotifyActive, Event::NotifyTerminated] {
            let answers =
                next(*state, event).1.iter().filter(|it| matches!(it, Action::Accept | Action::Refuse));
            assert_eq!(answers.count(), 1, "{state:?} {event:?}");
        }
    }
}

#[test]
fn the_refers_outcome_is_told_exactly_once() {
    for state in [State::Referring, State::Early, State::EarlyEnded, State::Withdrawing] {
        for event in [Event::ReferAccepted, Event::ReferRefused, Event::ReferFailed] {
            assert_eq!(next(state, event).1.first(), Some(&Action::TellAnswer), "{state:?} {event:?}");
        }
    }
}
