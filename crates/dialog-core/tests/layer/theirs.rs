//! Requests of the peer, well-formed or not.

use bytes::Bytes;
use sip_message::{Draft, HeaderId, Message, Method};

use crate::bench::PEER_TAG;

/// A request of the peer.
#[derive(Debug, Clone)]
pub(crate) struct Theirs {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) call_id: String,
    pub(crate) from_tag: String,
    pub(crate) to_tag: Option<String>,
    pub(crate) cseq: u32,
    pub(crate) headers: Vec<(HeaderId, String)>,
    pub(crate) body: Option<(String, String)>,
}

impl Theirs {
    pub(crate) fn outside(method: Method) -> Self {
        Self {
            method,
            uri: "sip:alice@192.0.2.1".into(),
            call_id: "their-call".into(),
            from_tag: PEER_TAG.into(),
            to_tag: None,
            cseq: 1,
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn header(mut self, id: HeaderId, value: &str) -> Self {
        self.headers.push((id, value.into()));
        self
    }

    pub(crate) fn contact(self, value: &str) -> Self {
        self.header(HeaderId::Contact, value)
    }

    pub(crate) fn body(mut self, kind: &str, body: &str) -> Self {
        self.body = Some((kind.into(), body.into()));
        self
    }

    pub(crate) fn sdp(self, body: &str) -> Self {
        self.body("application/sdp", body)
    }

    pub(crate) fn cseq(mut self, cseq: u32) -> Self {
        self.cseq = cseq;
        self
    }

    pub(crate) fn message(&self, branch: u64) -> Message {
        let to_tag = self.to_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let mut draft = Draft::request(self.method, &self.uri)
            .header(HeaderId::From, format_args!("<sip:bob@example.com>;tag={}", self.from_tag))
            .header(HeaderId::To, format_args!("<sip:alice@example.com>{to_tag}"))
            .header(HeaderId::CallId, &self.call_id)
            .header(HeaderId::CSeq, format_args!("1 {}", self.method));
        // By hand, because a draft refuses what a peer may well send: two Refer-To, broken values, any number.
        let mut extra = String::new();
        for (id, value) in &self.headers {
            extra.extend([id.name(), ": ", value, "\r\n"]);
        }
        if self.method == Method::Refer {
            draft = draft.header(HeaderId::ReferTo, "<sip:placeholder@example.com>");
        }
        if let Some((kind, body)) = &self.body {
            draft = draft.body(kind, body);
        }
        let wire = draft
            .encode(&format!("SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp{branch}"), None)
            .expect("a request");
        let text = String::from_utf8(wire.to_vec()).expect("text");
        let text = text.replace("Refer-To: <sip:placeholder@example.com>\r\n", "");
        let counted = self.headers.iter().any(|(id, _)| *id == HeaderId::MaxForwards);
        let text = if counted { text.replace("Max-Forwards: 70\r\n", "") } else { text };
        let text = text.replacen("CSeq: 1 ", &format!("CSeq: {} ", self.cseq), 1);
        let at = text.find("\r\n").expect("a start line") + 2;
        Message::parse(Bytes::from(format!("{}{extra}{}", &text[..at], &text[at..]))).expect("a message")
    }
}
