//! What a cell comes to, by rule: what each of its values does, put together in the order of tables 2.1 and 2.2 of the
//! catalogue. What stops a transfer at one step keeps it from the later ones.

use std::collections::BTreeSet;

/// What a transfer that succeeds is called, where no value says otherwise.
const SUCCESS: &str = "Succeeded";

/// What it is called where nobody reports on it (TR-077).
const UNHEARD: &str = "AcceptedWithoutProgress";

/// What it is called where the two are joined.
const BRIDGED: &str = "Bridged";

/// What a transfer comes to of which nothing is heard until its guard time is over.
const OVERDUE: &str = "TimedOut";

/// The steps of a transfer, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The party that is to be moved is held.
    Hold,
    /// The target is asked.
    Ask,
    /// The REFER is answered.
    Refer,
    /// The party calls the target, and reports.
    Call,
}

/// What a value does to the outcome. Several outcomes are their names with `|` between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Same,
    /// It may come to one of these as well.
    Or(&'static str),
    /// It gets no further than this step, and comes to one of these.
    Comes(Step, &'static str),
    /// From this step on it may come to anything; the invariants hold all the same.
    Anything(Step),
    /// The party that is to be moved declines the REFER (405, 501, 603).
    Declined,
    /// The two are joined where the REFER is declined (TR-170).
    FallsBack,
    /// The REFER is accepted, and nobody reports on what comes of it.
    Unheard,
    /// It is refused before anything is done.
    Refused,
}

/// What a cell comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// One of these.
    OneOf(BTreeSet<&'static str>),
    /// No transfer begins.
    Nothing,
    /// It is not known.
    Unknown,
}

/// What the target of a transfer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// It is not asked first.
    Unasked,
    /// It is, and ends its call when the new one is there: that tells where nobody reports.
    Asked,
    /// It is, and no new call is there.
    Left,
}

/// What all values of a cell say, added up.
#[derive(Default)]
struct Said {
    declined: bool,
    falls_back: bool,
    unheard: bool,
    others: BTreeSet<&'static str>,
    /// By step; what is not known is `None`.
    stops: Vec<(Step, Option<&'static str>)>,
}

impl Said {
    fn by(thens: impl IntoIterator<Item = Then>) -> Self {
        let mut said = Self::default();
        for then in thens {
            match then {
                Then::Same | Then::Refused => {}
                Then::Or(names) => said.others.extend(names.split('|')),
                Then::Comes(step, names) => said.stops.push((step, Some(names))),
                Then::Anything(step) => said.stops.push((step, None)),
                Then::Declined => said.declined = true,
                Then::FallsBack => said.falls_back = true,
                Then::Unheard => said.unheard = true,
            }
        }
        said
    }

