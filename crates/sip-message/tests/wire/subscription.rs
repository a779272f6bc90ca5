use sip_message::{Event, ParseErrorKind, SubReason, SubState, SubscriptionState};

use crate::request_with;

#[test]
fn subscription_states_are_read() {
    for (value, state, expires, reason, retry_after) in [
        ("active;expires=60", SubState::Active, Some(60), None, None),
        ("active", SubState::Active, None, None, None),
        ("pending;expires=60", SubState::Pending, Some(60), None, None),
        ("terminated;reason=noresource", SubState::Terminated, None, Some(SubReason::Noresource), None),
        ("terminated", SubState::Terminated, None, None, None),
        (
            "terminated;reason=timeout;retry-after=5",
            SubState::Terminated,
            None,
            Some(SubReason::Timeout),
            Some(5),
        ),
        ("TERMINATED;Reason=NoResource", SubState::Terminated, None, Some(SubReason::Noresource), None),
        ("foo;expires=1", SubState::Other, Some(1), None, None),
        ("active;expires=0", SubState::Active, Some(0), None, None),
        (
            "terminated;reason=reason=noresource",
            SubState::Terminated,
            None,
            Some(SubReason::Noresource),
            None,
        ),
        ("terminated;reason=", SubState::Terminated, None, None, None),
        ("terminated;reason", SubState::Terminated, None, None, None),
        ("terminated;expires=60;reason=foo", SubState::Terminated, Some(60), Some(SubReason::Other), None),
        (" active ; expires = 7 ", SubState::Active, Some(7), None, None),
        ("active;expires=x", SubState::Active, None, None, None),
        ("active;expires=99999999999", SubState::Active, Some(u32::MAX), None, None),
    ] {
        let parsed = SubscriptionState::parse(value).unwrap_or_else(|error| panic!("{value}: {error}"));
        assert_eq!((parsed.state, parsed.expires), (state, expires), "{value}");
        assert_eq!((parsed.reason, parsed.retry_after), (reason, retry_after), "{value}");
    }
    for value in ["", ";expires=1", "two words", "active expires=1", "active;=1"] {
        assert!(SubscriptionState::parse(value).is_err(), "{value}");
    }
}

#[test]
fn every_named_reason_is_known() {
    for (text, reason) in [
        ("deactivated", SubReason::Deactivated),
        ("probation", SubReason::Probation),
        ("rejected", SubReason::Rejected),
        ("timeout", SubReason::Timeout),
        ("giveup", SubReason::Giveup),
        ("noresource", SubReason::Noresource),
        ("invariant", SubReason::Invariant),
    ] {
        let value = format!("terminated;reason={text}");
        assert_eq!(SubscriptionState::parse(&value).unwrap().reason, Some(reason));
        assert_eq!(reason.as_str(), text);
    }
    let other = SubscriptionState::parse("terminated;reason=Foo").unwrap();
    assert_eq!((other.reason, other.reason_text), (Some(SubReason::Other), Some("Foo")));
}

#[test]
fn missing_and_double_states_are_told_apart() {
    assert_eq!(request_with("NOTIFY", "").subscription_state(), Ok(None));
    let double = request_with("NOTIFY", "Subscription-State: active\nSubscription-State: terminated\n");
    assert_eq!(double.subscription_state().unwrap_err().kind(), ParseErrorKind::Duplicate);
}

#[test]
fn events_are_read() {
    for (line, package, id) in [
        ("Event: refer", "refer", None),
        ("Event: refer;id=93809823", "refer", Some("93809823")),
        ("Event: Refer", "Refer", None),
        ("o: refer", "refer", None),
        ("Event: presence.winfo;x=y", "presence.winfo", None),
    ] {
        let notify = request_with("NOTIFY", &format!("{line}\n"));
        let event = notify.event().unwrap().unwrap();
        assert_eq!((event.package, event.id), (package, id), "{line}");
        assert_eq!(event.is("refer"), package.eq_ignore_ascii_case("refer"));
    }
    assert_eq!(Event::parse("refer;id=1").unwrap().to_string(), "refer;id=1");
    for value in ["refer;id=", "refer;id", "", "refer, x", "re fer", "refer;id=a b"] {
        assert!(Event::parse(value).is_err(), "{value}");
    }
}

#[test]
fn refer_sub_is_true_or_false_and_nothing_else() {
    // covers: TR-073
    let refer_sub = |value: &str| request_with("REFER", &format!("Refer-Sub: {value}\n")).refer_sub();
    assert_eq!(refer_sub("true"), Ok(Some(true)));
    assert_eq!(refer_sub("FALSE"), Ok(Some(false)));
    assert_eq!(refer_sub("false ; x=y"), Ok(Some(false)));
    assert_eq!(request_with("REFER", "").refer_sub(), Ok(None));
    for value in ["maybe", "", "0", "false true", "false, true"] {
        assert_eq!(refer_sub(value).unwrap_err().status().as_u16(), 400, "{value}");
    }
}
