//! Tables 2.1 and 2.2 as they are implemented, compared with their committed copy.

use std::fmt::Write;

use sip_message::StatusCode;

use super::{
    action::Side,
    event::{Answer, CallEnd, Consult, End, Event, Reoffer, Report, Timer},
    machine::{Alive, Facts, Held, May, Parted, Plan, State, Step, detach, step},
    outcome::{Cause, Moved},
};
use crate::{ByeOwner, Hold, SemiAttendedPolicy, WithoutReplaces};

const BUSY: StatusCode = StatusCode::BUSY_HERE;

/// Why a bridge is made.
const UNREFERABLE: Cause = Cause::NotSupported(Some(StatusCode::METHOD_NOT_ALLOWED));

const REPORTED: Moved = Moved::Reported(StatusCode::OK);

fn states() -> Vec<State> {
    vec![
        State::Idle,
        State::Holding,
        State::Releasing(Cause::Cancelled),
        State::Consulting { ringing: false, complete: false },
        State::Consulting { ringing: true, complete: false },
        State::Consulting { ringing: true, complete: true },
        State::ConsultTalk(Side::Consultation),
        State::ConsultTalk(Side::Primary),
        State::Swapping { from: Side::Consultation, held: false },
        State::Swapping { from: Side::Consultation, held: true },
        State::Swapping { from: Side::Primary, held: false },
        State::Swapping { from: Side::Primary, held: true },
        State::HoldConsult(Side::Consultation),
        State::HoldConsult(Side::Primary),
        State::Dropping,
        State::ReferPending(None),
        State::ReferPending(Some(Report::Provisional(StatusCode::RINGING))),
        State::ReferPending(Some(Report::Success { code: StatusCode::OK, last: true })),
        State::ReferPending(Some(Report::Failure { code: BUSY, last: true })),
        State::BackingOff,
        State::Accepted,
        State::Progress,
        State::Unreported,
        State::Detached,
        State::Parting(Parted::HungUp),
        State::Parting(Parted::Lost),
        State::Parting(Parted::Unreported),
        State::Completing(REPORTED, BOTH),
        State::Completing(REPORTED, Alive { consultation: false, ..BOTH }),
        State::Completing(REPORTED, Alive { primary: false, ..BOTH }),
        State::Completing(Moved::Unreported { seen: false }, Alive { consultation: false, ..BOTH }),
        State::Completing(Moved::Unreported { seen: true }, BOTH),
        State::Placing(UNREFERABLE),
        State::Bridging(UNREFERABLE, BOTH),
        State::Bridging(UNREFERABLE, Alive { consultation: false, ..BOTH }),
        State::Bridging(UNREFERABLE, Alive { primary: false, ..BOTH }),
        State::Joining(UNREFERABLE),
        State::Recovering(Cause::Target(BUSY)),
        State::Waiting(Cause::Target(BUSY)),
        State::Restoring(Cause::Target(BUSY)),
        State::Ended,
    ]
}

fn events() -> Vec<Event> {
    let holds = [Hold::First, Hold::Already, Hold::Done, Hold::No];
    let mut events: Vec<Event> = holds.map(Event::Begin).to_vec();
    let sides = [Side::Primary, Side::Consultation];
    let reoffers = [
        Reoffer::Done,
        Reoffer::AsBefore(Some(StatusCode::NOT_ACCEPTABLE_HERE)),
        Reoffer::Gone(StatusCode::CALL_DOES_NOT_EXIST),
        Reoffer::Silent,
        Reoffer::Unreachable,
        Reoffer::Over,
    ];
    events.extend(sides.iter().flat_map(|side| reoffers.map(|reoffer| Event::Reoffer(*side, reoffer))));
    let consults = [Consult::Ringing(StatusCode::RINGING), Consult::Up, Consult::Failed(Some(BUSY))];
    events.extend(consults.map(Event::Consult));
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
        Answer::Declined(StatusCode::FORBIDDEN),
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
        Report::Failure { code: StatusCode::NOT_FOUND, last: true },
        Report::Empty,
    ];
    events.extend(reports.map(Event::Notify));
    events.extend(
        [End::Terminated, End::Refused, End::NoNotify, End::Expired, End::Suppressed]
            .map(Event::Subscription),
    );
    let ends = [CallEnd::Closing, CallEnd::Local, CallEnd::HungUp, CallEnd::Lost];
    events.extend(sides.iter().flat_map(|side| ends.map(|end| Event::Call(*side, end))));
    events.extend([Event::Complete, Event::Swap, Event::Cancel, Event::Joined(true), Event::Joined(false)]);
    let timers = [
        Timer::Hold,
        Timer::Consult,
        Timer::Talk,
        Timer::Guard,
        Timer::Retry,
        Timer::Final,
        Timer::Resume,
        Timer::Closing,
        Timer::Bye,
    ];
    events.extend(timers.map(Event::Timer));
    events
}

