//! Requests whose connection was over before their final response came.

use std::collections::BTreeMap;

use sip_message::{Message, Method};

use crate::journal::{Journal, What, response};

/// Whether a party was told that a connection is over under a request of its with one of these methods. That request has
/// failed then, although the other side may have followed it; a 2xx that comes later over another connection is nobody's.
pub(super) fn with_its_connection(journal: &Journal, node: usize, methods: &[Method]) -> bool {
    let mut open: BTreeMap<(String, u32), usize> = BTreeMap::new();
    for entry in journal.entries.iter().filter(|entry| entry.node == node) {
        match &entry.what {
            What::Sent { message, connection: Some(connection), .. } => {
                let request = read(message)
                    .filter(|(message, _)| message.method().is_some_and(|method| methods.contains(&method)));
                open.extend(request.map(|(_, key)| (key, *connection)));
            }
            What::Received { message, .. } => {
                let answer = read(message).filter(|(message, _)| {
                    response(message).is_some_and(|(status, _)| !status.is_provisional())
                });
                if let Some((_, key)) = answer {
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

fn read(bytes: &bytes::Bytes) -> Option<(Message, (String, u32))> {
    let message = Message::parse(bytes.clone()).ok()?;
    let key = (message.call_id().ok()?.to_owned(), message.cseq().ok()?.number);
    Some((message, key))
}
