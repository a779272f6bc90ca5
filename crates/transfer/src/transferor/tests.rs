//! Table 2.1 as it is implemented, compared with its committed copy.

use std::fmt::Write;

use sip_message::StatusCode;

use super::{
    event::{Answer, CallEnd, End, Event, Reoffer, Report, Timer},
    machine::{Facts, Held, Parted, State, step},
    outcome::Cause,
};
use crate::Hold;

const BUSY: StatusCode = StatusCode::BUSY_HERE;

fn states() -> Vec<State> {
    vec![
        State::Idle,
        State::Holding,
        State::Releasing,
        State::ReferPending(None),
        State::ReferPending(Some(Report::Provisional(StatusCode::RINGING))),
        State::ReferPending(Some(Report::Success { code: StatusCode::OK, last: true })),
        State::ReferPending(Some(Report::Failure { code: BUSY, last: true })),
        State::BackingOff,
        State::Accepted,
        State::Progress,
        State::Parting(Parted::HungUp),
        State::Parting(Parted::Lost),
        State::Completing(StatusCode::OK),
        State::Recovering(Cause::Target(BUSY)),
        State::Waiting(Cause::Target(BUSY)),
        State::Ended,
    ]
}

fn events() -> Vec<Event> {
    let mut events = vec![
        Event::Begin(Hold::First),
        Event::Begin(Hold::Already),
        Event::Begin(Hold::No),
        Event::Reoffer(Reoffer::Done),
        Event::Reoffer(Reoffer::AsBefore(Some(StatusCode::NOT_ACCEPTABLE_HERE))),
        Event::Reoffer(Reoffer::Gone(StatusCode::CALL_DOES_NOT_EXIST)),
        Event::Reoffer(Reoffer::Silent),
        Event::Reoffer(Reoffer::Unreachable),
        Event::Reoffer(Reoffer::Over),
    ];
    let answers = [
        Answer::Accepted(StatusCode::ACCEPTED),
        Answer::Redirected(StatusCode::MOVED_TEMPORARILY),
        Answer::Challenged(StatusCode::UNAUTHORIZED),
        Answer::BadExtension(StatusCode::BAD_EXTENSION),
        Answer::NoRefer(StatusCode::METHOD_NOT_ALLOWED),
        Answer::NoCall(StatusCode::CALL_DOES_NOT_EXIST),
        Answer::Doubted(StatusCode::NOT_FOUND),
        Answer::Glare(StatusCode::REQUEST_PENDING),
        Answer::TryLater(StatusCode::SERVER_INTERNAL_ERROR, 5),
        Answer::Declined(StatusCode::DECLINE),
        Answer::TimedOut,
        Answer::Unreachable,
        Answer::Misused,
    ];
    events.extend(answers.map(Event::Answer));
    let reports = [
        Report::Pending,
        Report::Provisional(StatusCode::RINGING),
        Report::Nothing,
        Report::Success { code: StatusCode::OK, last: true },
        Report::Success { code: StatusCode::OK, last: false },
        Report::Failure { code: BUSY, last: true },
        Report::Failure { code: BUSY, last: false },
        Report::Empty,
    ];
    events.extend(reports.map(Event::Notify));
    events.extend([End::Terminated, End::Refused, End::NoNotify, End::Expired].map(Event::Subscription));
    events.extend([CallEnd::Closing, CallEnd::Local, CallEnd::HungUp, CallEnd::Lost].map(Event::Call));
    events.push(Event::Cancel);
    let timers = [Timer::Hold, Timer::Guard, Timer::Retry, Timer::Final, Timer::Resume, Timer::Closing];
    events.extend(timers.map(Event::Timer));
    events
}

const USUAL: Facts = Facts { held: Held::Us, retried: false, go_on: true, resumes: 1 };

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
        "# Transferor, blind: state | event | next | actions. Held by us, first try, hold may fail, asked back once.\n",
    );
    for state in states() {
        writeln!(table).expect("invariant: a String takes all text");
        for event in events() {
            writeln!(table, "{state:?} | {event:?} | {}", row(state, event, USUAL))
                .expect("invariant: a String takes all text");
        }
    }
    let others = [
        ("Held by nobody", Facts { held: Held::Nobody, ..USUAL }),
        ("Held by the application", Facts { held: Held::Application, ..USUAL }),
        ("Second try", Facts { retried: true, ..USUAL }),
        ("Hold must succeed", Facts { go_on: false, ..USUAL }),
        ("Asked back for the last time", Facts { resumes: 4, ..USUAL }),
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
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/transferor/table.txt"), &table)
            .expect("invariant: the source folder can be written");
    }
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/transferor/table.txt"))
        .unwrap_or_default();
    assert!(committed == table, "run with UPDATE_TABLES=1 and read the difference:\n{table}");
}

/// Invariant 4: in every state that is not the first or the last, a timer runs.
#[test]
fn every_state_has_a_timer_that_leads_out_of_it() {
    for state in states() {
        if matches!(state, State::Idle | State::Ended) {
            continue;
        }
        let leads_out = state.timers().iter().any(|name| {
            Event::of_timer(*name)
                .and_then(|event| step(state, event, USUAL))
                .is_some_and(|step| step.next != state)
        });
        assert!(leads_out, "{state:?}");
    }
}

/// Whatever is entered waits for something: no state is entered without one of its timers running already or armed now.
#[test]
fn a_state_that_is_entered_finds_one_of_its_timers_armed() {
    for state in states() {
        for event in events() {
            let Some(taken) = step(state, event, USUAL) else { continue };
            if matches!(taken.next, State::Ended) || taken.next == state {
                continue;
            }
            let arms = taken.actions.iter().any(|action| matches!(action, super::Action::Wait(_)));
            let keeps = taken.next.timers().iter().any(|name| state.timers().contains(name));
            assert!(arms || keeps, "{state:?} {event:?} {taken:?}");
        }
    }
}
