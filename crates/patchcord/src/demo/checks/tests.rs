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
fn who_should_have_no_call_must_have_none() {
    let party = |in_call, hears_hz| PartyReport {
        party: "alice",
        name: "Alice",
        heard_before_hz: None,
        hears_hz,
        expected_hz: None,
        longest_silence_ms: None,
        in_call,
    };
    let check = at_the_end(ALICE, expected(Scenario::Blind)[ALICE], &party(false, None));
    assert_eq!((check.what.as_str(), check.ok), ("at the end: Alice has no call", true));
    assert!(!at_the_end(ALICE, None, &party(true, None)).ok);
    let check = at_the_end(ALICE, expected(Scenario::TargetBusy)[ALICE], &party(true, Some(660)));
    assert_eq!((check.what.as_str(), check.ok), ("at the end: Alice hears Bob (660 Hz)", true));
}
