//! The numbers of requests (RFC 3261 §12.2.1.1).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sip_message::{Message, Method, Via};

/// Asserts that each request of a dialog has a higher number than the one before, when it is first sent.
pub(crate) fn assert_rising(sent: &[Bytes]) {
    let mut last: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut branches: BTreeSet<String> = BTreeSet::new();
    for wire in sent {
        let message = Message::parse(wire.clone()).expect("what we send can be read");
        // An ACK and a CANCEL have the number of their INVITE.
        if matches!(message.method(), None | Some(Method::Ack | Method::Cancel)) {
            continue;
        }
        let via = message.vias().next().expect("a Via");
        let branch = Via::parse(via).expect("a Via").branch().expect("a branch").to_owned();
        if !branches.insert(branch) {
            continue;
        }
        let call_id = message.call_id().expect("a Call-ID").to_owned();
        let tag = message.from_tag().expect("a tag").to_owned();
        let number = message.cseq().expect("a CSeq").number;
        let before = last.insert((call_id, tag), number);
        assert!(before.is_none_or(|before| before < number), "{number} after {before:?}: {message:?}");
    }
}
