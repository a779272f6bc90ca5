//! What the headers about addresses, callers and preferences say beyond what they print.

use sip_message::{
    AddressBuf, BuildError, ChargingVector, Contact, Diversion, FeatureSet, GeolocationError, HistoryInfo,
    HistoryTarget, Identity, NameAddr, NameAddrBuf, ParamsBuf, ParseErrorKind, Privacy, ReferredBy,
    RemotePartyId, ResourcePriority, SecurityMechanism, SessionId, TokenParams, UriReference, UserToUser,
    header,
};

use crate::request_with;

#[test]
fn contact_gives_preference_in_thousandths_and_lifetime_in_seconds() {
    let q = |text| Contact::parse(text).unwrap().q();
    assert_eq!(q("<sip:a@h>;q=0.7"), Some(700));
    assert_eq!(q("<sip:a@h>;q=1"), Some(1000));
    assert_eq!(q("<sip:a@h>;q=0."), Some(0));
    assert_eq!(q("<sip:a@h>;q=0.005"), Some(5));
    assert_eq!(q("<sip:a@h>"), None);
    let expires = |text| Contact::parse(text).unwrap().expires();
    assert_eq!(expires("<sip:a@h>;ExPiReS=60"), Some(60));
    assert_eq!(expires("<sip:a@h>;expires=99999999999"), Some(u32::MAX));
    assert_eq!(expires("<sip:a@h>;expires=soon"), Some(3600), "RFC 3261 §10.2");
    assert_eq!(expires("<sip:a@h>;expires"), Some(3600), "RFC 3261 §10.2");
    assert_eq!(expires("<sip:a@h>"), None);
    let star = Contact::parse("*").unwrap();
    assert_eq!((star.address(), star.q(), star.expires()), (None, None, None));
}

