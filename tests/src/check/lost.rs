//! INVITEs whose connection was over before a response came.

use std::collections::BTreeMap;

use bytes::Bytes;
use sip_message::{Message, Method};

use crate::journal::{Journal, What, is_request};

/// Whether a party was told that a connection is over under an INVITE of its without any response. That has failed then
/// (RFC 3261 §17.1.4), although the other side may have followed it; a 2xx that comes later over another connection is
/// nobody's.
pub(super) fn with_its_connection(journal: &Journal, node: usize) -> bool {
    let mut open: BTreeMap<(String, u32), usize> = BTreeMap::new();
    for entry in journal.entries.iter().filter(|entry| entry.node == node) {
        match &entry.what {
            What::Sent { message, connection: Some(connection), .. } => {
                let invite = read(message).filter(|(message, _)| is_request(message, &Method::Invite));
                open.extend(invite.map(|(_, key)| (key, *connection)));
            }
            What::Received { message, .. } => {
                if let Some((_, key)) = read(message).filter(|(message, _)| message.is_response()) {
                    open.remove(&key);
                }
            }
            What::Stream { connection, news, .. }
                if news.is_end() && open.values().any(|under| under == connection) =>
            {
                return true;
            }
            What::Sent { .. } | What::Stream { .. } | What::Event(_) | What::Asked(_) | What::Refused(_) => {}
        }
    }
    false
}

/// A message with its Call-ID and the number of its `CSeq`.
fn read(bytes: &Bytes) -> Option<(Message, (String, u32))> {
    let message = Message::parse(bytes.clone()).ok()?;
    let key = (message.call_id().ok()?.to_owned(), message.cseq().ok()?.number);
    Some((message, key))
}
