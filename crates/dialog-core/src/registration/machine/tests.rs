use std::fmt::Write as _;

use super::*;

const STATES: &[State] = &[
    State::Registering,
    State::Registered,
    State::Refreshing,
    State::Holding,
    State::Waiting,
    State::Leaving,
    State::Unregistering,
    State::Over,
];
const EVENTS: &[Event] = &[
    Event::Refresh,
    Event::Unregister,
    Event::Abandon,
    Event::Accepted,
    Event::Again,
    Event::Refused,
    Event::Rejected,
    Event::Failed,
    Event::Due,
    Event::Expired,
    Event::FlowLost,
    Event::FlowBroken,
];
const RESPONSES: &[Event] = &[Event::Accepted, Event::Again, Event::Refused, Event::Rejected, Event::Failed];

/// Whether a REGISTER is under way.
fn is_asking(state: State) -> bool {
    matches!(state, State::Registering | State::Refreshing | State::Leaving | State::Unregistering)
}

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
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/registration/machine/table.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &table).expect("the snapshot can be written");
    }
    let committed = std::fs::read_to_string(path).expect("the snapshot is there");
    assert_eq!(table, committed);
}

/// One REGISTER at a time: it is sent exactly when a state is entered in which one is under way, from a state without one or
/// with the end of the one before.
#[test]
fn there_is_never_a_second_register_under_way() {
    for state in STATES {
        for event in EVENTS {
            let (to, actions) = next(*state, *event);
            let sent = actions.iter().filter(|it| matches!(it, Action::Register | Action::Remove)).count();
            let over = is_asking(*state) && RESPONSES.contains(event);
            let under_way = usize::from(is_asking(*state) && !over) + sent;
            assert_eq!(under_way, usize::from(is_asking(to)), "{state:?} {event:?}");
        }
    }
}

#[test]
fn the_end_is_told_exactly_once_and_nothing_follows() {
    for state in STATES {
        for event in EVENTS {
            let (to, actions) = next(*state, *event);
            let ends = actions
                .iter()
                .filter(|it| matches!(it, Action::GiveUp | Action::Unregistered | Action::Left))
                .count();
            assert_eq!(ends, usize::from(to == State::Over && *state != State::Over), "{state:?} {event:?}");
            assert!(*state != State::Over || to == State::Over);
        }
    }
}

/// After a failure there is always something that goes on: a request under way or a timer.
#[test]
fn whoever_waits_has_a_timer() {
    for state in STATES {
        for event in EVENTS {
            let (to, actions) = next(*state, *event);
            let waits = matches!(to, State::Waiting | State::Holding);
            if waits && is_asking(*state) {
                assert!(actions.contains(&Action::Wait), "{state:?} {event:?}");
            }
            assert!(!waits || !actions.contains(&Action::DisarmDue), "{state:?} {event:?}");
        }
    }
}
