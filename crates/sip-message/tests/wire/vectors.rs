//! Headers of attended transfers as they are written, byte for byte (the catalogue's §8), and read back.

use sip_message::{Draft, HeaderId, Message, Method, NameAddrBuf, ReferTo, Replaces, TargetDialog, UriBuf};

const CONTACT: &str = "sip:carol@198.51.100.9:5062;transport=tcp";

const ESCAPED: &str = "9f2c%40192.0.2.7%3Bto-tag%3Dk3%3Bfrom-tag%3Dp8";

fn contact() -> UriBuf {
    CONTACT.parse().unwrap()
}

/// The consultation call from the target's side: its tag is the to-tag, whoever placed the call.
fn replaces() -> Replaces {
    Replaces::new("9f2c@192.0.2.7", "k3", "p8").unwrap()
}

#[test]
fn refer_to_is_written_as_the_vectors_have_it() {
    // covers: TR-130, EC-31, EC-33
    let whole = replaces().to_string();
    let early = replaces().with_early_only(true).to_string();
    for (headers, suffix) in [
        (vec![("Replaces", whole.as_str())], ""),
        (vec![("Replaces", early.as_str())], "%3Bearly-only"),
        (vec![("Replaces", whole.as_str()), ("Require", "replaces")], "&Require=replaces"),
    ] {
        let uri = contact().with_headers(headers).unwrap();
        let value = NameAddrBuf::new(uri).to_string();
        assert_eq!(value, format!("<{CONTACT}?Replaces={ESCAPED}{suffix}>"));
        let refer = Draft::request(Method::Refer, "sip:bob@203.0.113.9")
            .header(HeaderId::From, "<sip:alice@192.0.2.7>;tag=a1")
            .header(HeaderId::To, "<sip:bob@203.0.113.9>;tag=b1")
            .header(HeaderId::CallId, "77ab@192.0.2.7")
            .header(HeaderId::CSeq, "2 REFER")
            .header(HeaderId::ReferTo, &value)
            .encode("SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1", None)
            .unwrap();
        let refer = Message::parse(refer).unwrap();
        let refer_to = refer.refer_to().unwrap();
        assert_eq!(refer_to.target().as_str(), CONTACT);
        assert_eq!(refer_to.replaces, Some(replaces().with_early_only(suffix == "%3Bearly-only")));
    }
}

#[test]
fn the_triggered_invite_carries_what_the_refer_to_said() {
    // covers: TR-135, EC-35
    let value = format!("<{CONTACT}?Replaces={ESCAPED}>");
    let refer_to = ReferTo::parse(&value).unwrap();
    let invite = Draft::request(Method::Invite, refer_to.target().as_str())
        .header(HeaderId::From, "<sip:bob@203.0.113.9>;tag=b2")
        .header(HeaderId::To, format_args!("<{}>", refer_to.target()))
        .header(HeaderId::CallId, "33")
        .header(HeaderId::CSeq, "1 INVITE")
        .header(HeaderId::Replaces, refer_to.replaces.as_ref().unwrap())
        .encode("SIP/2.0/TCP 203.0.113.9;branch=z9hG4bK1", None)
        .unwrap();
    let text = crate::text(&invite);
    assert!(text.starts_with(&format!("INVITE {CONTACT} SIP/2.0\r\n")), "{text}");
    assert!(text.contains("\r\nReplaces: 9f2c@192.0.2.7;to-tag=k3;from-tag=p8\r\n"), "{text}");
    assert_eq!(Message::parse(invite.clone()).unwrap().replaces().unwrap(), Some(replaces()));
}

#[test]
fn a_uri_that_has_headers_and_a_method_gets_the_new_ones_only() {
    let with = |uri: &str| {
        let uri: UriBuf = uri.parse().unwrap();
        uri.with_headers([("Replaces", "a@b;to-tag=1;from-tag=2")]).unwrap().to_string()
    };
    let escaped = "Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2";
    assert_eq!(with("sip:c@h;method=BYE;lr?Subject=x"), format!("sip:c@h;lr?{escaped}"));
    assert_eq!(with("sips:[2001:db8::9]:5061"), format!("sips:[2001:db8::9]:5061?{escaped}"));
    assert_eq!(with("sip:us%25er@h"), format!("sip:us%25er@h?{escaped}"));
    // These hold none.
    assert_eq!(with("tel:+4930123"), "tel:+4930123");
    assert_eq!(with("urn:service:sos"), "urn:service:sos");
    assert_eq!(contact().with_headers([]).unwrap(), contact());
    // Line ends stay escaped, so that they reach nobody as such.
    let hostile = contact().with_headers([("Subject", "a\r\nX: y\0")]).unwrap();
    assert_eq!(hostile.as_str(), format!("{CONTACT}?Subject=a%0D%0AX%3A%20y%00"));
    assert!(ReferTo::parse(&format!("<{hostile}>")).is_err());
}

#[test]
fn target_dialog_is_seen_from_its_recipient() {
    // `r1` is the recipient's own tag, `t1` the sender's.
    let target = TargetDialog::new("77ab@192.0.2.7", "r1", "t1").unwrap();
    assert_eq!(target.to_string(), "77ab@192.0.2.7;local-tag=r1;remote-tag=t1");
    assert_eq!(TargetDialog::parse(&target.to_string()), Ok(target));
}
