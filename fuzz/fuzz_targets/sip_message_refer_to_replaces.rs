//! Any text as an escaped part, a Replaces and a Refer-To: what is read can be written and read again, both ways.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_message::{NameAddrBuf, ReferTo, Replaces, escape};

fuzz_target!(|text: &str| {
    assert_eq!(escape::unescape(&escape::escape_header(text)).as_deref(), Ok(text));
    if let Ok(plain) = escape::unescape(text) {
        assert_eq!(escape::unescape(&escape::escape_header(&plain)).as_ref(), Ok(&plain));
    }
    if let Ok(replaces) = Replaces::from_uri_header(text) {
        written(&replaces);
    }
    // No value holds the bytes that end a line.
    if text.contains(['\r', '\n', '\0']) {
        return;
    }
    if let Ok(replaces) = Replaces::parse(text) {
        written(&replaces);
    }
    if let Ok(refer_to) = ReferTo::parse(text) {
        referred(&refer_to);
    }
});

fn written(replaces: &Replaces) {
    assert_eq!(Replaces::parse(&replaces.to_string()).as_ref(), Ok(replaces));
    let escaped = replaces.to_uri_header();
    assert_eq!(Replaces::from_uri_header(&escaped).as_ref(), Ok(replaces));
    let value = format!("<sip:carol@192.0.2.9?Replaces={escaped}>");
    let refer_to = ReferTo::parse(&value).expect("an escaped Replaces fits a URI");
    assert_eq!(refer_to.replaces.as_ref(), Some(replaces));
}

fn referred(refer_to: &ReferTo<'_>) {
    let target = refer_to.target();
    assert_eq!(target.without_headers_and_method(), target);
    let headers: Vec<_> = refer_to.uri_headers().collect();
    assert_eq!(headers.len(), refer_to.name_addr.uri.headers().count());
    for (name, value) in &headers {
        assert!(!name.contains(['\r', '\n', '\0']) && !value.contains(['\r', '\n', '\0']));
    }
    let plain = headers.iter().map(|(name, value)| (&**name, &**value));
    let made = target.with_headers(plain).expect("as many headers as were read can be written");
    let printed = NameAddrBuf::new(made).to_string();
    let again = ReferTo::parse(&printed).expect("what was written can be read");
    assert_eq!((again.target(), &again.replaces), (target, &refer_to.replaces));
    assert!(again.uri_headers().eq(headers));
    assert_eq!(again.has_body(), refer_to.has_body());
}
