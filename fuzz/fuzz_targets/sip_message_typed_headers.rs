//! Any text as the value of every typed header: none panics, and what one prints reads back to the same print.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_message::{
    Limits, List, Method, NameAddr, NameAddrBuf, Params, RetryAfter, SubscriptionState, Via, header,
};

fuzz_target!(|text: &str| {
    // No value holds the bytes that end a line.
    if text.contains(['\r', '\n']) {
        return;
    }
    for row in header::rows() {
        if let Ok(printed) = (row.reprint)(text) {
            assert_eq!((row.reprint)(&printed).as_ref(), Ok(&printed), "{}", row.id);
            assert!(!printed.contains(['\r', '\n']), "{}", row.id);
        }
    }
    if let Ok(address) = NameAddr::parse(text) {
        let again: NameAddrBuf = address.to_owned().to_string().parse().expect("printed address reads back");
        assert_eq!(again.uri, address.uri.to_owned());
    }
    if let Ok(via) = Via::parse(text) {
        match via.received_from([192, 0, 2, 1].into(), 5060) {
            Ok(marked) => drop(Via::parse(&marked).expect("marked Via reads back")),
            // `received` and `rport` may be added, beyond what is read.
            Err(_) => assert!(via.params.iter().count() + 2 > Limits::PARAMETERS),
        }
    }
    if let Ok(params) = Params::parse(text) {
        assert_eq!(Params::parse(params.as_str()), Ok(params));
        for (name, _) in params.iter() {
            assert!(params.has(name) && params.count(name) > 0);
        }
    }
    let items = List::new(text).map(str::len).sum::<usize>();
    assert!(items <= text.len());
    let _ = (RetryAfter::parse(text), SubscriptionState::parse(text), Method::parse(text));
});
