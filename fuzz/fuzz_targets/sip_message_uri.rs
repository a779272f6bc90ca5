//! Any text as a URI, and the line behind it as another one: a URI put together from its parts is the same URI, and
//! headers put into it are read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_message::{Uri, escape};

fuzz_target!(|text: &str| {
    let (text, other) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(uri) = Uri::parse(text) else { return };
    let owned = uri.to_owned();
    assert_eq!((owned.as_str(), owned.as_uri(), uri.to_string().as_str()), (text, uri, text));
    assert!(uri.equivalent(&uri));
    if let Ok(other) = Uri::parse(other) {
        assert_eq!(uri.equivalent(&other), other.equivalent(&uri));
    }
    let bare = owned.without_headers_and_method();
    assert_eq!(bare.without_headers_and_method(), bare);
    if !uri.is_sip() {
        assert_eq!(bare, owned);
        return;
    }
    assert!(!bare.as_uri().has_headers() && bare.as_uri().param("method").is_none());
    let rebuilt = rebuilt(&uri);
    let again = Uri::parse(&rebuilt).expect("the parts of a URI make a URI");
    assert!(again.equivalent(&uri), "{rebuilt}");
    let made = owned.with_headers([("Subject", other), (other, "")]).expect("any text can be escaped");
    let read = made.as_uri().headers().map(|(name, value)| (unescaped(name), unescaped(value)));
    assert!(read.eq([("Subject".to_owned(), other.to_owned()), (other.to_owned(), String::new())]));
});

fn rebuilt(uri: &Uri<'_>) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{}:", uri.scheme_str());
    if let Some(user) = uri.user() {
        text.push_str(user);
        if let Some(password) = uri.password() {
            text.push(':');
            text.push_str(password);
        }
        text.push('@');
    }
    text.push_str(&uri.host().to_string());
    if let Some(port) = uri.port() {
        write!(text, ":{port}").expect("a string takes text");
    }
    text.push_str(uri.params().as_str());
    for (index, (name, value)) in uri.headers().enumerate() {
        let lead = if index == 0 { '?' } else { '&' };
        write!(text, "{lead}{name}={value}").expect("a string takes text");
    }
    text
}

fn unescaped(text: &str) -> String {
    escape::unescape(text).expect("what was escaped can be unescaped").into_owned()
}
