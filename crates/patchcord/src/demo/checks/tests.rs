use super::*;

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
fn the_end_of_each_scenario_is_said_in_names() {
    assert_eq!(at_the_end(BOB, expected(Scenario::Blind)[BOB]), "at the end: Bob hears Carol");
    assert_eq!(at_the_end(ALICE, expected(Scenario::Blind)[ALICE]), "at the end: Alice hears nothing");
    assert_eq!(at_the_end(ALICE, expected(Scenario::TargetBusy)[ALICE]), "at the end: Alice hears Bob");
}