#[test]
fn referred_by_names_the_body_part_that_proves_it() {
    let cid = |text| ReferredBy::parse(text).unwrap().cid().map(std::borrow::Cow::into_owned);
    assert_eq!(
        cid(r#"<sip:r@ref.example>;cid="2UWQFN309shb3@ref.example""#).as_deref(),
        Some("2UWQFN309shb3@ref.example")
    );
    assert_eq!(cid("sip:r@ref.example;cid=1@h").as_deref(), Some("1@h"));
    assert_eq!(cid("sip:r@ref.example"), None);
}

#[test]
fn references_keep_the_parameters_of_uri_and_header_apart() {
    let info = UriReference::parse("<sip:a@h;x=1>;purpose=icon").unwrap();
    assert_eq!((info.purpose(), info.uri.param("x")), (Some("icon"), Some(Some("1"))));
}

#[test]
fn the_text_of_a_location_error_and_the_name_of_a_network_are_plain() {
    let error = GeolocationError::parse(r#"201 ; Code="Permission \"To\" Retransmit""#).unwrap();
    assert_eq!((error.code, error.text().as_deref()), (201, Some("Permission \"To\" Retransmit")));
    assert_eq!(GeolocationError::parse("300").unwrap().text(), None);
    let register =
        request_with("REGISTER", "P-Visited-Network-ID: other.net,\"Visited network, number 1\"\n");
    let names: Vec<_> =
        register.values::<header::PVisitedNetworkId>().map(|network| network.unwrap().name()).collect();
    assert_eq!(names, ["other.net", "Visited network, number 1"]);
}

#[test]
fn asserted_identities_are_one_of_each_kind_at_most() {
    let invite = |lines: &str| request_with("INVITE", lines);
    let both = invite("P-Asserted-Identity: tel:+14085264000, \"C\" <sip:fluffy@cisco.com>\n");
    let identities = both.asserted_identities().unwrap();
    assert_eq!(identities.sip.unwrap().uri.as_str(), "sip:fluffy@cisco.com");
    assert_eq!(identities.tel.unwrap().uri.as_str(), "tel:+14085264000");
    assert_eq!(both.preferred_identities().unwrap(), sip_message::Identities::default());

    let lines = "P-Preferred-Identity: <sips:a@h>\nP-Preferred-Identity: <sip:b@h>\n";
    let twice = invite(lines);
    let error = twice.preferred_identities().unwrap_err();
    assert_eq!(error.kind(), ParseErrorKind::Duplicate);
    assert_eq!(error.header(), Some(sip_message::HeaderId::PPreferredIdentity));
    assert!(twice.bytes()[error.offset()..].starts_with(b"sip:b@h"));

    let other = invite("P-Asserted-Identity: <mailto:a@h>\n");
    assert_eq!(other.asserted_identities().unwrap_err().kind(), ParseErrorKind::Uri);
}

#[test]
fn remote_party_says_whose_it_is_and_what_to_hide() {
    let party = RemotePartyId::parse("<sip:a@h>;party=called;screen=YES;privacy=\"name,uri\"").unwrap();
    assert_eq!((party.party(), party.screen()), (Some("called"), Some(true)));
    assert_eq!(party.privacy().as_deref(), Some("name,uri"));
    let screen = |text| RemotePartyId::parse(text).unwrap().screen();
    assert_eq!(
        (screen("<sip:a@h>;screen=no"), screen("<sip:a@h>;screen=maybe"), screen("<sip:a@h>")),
        (Some(false), None, None)
    );
}

#[test]
fn privacy_has_words_in_any_case_and_with_either_separator() {
    let privacy = Privacy::parse("Header, id ;user").unwrap();
    assert!(privacy.has("header") && privacy.has("ID") && privacy.has("user") && !privacy.has("none"));
    assert_eq!(privacy.words().collect::<Vec<_>>(), ["Header", "id", "user"]);
}

#[test]
fn diversion_says_why_and_how_often() {
    let diversion =
        Diversion::parse(r#"<tel:+1>;reason="user-busy";counter=2;limit=5;privacy=full;screen="no""#)
            .unwrap();
    assert_eq!(diversion.reason().as_deref(), Some("user-busy"));
    assert_eq!((diversion.counter, diversion.limit), (Some(2), Some(5)));
    assert_eq!((diversion.privacy().as_deref(), diversion.screen().as_deref()), (Some("full"), Some("no")));
}

#[test]
fn history_gives_place_origin_and_reasons() {
    let entry = HistoryInfo::parse(
        "<sip:b@h?Privacy=history&Reason=SIP%3Bcause%3D302&reason=Q.850%3Bcause%3D17>;index=1.2.10;mp=1.1",
    )
    .unwrap();
    assert_eq!(entry.index, "1.2.10");
    assert_eq!(entry.target, Some(HistoryTarget::Mapped("1.1")));
    let reasons: Vec<_> = entry.reasons().map(Result::unwrap).collect();
    assert_eq!(reasons, ["SIP;cause=302", "Q.850;cause=17"]);
    assert!(entry.is_private());

    let plain = HistoryInfo::parse("<sip:b@h?Privacy=id%3Buser>;index=1;rc=1").unwrap();
    assert_eq!(plain.target, Some(HistoryTarget::RegisteredContact("1")));
    assert!(!plain.is_private() && plain.reasons().next().is_none());

    let reason = |text| HistoryInfo::parse(text).unwrap().reasons().next().unwrap().unwrap_err().kind();
    assert_eq!(reason("<sip:b@h?Reason=SIP%0D%0AVia%3A>;index=1"), ParseErrorKind::Injection);
    assert_eq!(reason("<sip:b@h?Reason=%FF>;index=1"), ParseErrorKind::Escape);
}

#[test]
fn user_data_is_decoded_when_it_is_hexadecimal() {
    let uui = UserToUser::parse("56A390f3;encoding=hex;purpose=isdn-uui;content=isdn-uui").unwrap();
    assert_eq!(uui.octets(), Some(vec![0x56, 0xa3, 0x90, 0xf3]));
    assert_eq!(
        (uui.encoding(), uui.purpose(), uui.content()),
        (Some("hex"), Some("isdn-uui"), Some("isdn-uui"))
    );
    let quoted = UserToUser::parse(r#""0a\ff";encoding=HEX"#).unwrap();
    assert_eq!(quoted.octets(), Some(vec![0x0a, 0xff]));
    let text = UserToUser::parse(r#""a \"b\"""#).unwrap();
    assert_eq!((text.text(), text.octets()), (r#"a "b""#.into(), None));
}

#[test]
fn every_value_of_user_data_is_read() {
    let invite =
        request_with("INVITE", "User-to-User: 01;encoding=hex, \"a,b\";purpose=x\nUser-to-User: c\n");
    let data: Vec<_> =
        invite.values::<header::UserToUser>().map(|uui| uui.unwrap().text().into_owned()).collect();
    assert_eq!(data, ["01", "a,b", "c"]);
}

#[test]
fn identity_keeps_the_token_and_gives_its_parameters() {
    let identity = Identity::parse("a.b-_.c=;info=<https://h/x;y=\"z>;alg=ES256;ppt=\"div\"");
    assert_eq!(
        identity.unwrap_err().kind(),
        ParseErrorKind::Uri,
        "a quote in the URI does not hide the bracket"
    );
    let identity = Identity::parse("a.b-_.c=;alg=ES256;Info=<https://h/x;y=z>;ppt=\"div\";x").unwrap();
    assert_eq!((identity.digest, identity.info.unwrap().as_str()), ("a.b-_.c=", "https://h/x;y=z"));
    assert_eq!((identity.alg(), identity.ppt()), (Some("ES256"), Some("div")));
    assert_eq!(identity.params().map(|(name, _)| name).collect::<Vec<_>>(), ["alg", "Info", "ppt", "x"]);
}

#[test]
fn identity_may_stand_more_than_once() {
    let lines = "Identity: a.b.c;info=<https://h/x>\nIdentity: d.e.f;info=<https://h/y>;ppt=div\n";
    let invite = request_with("INVITE", lines);
    assert_eq!(invite.check(), Ok(()), "RFC 8224 §4");
    assert_eq!(invite.values::<header::Identity>().filter_map(Result::ok).count(), 2);
}

#[test]
fn identity_counts_its_parameters() {
    let text = |count: usize| format!("a.b.c;info=<https://h/x>{}", ";p=1".repeat(count - 1));
    assert!(Identity::parse(&text(64)).is_ok());
    assert_eq!(Identity::parse(&text(65)).unwrap_err().kind(), ParseErrorKind::TooManyParts);
}

#[test]
fn small_values_give_their_parts() {
    let id = SessionId::parse(&format!("ab30317f1a784dc48ff824d0d3715d86;Remote={}", SessionId::NIL))
        .map(|id| (id.local.len(), id.remote.is_some()));
    assert_eq!(id, Ok((32, true)));
    let priority = ResourcePriority::parse("dsn.flash-override").unwrap();
    assert_eq!((priority.namespace, priority.priority), ("dsn", "flash-override"));
    let mechanism = SecurityMechanism::parse("tls;q=0.25").unwrap();
    assert_eq!((mechanism.name, mechanism.q), ("tls", Some(250)));
    let mode = TokenParams::parse("auto;require").unwrap();
    assert!(mode.is("Auto") && mode.params.has("require"));
    let vector = ChargingVector::parse("icid-value=\"1;2\";orig-ioi=a").unwrap();
    assert_eq!((vector.icid, vector.params.value("orig-ioi")), ("\"1;2\"", Some("a")));
    let wanted = FeatureSet::parse("*;audio;require").unwrap();
    assert!(wanted.require() && !wanted.explicit());
    let breadth = request_with("INVITE", "Max-Breadth: 60\n");
    assert_eq!(breadth.only::<header::MaxBreadth>(), Ok(Some(60)));
}

#[test]
fn written_contact_is_quoted_and_read_back() {
    let params = ParamsBuf::new()
        .token("expires", "60")
        .and_then(|params| params.quoted("+sip.instance", "<urn:uuid:\"1\\2\">"))
        .and_then(|params| params.flag("ob"))
        .unwrap();
    let address = NameAddrBuf::new("sip:a@192.0.2.1;transport=tcp".parse().unwrap());
    let text = AddressBuf { address, params }.to_string();
    assert_eq!(text, r#"<sip:a@192.0.2.1;transport=tcp>;expires=60;+sip.instance="<urn:uuid:\"1\\2\">";ob"#);
    let read = NameAddr::parse(&text).unwrap();
    assert_eq!(read.params.unquoted("+sip.instance").as_deref(), Some("<urn:uuid:\"1\\2\">"));
    assert_eq!(AddressBuf::from(read).to_string(), text);
}

#[test]
fn parameters_that_would_be_read_otherwise_are_not_written() {
    let new = ParamsBuf::new;
    assert_eq!(new().flag("a;b"), Err(BuildError::Parameter("a;b".into())));
    assert_eq!(new().token("a", "b;c"), Err(BuildError::Parameter("a".into())));
    assert_eq!(new().token("a", ""), Err(BuildError::Parameter("a".into())));
    assert_eq!(new().quoted("a b", "c"), Err(BuildError::Parameter("a b".into())));
    assert_eq!(new().quoted("a", "b\r\nVia: c"), Err(BuildError::ControlCharacter("a".into())));
}