const BOTH: Alive = Alive { primary: true, consultation: true };

/// The default policy, with peers that support Replaces.
const MAY: May = May {
    go_on: true,
    hold_consultation: true,
    replaces: true,
    refer: true,
    bridge: false,
    reroute: false,
    reverse: false,
    semi_attended: SemiAttendedPolicy::WaitForAnswer,
    without_replaces: WithoutReplaces::Refuse,
    bye: ByeOwner::Transferor,
    bye_at_once: true,
};

const USUAL: Facts = Facts {
    plan: Plan::Blind,
    held: Held::Us,
    consultation_held: Held::Nobody,
    alive: Alive { primary: true, consultation: false },
    protect: false,
    bridged: false,
    on_answer: false,
    retried: false,
    resumes: 1,
    restores: 1,
    accepted: Some(StatusCode::ACCEPTED),
    detached: false,
    may: MAY,
};

const CONSULT: Facts = Facts { plan: Plan::Consult, alive: BOTH, ..USUAL };

const PROTECT: Facts = Facts { protect: true, ..CONSULT };

const ATTENDED: Facts = Facts { plan: Plan::Attended, ..CONSULT };

/// What cannot be referred becomes a bridge.
const fn bridges(facts: Facts) -> Facts {
    Facts { may: May { bridge: true, ..facts.may }, ..facts }
}

/// Whether a transfer of this plan can be in a state.
fn meets(plan: Plan, state: State) -> bool {
    match state {
        State::Consulting { .. } | State::ConsultTalk(_) | State::Swapping { .. } | State::Dropping => {
            plan == Plan::Consult
        }
        State::HoldConsult(side) => {
            plan == Plan::Consult || plan == Plan::Attended && side == Side::Consultation
        }
        State::Restoring(_) => plan == Plan::Attended,
        State::Placing(_) => plan == Plan::Blind,
        State::Completing(_, left) => !left.consultation || plan != Plan::Blind,
        State::Parting(Parted::Unreported) => plan != Plan::Blind,
        State::Idle
        | State::Holding
        | State::Releasing(_)
        | State::ReferPending(_)
        | State::BackingOff
        | State::Accepted
        | State::Progress
        | State::Unreported
        | State::Detached
        | State::Parting(_)
        | State::Bridging(..)
        | State::Joining(_)
        | State::Recovering(_)
        | State::Waiting(_)
        | State::Ended => true,
    }
}

/// Whether a transfer can be in a state when the first call is over.
fn outlives_the_first_call(state: State) -> bool {
    matches!(
        state,
        State::ReferPending(_)
            | State::Accepted
            | State::Progress
            | State::Unreported
            | State::Detached
            | State::Parting(_)
            | State::Completing(_, Alive { primary: false, .. })
    )
}

fn row(state: State, event: Event, facts: Facts) -> String {
    let alive = event.ends().map_or(facts.alive, |side| facts.alive.without(side));
    text(state, step(state, event, Facts { alive, ..facts }))
}

fn text(state: State, step: Option<Step>) -> String {
    match step {
        None => "ignored".into(),
        Some(step) if step.next == state && step.actions.is_empty() => "absorbed".into(),
        Some(step) => {
            let actions: Vec<_> = step.actions.iter().map(|action| format!("{action:?}")).collect();
            format!("{:?} | {}", step.next, actions.join(", "))
        }
    }
}

/// Whether an event can happen to a transfer of this plan.
fn concerns(plan: Plan, event: Event) -> bool {
    let only_with_a_consultation = matches!(
        event,
        Event::Consult(_)
            | Event::Complete
            | Event::Swap
            | Event::Reoffer(Side::Consultation, _)
            | Event::Call(Side::Consultation, _)
            | Event::Timer(Timer::Consult | Timer::Talk)
    );
    plan != Plan::Blind || !only_with_a_consultation
}

