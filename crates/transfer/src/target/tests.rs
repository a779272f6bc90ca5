use proptest::prelude::*;

use super::*;

fn check(policy: &TargetPolicy, uri: &str) -> Result<String, TargetRefusal> {
    let uri = Uri::parse(uri).expect("invariant: a literal of the test");
    policy.check(&uri).map(|target| target.to_string())
}

fn refused(uri: &str) -> Option<TargetRefusal> {
    check(&TargetPolicy::default(), uri).err()
}

#[test]
fn only_schemes_that_can_be_called_pass() {
    for uri in [
        "http://192.0.2.1/",
        "mailto:a@example.com",
        "file:///etc/passwd",
        "urn:service:sos",
        "tel:+15551234",
    ] {
        assert_eq!(refused(uri), Some(TargetRefusal::Scheme), "{uri}");
    }
    assert_eq!(TargetRefusal::Scheme.status(), StatusCode::BAD_REQUEST);
    assert_eq!(refused("sip:carol@example.com"), None);
    assert_eq!(
        check(&TargetPolicy::default(), "sips:carol@example.com").as_deref(),
        Ok("sips:carol@example.com")
    );
}

#[test]
fn a_tel_number_becomes_a_user_at_the_gateway() {
    // covers: EC-41
    let policy = TargetPolicy {
        gateway: Some("gw.example.com:5080".parse().expect("invariant: a literal of the test")),
        ..TargetPolicy::default()
    };
    assert_eq!(
        check(&policy, "tel:+1-(555)-12.34;ext=9").as_deref(),
        Ok("sip:+15551234@gw.example.com:5080;user=phone")
    );
    assert_eq!(check(&policy, "tel:+882-99"), Err(TargetRefusal::Number));
    for bad in ["", "a@b", "gw.example.com;x=1", "gw.example.com?a=b", "gw example"] {
        assert!(bad.parse::<UriHost>().is_err(), "{bad}");
    }
}

#[test]
fn hosts_that_are_not_for_strangers_are_refused() {
    // covers: SEC-04
    for uri in [
        "sip:x@127.0.0.1:22;transport=tcp",
        "sip:x@10.0.0.1",
        "sip:x@192.168.1.1",
        "sip:x@169.254.169.254",
        "sip:x@0.0.0.0",
        "sip:x@224.0.1.75",
        "sip:x@255.255.255.255",
        "sip:x@[::1]",
        "sip:x@[::]",
        "sip:x@[fe80::1]",
        "sip:x@[fd00::1]",
        "sip:x@[::ffff:127.0.0.1]",
        "sip:x@localhost",
        "sip:x@LOCALHOST.",
        "sip:x@phone.localhost",
        "sip:x@2130706433",
        "sip:x@0x7f000001",
        "sip:x@a..example",
        "sip:x@example.com;maddr=127.0.0.1",
        "sip:x@example.com;maddr=[::1]",
        "sip:x@example.com;maddr=localhost",
        "sip:x@example.com;maddr",
        "sips:x@example.com;maddr=2130706433",
    ] {
        assert_eq!(refused(uri), Some(TargetRefusal::Host), "{uri}");
    }
    // What some readers take for an address is no URI at all.
    for uri in ["sip:x@127.1", "sip:x@0x7f.1", "sip:x@0177.0.0.1"] {
        assert!(Uri::parse(uri).is_err(), "{uri}");
    }
    for uri in [
        "sip:x@203.0.113.5",
        "sip:x@[2001:db8::5]:5080",
        "sip:x@example.com.",
        "sip:x@example.com;maddr=192.0.2.7",
    ] {
        assert_eq!(refused(uri), None, "{uri}");
    }
    let listed = TargetPolicy {
        networks: vec!["127.0.0.0/8".parse().expect("invariant: a literal of the test")],
        ..TargetPolicy::default()
    };
    assert!(check(&listed, "sip:x@127.0.0.1:5070").is_ok());
    assert_eq!(check(&listed, "sip:x@10.0.0.1"), Err(TargetRefusal::Host));
}

