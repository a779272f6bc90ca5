//! What the four machines have in common: a step of the table, and the length of each timer.

use std::time::Duration;

use crate::boundary::{TimerName, Timing};

/// One cell of a machine's table.
#[derive(Debug)]
pub(crate) struct Step<S, A: 'static> {
    /// The next state; `None` is the RFC's "Terminated".
    pub(crate) next: Option<S>,
    /// What is to be done, in order.
    pub(crate) actions: &'static [A],
}

/// To a state.
pub(crate) const fn to<S, A>(next: S, actions: &'static [A]) -> Step<S, A> {
    Step { next: Some(next), actions }
}

/// To the RFC's "Terminated".
pub(crate) const fn end<S, A>(actions: &'static [A]) -> Step<S, A> {
    Step { next: None, actions }
}

/// Shortest T1 that is taken: with less, every timer would be due at once.
pub(crate) const SHORTEST_T1: Duration = Duration::from_millis(1);

/// The delay of the automatic 100 to INVITE (RFC 3261 §17.2.1).
pub(crate) const TRYING: Duration = Duration::from_millis(200);

/// Shortest timer D on unreliable transports (RFC 3261 §17.1.1.2): it does not follow our T1, as the server's counts.
const SHORTEST_D: Duration = Duration::from_secs(32);

/// The first length of a timer (RFC 3261 table 4, RFC 6026 §8.11); `None` where the transport makes it needless.
pub(crate) fn length(timing: &Timing, name: TimerName, reliable: bool) -> Option<Duration> {
    let unless_reliable = |length| if reliable { Duration::ZERO } else { length };
    match name {
        TimerName::A | TimerName::E | TimerName::G => (!reliable).then_some(timing.t1),
        TimerName::B
        | TimerName::F
        | TimerName::H
        | TimerName::L
        | TimerName::M
        | TimerName::Cancel
        | TimerName::Silence => Some(timing.timeout()),
        TimerName::J => Some(unless_reliable(timing.timeout())),
        TimerName::D => Some(unless_reliable(timing.timeout().max(SHORTEST_D))),
        TimerName::I | TimerName::K => Some(unless_reliable(timing.t4)),
        TimerName::Trying => Some(TRYING),
    }
}

/// The next length of a timer that repeats: twice the last; E and G no longer than T2 (RFC 3261 §17.1.2.2, §17.2.1).
pub(crate) fn next_length(timing: &Timing, name: TimerName, last: Duration) -> Duration {
    let doubled = last.saturating_mul(2);
    match name {
        TimerName::E | TimerName::G => doubled.min(timing.t2),
        TimerName::A
        | TimerName::B
        | TimerName::D
        | TimerName::F
        | TimerName::H
        | TimerName::I
        | TimerName::J
        | TimerName::K
        | TimerName::L
        | TimerName::M
        | TimerName::Trying
        | TimerName::Cancel
        | TimerName::Silence => doubled,
    }
}

/// The time until a client's timer E has reached T2, before which no 100 may answer a non-INVITE request over UDP and
/// after which it must (RFC 4320 §4.1): 3.5 s by default.
pub(crate) fn until_e_is_t2(timing: &Timing) -> Duration {
    let (mut total, mut e) = (Duration::ZERO, timing.t1);
    while e < timing.t2 {
        total += e;
        e = e.saturating_mul(2);
    }
    total.max(timing.t1)
}

#[cfg(test)]
pub(crate) mod table {
    //! The committed tables: `tables/*.txt` are what the machines do, one line per state and event.

    use std::{
        env,
        fmt::{Debug, Write},
        fs,
        path::Path,
    };

    use super::Step;

    /// Compares a machine with its committed table; `UPDATE_TABLES=1` in the environment writes it instead.
    pub(crate) fn check<S: Debug + Copy, E: Debug + Copy, A: Debug + 'static>(
        name: &str,
        start: &[A],
        states: &[S],
        events: &[E],
        step: impl Fn(S, E) -> Step<S, A>,
    ) {
        let mut text =
            format!("{:<14} {:<14} -> {:<14} {start:?}\n", "(start)", "", format!("{:?}", states[0]));
        for state in states {
            for event in events {
                let Step { next, actions } = step(*state, *event);
                let next = next.map_or_else(|| "Terminated".to_owned(), |next| format!("{next:?}"));
                let (state, event) = (format!("{state:?}"), format!("{event:?}"));
                writeln!(text, "{state:<14} {event:<14} -> {next:<14} {actions:?}")
                    .expect("a string takes it");
            }
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables").join(name);
        if env::var_os("UPDATE_TABLES").is_some() {
            fs::write(&path, &text).expect("the table can be written");
        }
        let committed = fs::read_to_string(&path).expect("the table is committed");
        assert!(committed == text, "{name} differs from the machine; see it with UPDATE_TABLES=1:\n{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_have_the_lengths_of_the_rfc() {
        let timing = Timing::default();
        let ms = |name, reliable| length(&timing, name, reliable).map(|length| length.as_millis());
        for (name, unreliable, reliable) in [
            (TimerName::A, Some(500), None),
            (TimerName::B, Some(32_000), Some(32_000)),
            (TimerName::D, Some(32_000), Some(0)),
            (TimerName::E, Some(500), None),
            (TimerName::F, Some(32_000), Some(32_000)),
            (TimerName::G, Some(500), None),
            (TimerName::H, Some(32_000), Some(32_000)),
            (TimerName::I, Some(5_000), Some(0)),
            (TimerName::J, Some(32_000), Some(0)),
            (TimerName::K, Some(5_000), Some(0)),
            (TimerName::L, Some(32_000), Some(32_000)),
            (TimerName::M, Some(32_000), Some(32_000)),
            (TimerName::Trying, Some(200), Some(200)),
        ] {
            assert_eq!((ms(name, false), ms(name, true)), (unreliable, reliable), "{name:?}");
        }
    }

    #[test]
    fn timer_e_reaches_t2_after_three_and_a_half_seconds() {
        assert_eq!(until_e_is_t2(&Timing::default()), Duration::from_millis(3_500));
    }
}
