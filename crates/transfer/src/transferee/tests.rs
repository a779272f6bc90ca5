//! Table 2.3 as it is implemented, compared with its committed copy.

use std::fmt::Write;

use sip_message::StatusCode;

use super::machine::{Cause, Event, Facts, Manual, New, Old, State, Timer, step};

fn states() -> Vec<State> {
    vec![
        State::InCall,
        State::Unanswered,
        State::Deciding,
        State::Inviting,
        State::Ringing,
        State::Handling,
        State::Cancelling(Cause::Withdrawn),
        State::Connected,
        State::Failed(Cause::Target(StatusCode::BUSY_HERE)),
        State::WaitBye,
        State::Ended,
    ]
}

fn events() -> Vec<Event> {
    let mut events = vec![
        Event::Request { ask: false },
        Event::Request { ask: true },
        Event::Accept,
        Event::Reject,
        Event::Manual(Manual::Ask),
        Event::Manual(Manual::Handle),
        Event::Manual(Manual::Refuse(StatusCode::FORBIDDEN)),
        Event::Manual(Manual::Conclude(StatusCode::OK)),
        Event::Manual(Manual::Conclude(StatusCode::BUSY_HERE)),
        Event::Cancel,
    ];
    let new = [
        New::Provisional(StatusCode::RINGING),
        New::EarlyEnded,
        New::Up,
        New::Redirected,
        New::Failed(StatusCode::BUSY_HERE),
        New::Barred(StatusCode::MOVED_TEMPORARILY),
        New::NoAnswer,
        New::Cancelled,
        New::Over,
    ];
    events.extend(new.map(Event::New));
    events.extend([Old::HungUp, Old::Closing].map(Event::Old));
    events.extend([Event::Delivered, Event::Unsubscribed]);
    let timers = [Timer::Decision, Timer::Ring, Timer::Cancel, Timer::Delivery, Timer::Watchdog];
    events.extend(timers.map(Event::Timer));
    events
}

const USUAL: Facts = Facts { old: true, reporting: true, at_once: false, recall: false };

fn row(state: State, event: Event, facts: Facts) -> String {
    match step(state, event, facts) {
        None => "ignored".into(),
        Some(step) => {
            let actions: Vec<_> = step.actions.iter().map(|action| format!("{action:?}")).collect();
            format!("{:?} | {}", step.next, actions.join(", "))
        }
    }
}

fn table() -> String {
    let mut table = String::from(
        "# Transferee: state | event | next | actions. The old call and the subscription live.\n",
    );
    for state in states() {
        writeln!(table).expect("invariant: a String takes all text");
        for event in events() {
            writeln!(table, "{state:?} | {event:?} | {}", row(state, event, USUAL))
                .expect("invariant: a String takes all text");
        }
    }
    let others = [
        ("The old call is over", Facts { old: false, ..USUAL }),
        ("The subscription is over", Facts { reporting: false, ..USUAL }),
        ("Both are over", Facts { old: false, reporting: false, ..USUAL }),
        ("Success is reported at once", Facts { at_once: true, ..USUAL }),
        (
            "The old call is over, and the transferor is called back",
            Facts { old: false, recall: true, ..USUAL },
        ),
        (
            "Both are over, and the transferor is called back",
            Facts { old: false, reporting: false, recall: true, ..USUAL },
        ),
    ];
    for (title, facts) in others {
        writeln!(table, "\n# {title}: the rows that differ.\n").expect("invariant: a String takes all text");
        for state in states() {
            for event in events() {
                let row = row(state, event, facts);
                if row != self::row(state, event, USUAL) {
                    writeln!(table, "{state:?} | {event:?} | {row}")
                        .expect("invariant: a String takes all text");
                }
            }
        }
    }
    table
}

#[test]
fn the_table_is_the_committed_one() {
    let table = table();
    if std::env::var_os("UPDATE_TABLES").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/transferee/table.txt"), &table)
            .expect("invariant: the source folder can be written");
    }
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/transferee/table.txt"))
        .unwrap_or_default();
    assert!(committed == table, "run with UPDATE_TABLES=1 and read the difference:\n{table}");
}

/// Invariant 4: in every state that is not the first or the last, a timer runs.
#[test]
fn every_state_has_a_timer_that_leads_out_of_it() {
    let timers = [Timer::Decision, Timer::Ring, Timer::Cancel, Timer::Delivery, Timer::Watchdog];
    for state in states() {
        if matches!(state, State::InCall | State::Ended) {
            continue;
        }
        assert!(!state.timers().is_empty(), "{state:?}");
        let leads_out = timers
            .iter()
            .any(|timer| step(state, Event::Timer(*timer), USUAL).is_some_and(|step| step.next != state));
        assert!(leads_out, "{state:?}");
    }
}

/// Invariant 5: whatever becomes of the new call, the old one is not ended before the success was reported.
#[test]
fn only_the_watchdog_after_a_success_ends_the_old_call() {
    for state in states() {
        for event in events() {
            if let Some(step) = step(state, event, USUAL)
                && step.actions.contains(&super::Action::HangUpOld)
            {
                assert_eq!((state, event), (State::WaitBye, Event::Timer(Timer::Watchdog)));
            }
        }
    }
}
