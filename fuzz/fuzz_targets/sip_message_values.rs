//! Single values on any text: they never panic, and what they print reads back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_message::{
    CSeq, Event, Join, List, Method, NameAddr, NameAddrBuf, Params, RAck, Reason, ReferTo, Replaces,
    RetryAfter, SessionExpires, SubscriptionState, TargetDialog, Uri, Via, escape, sipfrag,
};

fuzz_target!(|text: &str| {
    if let Ok(uri) = Uri::parse(text) {
        let owned = uri.to_owned();
        assert!(owned.equivalent(&owned));
        let bare = uri.without_headers_and_method();
        assert_eq!(bare.without_headers_and_method(), bare);
    }
    if let Ok(address) = NameAddr::parse(text) {
        let again: NameAddrBuf = address.to_owned().to_string().parse().expect("printed address reads back");
        assert_eq!(again.uri, address.uri.to_owned());
    }
    if let Ok(refer_to) = ReferTo::parse(text) {
        let _ = refer_to.target().as_uri();
        for (name, value) in refer_to.uri_headers() {
            assert!(!name.contains(['\r', '\n', '\0']) && !value.contains(['\r', '\n', '\0']));
        }
    }
    if let Ok(replaces) = Replaces::parse(text) {
        assert_eq!(Replaces::parse(&replaces.to_string()).as_ref(), Ok(&replaces));
        assert_eq!(Replaces::from_uri_header(&replaces.to_uri_header()), Ok(replaces));
    }
    if let Ok(via) = Via::parse(text) {
        Via::parse(&via.received_from([192, 0, 2, 1].into(), 5060)).expect("marked Via reads back");
    }
    assert_eq!(escape::unescape(&escape::escape_header(text)).as_deref(), Ok(text));
    let _ =
        (Join::parse(text), TargetDialog::parse(text), Event::parse(text), SubscriptionState::parse(text));
    let _ = (CSeq::parse(text), RAck::parse(text), Reason::parse(text), RetryAfter::parse(text));
    let _ = (SessionExpires::parse(text), Params::parse(text), List::new(text).count(), Method::parse(text));
    let _ = (Replaces::from_uri_header(text), escape::unescape(text), sipfrag::status(None, text.as_bytes()));
});