#[test]
fn our_own_listeners_are_not_called_even_in_a_listed_network() {
    // covers: EC-74
    let policy = TargetPolicy {
        networks: vec!["127.0.0.0/8".parse().expect("invariant: a literal of the test")],
        own: vec![
            "127.0.0.1:5070".parse().expect("invariant: a literal of the test"),
            "192.0.2.1:5060".parse().expect("invariant: a literal of the test"),
            "0.0.0.0:5090".parse().expect("invariant: a literal of the test"),
        ],
        ..TargetPolicy::default()
    };
    assert_eq!(check(&policy, "sip:x@127.0.0.1:5070"), Err(TargetRefusal::Ourselves));
    assert_eq!(check(&policy, "sip:x@192.0.2.1"), Err(TargetRefusal::Ourselves));
    assert_eq!(check(&policy, "sip:x@127.0.0.9:5090"), Err(TargetRefusal::Ourselves));
    assert_eq!(check(&policy, "sip:x@example.com;maddr=192.0.2.1"), Err(TargetRefusal::Ourselves));
    assert!(check(&policy, "sip:x@127.0.0.1:5071").is_ok());
    assert!(check(&policy, "sips:x@192.0.2.1").is_ok());
    // Who listens on every address is reached at loopback; at another address somebody else may be.
    assert!(check(&policy, "sip:x@192.0.2.7:5090").is_ok());
    assert!(check(&policy, "sip:x@127.0.0.1:5060").is_ok());
}

#[test]
fn user_parts_that_could_mean_something_to_a_dial_plan_are_refused() {
    // covers: SEC-03
    let longest = format!("sip:{}@example.com", "9".repeat(USER_MAX));
    let longer = format!("sip:{}@example.com", "9".repeat(USER_MAX + 1));
    for uri in [
        "sip:100&200@example.com",
        "sip:1,w@example.com",
        "sip:%24%7BEXTEN%7D@example.com",
        "sip:a%20b@example.com",
        "sip:a%0d%0ab@example.com",
        "sip:1%00@example.com",
        "sip:a;b=c@example.com",
        "sip:a/b@example.com",
        "sip:+1(555)@example.com",
        "sip:a:secret@example.com",
        &longer,
    ] {
        assert_eq!(refused(uri), Some(TargetRefusal::User), "{uri}");
    }
    for uri in [
        "sip:Alice.B_c-1@example.com",
        "sip:+4930123@example.com",
        "sip:*98%23@example.com",
        "sip:%61lice@example.com",
        "sip:example.com",
        &longest,
    ] {
        assert_eq!(refused(uri), None, "{uri}");
    }
    let opaque = TargetPolicy { users: UserRule::Opaque, ..TargetPolicy::default() };
    assert!(check(&opaque, "sip:a;b=c&d@example.com").is_ok());
    assert_eq!(check(&opaque, "sip:a%0d%0ab@example.com"), Err(TargetRefusal::User));
}

#[test]
fn what_was_checked_of_a_user_part_is_what_is_called() {
    // covers: SEC-03
    for (uri, called) in [
        ("sip:%63arol@example.com;transport=tcp", "sip:carol@example.com;transport=tcp"),
        ("sip:%2B49%330@example.com", "sip:+4930@example.com"),
        ("sip:*98%23@example.com", "sip:*98%23@example.com"),
        ("sip:carol@example.com;x=%63", "sip:carol@example.com;x=%63"),
    ] {
        assert_eq!(check(&TargetPolicy::default(), uri).as_deref(), Ok(called), "{uri}");
    }
    // What means something else without its escape keeps it.
    let opaque = TargetPolicy { users: UserRule::Opaque, ..TargetPolicy::default() };
    assert_eq!(
        check(&opaque, "sip:%61%3Bb%40%c3%a4@example.com").as_deref(),
        Ok("sip:a%3Bb%40%c3%a4@example.com")
    );
}