/// The rows of one plan that differ from those of another set of facts; all of them where there is none.
fn rows(table: &mut String, title: &str, facts: Facts, other: Option<Facts>) {
    writeln!(table, "\n# {title}\n").expect("invariant: a String takes all text");
    for state in states() {
        if !meets(facts.plan, state) || !facts.alive.primary && !outlives_the_first_call(state) {
            continue;
        }
        let let_go = |facts| text(state, detach(state, facts));
        let told = other.is_some_and(|other| meets(other.plan, state) && let_go(facts) == let_go(other));
        if !told && let_go(facts) != "ignored" {
            writeln!(table, "{state:?} | Detach | {}", let_go(facts))
                .expect("invariant: a String takes all text");
        }
        let mut absorbed = Vec::new();
        for event in events().into_iter().filter(|event| concerns(facts.plan, *event)) {
            let row = row(state, event, facts);
            let told = other.is_some_and(|other| {
                meets(other.plan, state)
                    && concerns(other.plan, event)
                    && row == self::row(state, event, other)
            });
            if told || row == "ignored" {
                continue;
            }
            if row == "absorbed" {
                absorbed.push(format!("{event:?}"));
            } else {
                writeln!(table, "{state:?} | {event:?} | {row}").expect("invariant: a String takes all text");
            }
        }
        if !absorbed.is_empty() {
            let absorbed = absorbed.join(", ");
            writeln!(table, "{state:?} | absorbs | {absorbed}").expect("invariant: a String takes all text");
        }
    }
}

fn table() -> String {
    let mut table = String::from(
        "# Transferor: state | event | next | actions. Held by us, first try, hold may fail, asked back once, peers \
         support Replaces. What is not listed is ignored and counted.\n",
    );
    rows(&mut table, "Blind", USUAL, None);
    let may = |facts: Facts, change: fn(&mut May)| {
        let mut facts = facts;
        change(&mut facts.may);
        facts
    };
    let blind = [
        ("held by nobody", Facts { held: Held::Nobody, ..USUAL }),
        ("held by the application", Facts { held: Held::Application, ..USUAL }),
        ("second try", Facts { retried: true, ..USUAL }),
        ("hold must succeed", may(USUAL, |may| may.go_on = false)),
        ("asked back for the last time", Facts { resumes: 4, ..USUAL }),
        ("let go", Facts { detached: true, ..USUAL }),
        ("BYE after a while", may(USUAL, |may| may.bye_at_once = false)),
        (
            "BYE by the peer",
            may(USUAL, |may| {
                may.bye_at_once = false;
                may.bye = ByeOwner::Peer;
            }),
        ),
        ("may be bridged", bridges(USUAL)),
        ("does not take REFER, may be bridged", may(bridges(USUAL), |may| may.refer = false)),
        ("held by the application, may be bridged", bridges(Facts { held: Held::Application, ..USUAL })),
    ];
    for (title, facts) in blind {
        rows(&mut table, &format!("Blind, {title}: the rows that differ"), facts, Some(USUAL));
    }
    rows(&mut table, "Consultation: the rows that differ from Blind", CONSULT, Some(USUAL));
    let consult = [
        ("completed by the answer", Facts { on_answer: true, ..CONSULT }),
        ("held by nobody", Facts { held: Held::Nobody, ..CONSULT }),
        ("consultation call held by us", Facts { consultation_held: Held::Us, ..CONSULT }),
        ("consultation call over", Facts { alive: Alive { consultation: false, ..BOTH }, ..CONSULT }),
        ("hold must succeed", may(CONSULT, |may| may.go_on = false)),
        ("consultation call not held first", may(CONSULT, |may| may.hold_consultation = false)),
        ("target without Replaces", may(CONSULT, |may| may.replaces = false)),
        (
            "target without Replaces, then blind",
            may(CONSULT, |may| {
                may.replaces = false;
                may.without_replaces = WithoutReplaces::Blind;
            }),
        ),
        ("cancel then blind", may(CONSULT, |may| may.semi_attended = SemiAttendedPolicy::CancelThenBlind)),
        ("refuse while ringing", may(CONSULT, |may| may.semi_attended = SemiAttendedPolicy::Refuse)),
        ("another address is left", may(CONSULT, |may| may.reroute = true)),
        ("roles can be exchanged", may(CONSULT, |may| may.reverse = true)),
        ("let go", Facts { detached: true, ..CONSULT }),
        ("may be bridged", bridges(CONSULT)),
        ("target without Replaces, may be bridged", may(bridges(CONSULT), |may| may.replaces = false)),
        ("target protected", PROTECT),
    ];
    for (title, facts) in consult {
        rows(&mut table, &format!("Consultation, {title}: the rows that differ"), facts, Some(CONSULT));
    }
    let parted = Facts { alive: Alive { primary: false, ..BOTH }, ..PROTECT };
    let title = "Consultation, target protected and the first call over: the rows that differ";
    rows(&mut table, title, parted, Some(PROTECT));
    rows(&mut table, "Attended: the rows that differ from Consultation", ATTENDED, Some(CONSULT));
    let attended = [
        ("consultation call held by us", Facts { consultation_held: Held::Us, ..ATTENDED }),
        (
            "consultation call held by us, the first one by the application",
            Facts { consultation_held: Held::Us, held: Held::Application, ..ATTENDED },
        ),
        ("consultation call asked back for the last time", Facts { restores: 4, ..ATTENDED }),
        ("may be bridged", bridges(ATTENDED)),
        ("does not take REFER, may be bridged", may(bridges(ATTENDED), |may| may.refer = false)),
        ("handed over", Facts { bridged: true, held: Held::Nobody, ..ATTENDED }),
    ];
    for (title, facts) in attended {
        rows(&mut table, &format!("Attended, {title}: the rows that differ"), facts, Some(ATTENDED));
    }
    table
}

