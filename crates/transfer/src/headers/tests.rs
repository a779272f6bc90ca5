use dialog_core::LegId;
use proptest::prelude::*;
use sip_message::Replaces;

use super::*;

fn refer(headers: &[(&str, &str)]) -> IncomingRefer {
    let replaces = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("Replaces"))
        .map(|(_, value)| Replaces::parse(value).expect("invariant: a literal of the test"));
    IncomingRefer {
        leg: Some(LegId::from(1)),
        in_dialog: true,
        from: "<sip:bob@example.com>".parse().expect("invariant: a literal of the test"),
        verified_name: None,
        source: ([192, 0, 2, 9], 5060).into(),
        verified_user: None,
        target: "sip:carol@example.com".parse().expect("invariant: a literal of the test"),
        method: None,
        replaces,
        headers: headers.iter().map(|(name, value)| (Box::from(*name), Box::from(*value))).collect(),
        referred_by: None,
        referred_by_text: None,
        privacy: None,
        reports_to: None,
        suppress: false,
    }
}

fn taken(headers: &[(&str, &str)]) -> Result<Vec<String>, StatusCode> {
    for_invite(&refer(headers), &[])
        .map(|headers| headers.known.iter().map(|(id, value)| format!("{}: {value}", id.name())).collect())
}

fn known(refer: &IncomingRefer) -> Result<Vec<(HeaderId, Box<str>)>, StatusCode> {
    for_invite(refer, &[]).map(|headers| headers.known)
}

#[test]
fn hostile_headers_of_the_uri_are_dropped_one_by_one() {
    // covers: TR-133, SEC-05
    for name in [
        "From",
        "f",
        "To",
        "t",
        "Call-ID",
        "i",
        "CSeq",
        "Via",
        "v",
        "Record-Route",
        "Route",
        "Max-Forwards",
        "Contact",
        "m",
        "Allow",
        "Accept",
        "Accept-Language",
        "Supported",
        "k",
        "User-Agent",
        "Organization",
        "Authorization",
        "Proxy-Authorization",
        "Content-Type",
        "Content-Length",
        "l",
        "P-Asserted-Identity",
        "Identity",
        "Join",
        "Call-Info",
        "Refer-To",
        "Event",
        "Expires",
        "X-Anything",
        "Not A Token",
    ] {
        assert_eq!(taken(&[(name, "evil")]), Ok(Vec::new()), "{name}");
    }
    assert_eq!(taken(&[("body", "v=0")]), Err(StatusCode::BAD_REQUEST));
    assert_eq!(taken(&[("Body", "")]), Err(StatusCode::BAD_REQUEST));
    assert_eq!(
        taken(&[
            ("Subject", "hello"),
            ("User-to-User", "00;encoding=hex"),
            ("reason", "SIP;cause=302"),
            ("From", "x")
        ]),
        Ok(vec![
            "Subject: hello".into(),
            "User-to-User: 00;encoding=hex".into(),
            "Reason: SIP;cause=302".into()
        ])
    );
}

#[test]
fn only_known_options_may_be_required() {
    // covers: TR-134
    for value in ["100rel", "replaces,100rel", "", "replaces,"] {
        assert_eq!(taken(&[("Require", value)]), Err(StatusCode::BAD_REQUEST), "{value}");
    }
    assert_eq!(taken(&[("require", "Replaces")]), Ok(vec!["Require: Replaces".into()]));
}

#[test]
fn replaces_is_copied_once() {
    let value = "call@host;to-tag=a;from-tag=b";
    assert_eq!(taken(&[("replaces", value)]), Ok(vec!["Replaces: call@host;to-tag=a;from-tag=b".into()]));
    assert_eq!(taken(&[("Replaces", value), ("replaces", value)]), Err(StatusCode::BAD_REQUEST));
}

#[test]
fn control_characters_are_refused() {
    // covers: TR-138, SEC-05
    for value in ["a\r\nEvil: yes", "a\nb", "a\rb", "a\0b", "a\u{7f}b", "a\u{85}b"] {
        assert_eq!(taken(&[("Subject", value)]), Err(StatusCode::BAD_REQUEST), "{value:?}");
    }
    let mut with_text = refer(&[]);
    with_text.referred_by_text = Some("<sip:bob@example.com>\r\nEvil: yes".into());
    assert_eq!(for_invite(&with_text, &[]), Err(StatusCode::BAD_REQUEST));
}

#[test]
fn the_referrers_own_words_are_copied_unmodified_and_win_over_the_uri() {
    // covers: TR-141, TR-174
    let text = "\"Bob\"  <sip:bob@example.com;x=1>;cid=\"1@host\"";
    let mut with_text = refer(&[("Referred-By", "<sip:mallory@example.com>")]);
    with_text.referred_by_text = Some(text.into());
    assert_eq!(known(&with_text), Ok(vec![(HeaderId::ReferredBy, text.into())]));
    assert_eq!(
        taken(&[("Referred-By", "<sip:bob@example.com>")]),
        Ok(vec!["Referred-By: <sip:bob@example.com>".into()])
    );
    assert_eq!(taken(&[("Referred-By", "nonsense")]), Ok(Vec::new()));
    let mut folded = refer(&[]);
    folded.referred_by_text = Some("<sip:bob@example.com>\r\n ;cid=\"1@host\"".into());
    assert_eq!(
        known(&folded),
        Ok(vec![(HeaderId::ReferredBy, "<sip:bob@example.com> ;cid=\"1@host\"".into())])
    );
}

#[test]
fn values_are_taken_up_to_the_limit() {
    let longest = "x".repeat(URI_HEADER_MAX);
    assert!(taken(&[("Subject", &longest)]).is_ok());
    assert_eq!(taken(&[("Subject", &(longest + "x"))]), Err(StatusCode::BAD_REQUEST));
}

proptest! {
    #[test]
    fn nothing_that_breaks_a_line_is_ever_taken(name in "[A-Za-z-]{1,12}|X-Account|Privacy|Subject|Reason|Referred-By|Require|b|s", value in any::<String>()) {
        let refer = IncomingRefer { headers: vec![(name.into(), value.into())], ..refer(&[]) };
        if let Ok(headers) = for_invite(&refer, &["X-Account".into()]) {
            let values = headers.known.iter().map(|(_, value)| value);
            for value in values.chain(headers.extensions.iter().map(|(_, value)| value)) {
                prop_assert!(!value.contains(['\r', '\n', '\0']));
            }
        }
    }
}