#[test]
fn costly_numbers_are_refused_in_every_spelling() {
    // covers: SEC-02
    for uri in [
        "sip:+88299@example.com",
        "sip:0088299@example.com",
        "sip:01188299@example.com",
        "sip:+8-82.99@example.com",
        "sip:%2B88299@example.com",
        "sip:.+88299@example.com",
        "sip:-0088299@example.com",
    ] {
        assert_eq!(refused(uri), Some(TargetRefusal::Number), "{uri}");
    }
    assert_eq!(refused("sip:+4930123@example.com"), None);
    let national = TargetPolicy {
        allowed_numbers: vec!["+49".into(), "+8821".into(), "1".into()],
        ..TargetPolicy::default()
    };
    assert!(check(&national, "sip:004930123@example.com").is_ok());
    assert!(check(&national, "sip:+882199@example.com").is_ok());
    assert!(check(&national, "sip:100@example.com").is_ok());
    assert!(check(&national, "sip:alice@example.com").is_ok());
    assert_eq!(check(&national, "sip:+882299@example.com"), Err(TargetRefusal::Number));
    assert_eq!(check(&national, "sip:+1555@example.com"), Err(TargetRefusal::Number));
}

#[test]
fn a_costly_number_is_not_hidden_by_what_follows_it() {
    // covers: SEC-02
    for uri in [
        "sip:+882123456w@example.com",
        "sip:+882123456_1@example.com",
        "sip:+8w82123456@example.com",
        "sip:00+882123456@example.com",
        "sip:+882123456p1;user=phone@example.com",
        "sip:w882123456@example.com;user=phone",
        "sip:+882123456x@example.com;user=PHONE",
    ] {
        let opaque = TargetPolicy { users: UserRule::Opaque, ..TargetPolicy::default() };
        assert_eq!(check(&opaque, uri), Err(TargetRefusal::Number), "{uri}");
    }
    for uri in ["sip:+882123456w@example.com", "sip:+8w82123456@example.com"] {
        assert_eq!(refused(uri), Some(TargetRefusal::Number), "{uri}");
    }
    let opaque = TargetPolicy { users: UserRule::Opaque, ..TargetPolicy::default() };
    assert_eq!(check(&opaque, "sip:+882123;phone-context=x@example.com"), Err(TargetRefusal::Number));
    let gateway = TargetPolicy {
        gateway: Some("gw.example.com".parse().expect("invariant: a literal of the test")),
        ..TargetPolicy::default()
    };
    assert_eq!(check(&gateway, "tel:+882123456p"), Err(TargetRefusal::Number));
    // An allow-list is not passed by with a letter either, and names stay names.
    let national = TargetPolicy { allowed_numbers: vec!["+49".into()], ..TargetPolicy::default() };
    assert_eq!(check(&national, "sip:+1555w@example.com"), Err(TargetRefusal::Number));
    assert_eq!(check(&national, "sip:5alice@example.com"), Err(TargetRefusal::Number));
    assert!(check(&national, "sip:+4930w9@example.com").is_ok());
    assert!(check(&national, "sip:alice5@example.com").is_ok());
    assert_eq!(refused("sip:5alice@example.com"), None);
}

#[test]
fn a_local_number_with_a_context_is_not_called_without_it() {
    let policy = TargetPolicy {
        gateway: Some("gw.example.com".parse().expect("invariant: a literal of the test")),
        ..TargetPolicy::default()
    };
    for uri in
        ["tel:1234;phone-context=+882", "tel:1234;phone-context=example.net", "tel:1234;Phone-Context=+49"]
    {
        assert_eq!(check(&policy, uri), Err(TargetRefusal::Number), "{uri}");
    }
    assert_eq!(check(&policy, "tel:1234").as_deref(), Ok("sip:1234@gw.example.com;user=phone"));
    assert_eq!(TargetRefusal::Number.status(), StatusCode::FORBIDDEN);
}

