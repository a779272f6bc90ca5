use super::*;
use crate::demo::parties::CAROL;

#[test]
fn a_tone_is_right_within_the_resolution_and_silence_only_where_it_is_expected() {
    for (expected, found, ok) in [
        (Some(880), Some(880), true),
        (Some(880), Some(895), true),
        (Some(880), Some(896), false),
        (Some(880), Some(660), false),
        (Some(880), None, false),
        (None, None, true),
        (None, Some(440), false),
    ] {
        assert_eq!(tone(String::new(), expected, found).ok, ok, "{expected:?} {found:?}");
    }
}

#[test]
fn what_was_not_measured_is_not_ok() {
    assert!(!within("x", None, 10.0).ok);
    assert!(within("x", Some(10.0), 10.0).ok);
    assert!(!within("x", Some(10.1), 10.0).ok);
    assert!(!nothing_left(&Played::default()).ok);
}

#[test]
fn each_party_hears_whom_it_should() {
    let found = |in_call, hz| HeardReport { phase: "", hz, expected_hz: None, in_call };
    let check = |hears, found| {
        let check = heard(Phase::Consulting, "Carol", hears, found);
        (check.what, check.ok)
    };
    let (what, ok) = check(Hears::NoCall, found(false, None));
    assert_eq!((what.as_str(), ok), ("consulting: Carol has no call", true));
    assert!(!check(Hears::NoCall, found(true, None)).1);
    let (what, ok) = check(Hears::Nothing, found(true, None));
    assert_eq!((what.as_str(), ok), ("consulting: Carol, on hold, hears nothing", true));
    assert!(!check(Hears::Nothing, found(true, Some(440))).1);
    assert!(!check(Hears::Nothing, found(false, None)).1, "who has no call is not on hold");
    let (what, ok) = check(Hears::Between, found(true, None));
    assert_eq!((what.as_str(), ok), ("consulting: Carol, between them, hears nothing", true));
    assert!(!check(Hears::Between, found(true, Some(440))).1);
    assert!(!check(Hears::Between, found(false, None)).1, "who has no call is not between two");
    let (what, ok) = check(Hears::Party(ALICE), found(true, Some(440)));
    assert_eq!((what.as_str(), ok), ("consulting: Carol hears Alice (440 Hz)", true));
    assert!(!check(Hears::Party(ALICE), found(true, Some(660))).1);
}

#[test]
fn what_is_wanted_of_an_outcome_is_said() {
    let words = |scenario| {
        let plots = crate::demo::plot::plots(scenario);
        plots.iter().map(|plot| wanted(plot.outcome)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(words(crate::args::Scenario::TargetSilent), "Recovered (408, 480 or 487), by notify");
    assert_eq!(words(crate::args::Scenario::ConsultBusy), "Recovered (486), by local");
}

#[test]
fn every_scenario_says_what_each_party_hears_and_fits_the_page() {
    for plot in crate::demo::plot::plots(crate::args::Scenario::All) {
        assert_eq!(plot.talks.first().map(|(phase, _)| *phase), Some(Phase::Before), "{}", plot.name);
        assert_eq!(plot.talks.last().map(|(phase, _)| *phase), Some(Phase::After), "{}", plot.name);
        assert_eq!(plot.moves(), plot.at_the_end()[CAROL] == Hears::Party(BOB), "{}", plot.name);
        for (phase, _) in plot.talks {
            assert_eq!(plot.talkers(*phase).count(), 2, "{}: two talk with each other", plot.name);
        }
        for line in &plot.story {
            assert!(line.chars().count() <= 98, "{line}");
        }
    }
}
