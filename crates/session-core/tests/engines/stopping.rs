//! What calls are told when all are hung up.

use std::time::Duration;

use session_core::engine::Command;

use crate::net::{Net, OK};

#[test]
fn a_call_that_nobody_has_decided_on_is_480_and_not_declined_when_we_stop() {
    let mut net = Net::new(&[("alice", OK), ("bob", None)]);
    net.call(0, 1);
    net.ask(1, Command::HangUpAll);
    net.run(Duration::from_secs(1));
    let sent = net.sent(1);
    assert!(sent.contains(&"SIP/2.0 480".to_owned()), "{sent:?}");
    assert!(!sent.contains(&"SIP/2.0 603".to_owned()), "{sent:?}");
    net.nothing_is_left();
}