#[test]
fn headers_and_method_do_not_reach_the_request_uri() {
    // covers: TR-135
    let uri = "sip:carol@example.com;transport=tcp;method=INVITE;lr?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc";
    let target = check(&TargetPolicy::default(), uri).expect("invariant: a literal of the test");
    assert!(!target.contains('?') && !target.contains("method"), "{target}");
    assert!(target.contains("transport=tcp"), "{target}");
}

proptest! {
    #[test]
    fn whatever_is_permitted_can_be_called(text in "(sip|sips|tel|http):[a-z0-9%@:;=.?&+\\[\\]]{0,40}") {
        if let Ok(uri) = Uri::parse(&text)
            && let Ok(target) = TargetPolicy::default().check(&uri)
        {
            let target = target.as_uri();
            prop_assert!(target.is_sip());
            prop_assert!(!target.has_headers() && target.param("method").is_none());
            prop_assert!(target.host().ip().is_none_or(is_public));
        }
    }
}

#[test]
fn premium_numbers_are_refused_unless_they_are_listed() {
    // covers: SEC-02
    for number in
        ["+19005551234", "+49900123456", "0044909879879", "+3389123456", "01161190123456", "+882161234"]
    {
        let uri = format!("sip:{number}@example.com");
        assert_eq!(refused(&uri), Some(TargetRefusal::Number), "{number}");
        let plus = number.strip_prefix("011").or_else(|| number.strip_prefix("00"));
        let plus = plus.map_or_else(|| number.to_owned(), |rest| format!("+{rest}"));
        let listed = TargetPolicy { allowed_numbers: vec![plus.into()], ..TargetPolicy::default() };
        assert!(check(&listed, &uri).is_ok(), "{number}");
    }
    assert_eq!(refused("sip:+4930123456@example.com"), None);
}

#[test]
fn with_a_home_country_no_number_of_another_one_is_called_unless_it_is_listed() {
    // covers: SEC-02
    let home = |code: &str, allowed: &[&str]| TargetPolicy {
        home: Some(code.into()),
        allowed_numbers: allowed.iter().map(|prefix| Box::from(*prefix)).collect(),
        ..TargetPolicy::default()
    };
    let calls =
        |policy: &TargetPolicy, number: &str| check(policy, &format!("sip:{number}@example.com")).is_ok();
    let german = home("+49", &[]);
    for number in ["+4930123456", "030123456", "004930123456", "4711", "110", "carol"] {
        assert!(calls(&german, number), "{number}");
    }
    // Abroad, and premium as it is dialled within the country.
    for number in ["+33123456789", "0033123456789", "+15551234567", "0900123456", "+49900123456"] {
        assert!(!calls(&german, number), "{number}");
    }
    let american = home("+1", &[]);
    for (number, called) in [
        ("15551234567", true),
        ("5551234567", true),
        ("19005551234", false),
        ("9005551234", false),
        ("411", true),
    ] {
        assert_eq!(calls(&american, number), called, "{number}");
    }
    // A feature code may lead anywhere; 011 leads abroad within +1 only; Italy keeps the 0.
    assert!(!calls(&german, "*31%230033123456789") && calls(&home("+49", &["*31"]), "*31%234711"));
    assert!(!calls(&american, "01133123456789") && calls(&home("+44", &[]), "01172345678"));
    let italian = home("+39", &["+3906"]);
    assert!(calls(&italian, "0612345678") && !calls(&italian, "0212345678"));
    let both = home("+49", &["+33", "0900"]);
    for (number, called) in
        [("+33123456789", true), ("0900123456", true), ("+39061234", false), ("030123456", false)]
    {
        assert_eq!(calls(&both, number), called, "{number}");
    }
}
