use std::fmt::Write as _;

use super::*;

const STATES: &[State] =
    &[State::Deciding, State::Pending, State::Active, State::Terminating, State::Terminated];
const EVENTS: &[Event] = &[
    Event::Accept,
    Event::AcceptPending,
    Event::AcceptUnreported,
    Event::Refuse,
    Event::Undecided,
    Event::CallEnded,
    Event::Approve,
    Event::Report,
    Event::ReportLast,
    Event::NotifyAccepted,
    Event::NotifyKept,
    Event::FirstOvertaken,
    Event::NotifyFatal,
    Event::LastAccepted,
    Event::LastOvertaken,
    Event::LastFailed,
    Event::Refresh,
    Event::Unsubscribe,
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
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/subscription/notifier/table.txt");
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
    let ends = |action: &&Action| {
        matches!(action, Action::End | Action::EndFailed | Action::EndRefused | Action::EndSuppressed)
    };
    for state in STATES.iter().filter(|state| **state != State::Terminated) {
        for event in EVENTS {
            let (to, actions) = next(*state, *event);
            assert_eq!(actions.iter().filter(ends).count(), usize::from(to == State::Terminated));
            assert!(to != State::Terminated || actions.last().is_some_and(|last| ends(&last)));
        }
    }
}

#[test]
fn the_last_notify_is_wanted_once() {
    for state in STATES {
        for event in EVENTS {
            let (to, actions) = next(*state, *event);
            let wanted = actions.contains(&Action::NotifyLast);
            assert_eq!(wanted, to == State::Terminating && *state != State::Terminating);
        }
    }
}