/// Facts as they can be in each plan.
fn plans() -> [Facts; 6] {
    [USUAL, CONSULT, ATTENDED, bridges(USUAL), bridges(CONSULT), bridges(ATTENDED)]
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
    for facts in plans() {
        for state in states().into_iter().filter(|state| meets(facts.plan, *state)) {
            if matches!(state, State::Idle | State::Ended) {
                continue;
            }
            let leads_out = state.timers().iter().any(|name| {
                Event::of_timer(*name)
                    .and_then(|event| step(state, event, facts))
                    .is_some_and(|step| step.next != state)
            });
            assert!(leads_out, "{state:?}");
        }
    }
}

/// Whatever is entered waits for something: no state is entered without one of its timers running already or armed now.
#[test]
fn a_state_that_is_entered_finds_one_of_its_timers_armed() {
    for facts in plans() {
        for state in states().into_iter().filter(|state| meets(facts.plan, *state)) {
            for event in events() {
                let Some(taken) = step(state, event, facts) else { continue };
                if matches!(taken.next, State::Ended) || taken.next == state {
                    continue;
                }
                let arms = taken.actions.iter().any(|action| matches!(action, super::Action::Wait(_)));
                let keeps = taken.next.timers().iter().any(|name| state.timers().contains(name));
                assert!(arms || keeps, "{state:?} {event:?} {taken:?}");
            }
        }
    }
}

/// Whatever may happen, the party that we hold is taken back, hung up on or gone before the end.
#[test]
fn nobody_is_left_on_hold_by_an_end() {
    for facts in plans() {
        for state in states().into_iter().filter(|state| meets(facts.plan, *state)) {
            for event in events() {
                let Some(taken) = step(state, event, facts) else { continue };
                let ends = taken.next == State::Ended && state != State::Ended;
                let ours = matches!(event, Event::Call(Side::Primary, _));
                let kept = taken
                    .actions
                    .iter()
                    .any(|action| matches!(action, super::Action::Finish(outcome) if outcome.call_kept));
                if ends && kept && !ours {
                    // Only a call that was resumed, or was never held, may be said to be kept.
                    let settled = matches!(event, Event::Reoffer(..) | Event::Timer(Timer::Resume));
                    let unheld = matches!(state, State::Holding | State::Releasing(_) | State::Restoring(_));
                    assert!(settled || unheld, "{state:?} {event:?} {taken:?}");
                }
            }
        }
    }
}

/// A call that was dropped before the blind REFER says nothing about it any more.
#[test]
fn the_end_of_a_dropped_consultation_leaves_a_refer_that_is_sent_again_alone() {
    for end in [CallEnd::Closing, CallEnd::Local, CallEnd::HungUp, CallEnd::Lost] {
        let event = Event::Call(Side::Consultation, end);
        let row = step(State::BackingOff, event, USUAL).expect("a row");
        assert_eq!((row.next, row.actions.len()), (State::BackingOff, 0), "{end:?}");
    }
}

#[test]
fn what_the_application_has_let_go_of_is_neither_let_go_of_nor_given_up_again() {
    let let_go = Facts { detached: true, ..CONSULT };
    assert_eq!(detach(State::Unreported, let_go), None);
    assert_eq!(step(State::Unreported, Event::Cancel, let_go), None);
    assert!(detach(State::Unreported, CONSULT).is_some());
    assert!(step(State::Unreported, Event::Cancel, CONSULT).is_some());
}

#[test]
fn a_consultation_that_is_being_dropped_keeps_no_blind_transfer_waiting() {
    for end in [CallEnd::HungUp, CallEnd::Lost] {
        let row = step(State::Unreported, Event::Call(Side::Primary, end), Facts { alive: BOTH, ..USUAL });
        assert_eq!(row.expect("a row").next, State::Ended, "{end:?}");
    }
}