    fn come(self, names: &'static str) -> Outcome {
        Outcome::OneOf(self.others.into_iter().chain(names.split('|')).collect())
    }
}

/// Puts together what the values of a cell do.
pub(super) fn outcome(thens: impl IntoIterator<Item = Then>, target: Target) -> Outcome {
    let thens: Vec<Then> = thens.into_iter().collect();
    if thens.contains(&Then::Refused) {
        return Outcome::Nothing;
    }
    let mut said = Said::by(thens);
    let bridged = said.declined && said.falls_back;
    if said.declined && !bridged {
        said.stops.push((Step::Refer, Some("Recovered")));
    }
    let first = said.stops.iter().map(|(step, _)| *step).min();
    let mut at_first = said.stops.iter().filter(|(step, _)| Some(*step) == first).map(|(_, names)| *names);
    // Which of two at the same step comes first is not known.
    let stopped = at_first.next().map(|one| one.filter(|_| at_first.all(|other| other == one)));
    let reaches_call = first.is_none_or(|first| first == Step::Call);
    let unheard = said.unheard && !bridged && reaches_call;
    match (stopped, target) {
        (_, Target::Unasked) if unheard => said.come(UNHEARD),
        (_, Target::Left) if unheard => said.come(OVERDUE),
        // No further call is made where the target's is up.
        (_, Target::Asked | Target::Left) if bridged && reaches_call => said.come(BRIDGED),
        (None, _) if bridged => said.come(BRIDGED),
        (None, _) if unheard => said.come(UNHEARD),
        (None, _) => said.come(SUCCESS),
        (Some(None), _) => Outcome::Unknown,
        (Some(Some(names)), _) => {
            if unheard {
                // The failure of the new call is not heard of either.
                said.others.insert(OVERDUE);
            }
            if said.falls_back && reaches_call && target != Target::Unasked {
                // The target is there, so that the two are joined when the new call is known to have failed (TR-173).
                said.others.insert(BRIDGED);
            }
            said.come(names)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Target::{Asked, Left, Unasked},
        Then::{Anything, Comes, Declined, FallsBack, Or, Refused, Same, Unheard},
        *,
    };

    fn one_of<const N: usize>(names: [&'static str; N]) -> Outcome {
        Outcome::OneOf(BTreeSet::from(names))
    }

    #[test]
    fn the_first_step_that_stops_it_decides() {
        let refused = Comes(Step::Refer, "Recovered");
        let cancelled = Comes(Step::Ask, "Cancelled");
        assert_eq!(outcome([Same, Same], Unasked), one_of(["Succeeded"]));
        assert_eq!(outcome([refused, cancelled, Anything(Step::Call)], Asked), one_of(["Cancelled"]));
        assert_eq!(outcome([refused, Anything(Step::Hold)], Unasked), Outcome::Unknown);
        assert_eq!(outcome([refused, Comes(Step::Refer, "TimedOut")], Unasked), Outcome::Unknown);
        assert_eq!(outcome([refused, refused], Unasked), one_of(["Recovered"]));
    }

    #[test]
    fn what_may_come_as_well_is_added() {
        let silence = Comes(Step::Call, "Recovered|TimedOut");
        assert_eq!(
            outcome([Or("Cancelled"), silence], Unasked),
            one_of(["Cancelled", "Recovered", "TimedOut"])
        );
        assert_eq!(outcome([Or("Cancelled")], Unasked), one_of(["Cancelled", "Succeeded"]));
    }

    #[test]
    fn where_nobody_reports_only_a_target_that_was_asked_tells() {
        let busy = Comes(Step::Call, "Recovered");
        assert_eq!(outcome([Unheard, busy], Unasked), one_of(["AcceptedWithoutProgress"]));
        assert_eq!(outcome([Unheard], Asked), one_of(["AcceptedWithoutProgress"]));
        assert_eq!(outcome([Unheard, busy], Asked), one_of(["Recovered", "TimedOut"]));
        assert_eq!(outcome([Unheard], Left), one_of(["TimedOut"]));
        for target in [Unasked, Asked, Left] {
            let refused = outcome([Unheard, Comes(Step::Refer, "Recovered")], target);
            assert_eq!(refused, one_of(["Recovered"]), "a REFER that is refused is not accepted");
        }
    }

    #[test]
    fn two_are_joined_where_the_refer_is_declined_and_the_target_is_there() {
        let busy = Comes(Step::Call, "Recovered");
        assert_eq!(outcome([FallsBack], Unasked), one_of(["Succeeded"]));
        assert_eq!(outcome([Declined], Unasked), one_of(["Recovered"]));
        assert_eq!(outcome([FallsBack, Declined, Unheard], Unasked), one_of(["Bridged"]));
        assert_eq!(outcome([FallsBack, busy], Unasked), one_of(["Recovered"]));
        assert_eq!(outcome([FallsBack, busy], Asked), one_of(["Bridged", "Recovered"]));
        assert_eq!(outcome([FallsBack, Declined, busy], Unasked), one_of(["Recovered"]));
        assert_eq!(outcome([FallsBack, Declined, busy], Asked), one_of(["Bridged"]));
        let cancelled = Comes(Step::Ask, "Cancelled");
        assert_eq!(outcome([FallsBack, Declined, cancelled], Asked), one_of(["Cancelled"]));
    }

    #[test]
    fn what_is_refused_begins_nothing() {
        assert_eq!(outcome([Refused, Anything(Step::Hold)], Asked), Outcome::Nothing);
    }
}
