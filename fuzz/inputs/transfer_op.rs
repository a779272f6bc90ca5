//! What can happen to the transfer layer.

use arbitrary::Arbitrary;

#[derive(Debug, Arbitrary)]
pub(crate) enum Op<'a> {
    Up {
        leg: u8,
        source: u8,
        /// The dialog and the party; the least bit says whether it supports Replaces.
        party: u8,
    },
    Blind {
        leg: u8,
        hold: u8,
        target: &'a str,
        refer: Refer<'a>,
    },
    Attended {
        leg: u8,
        consultation: u8,
        hold: u8,
        held: bool,
        options: u8,
        refer: Refer<'a>,
    },
    Consult {
        leg: u8,
        hold: u8,
        target: &'a str,
        options: u8,
        on_answer: bool,
        refer: Refer<'a>,
    },
    Complete {
        transfer: u8,
    },
    Swap {
        transfer: u8,
    },
    Asked {
        leg: u8,
        target: &'a str,
        method: Option<&'a str>,
        replaces: Option<&'a str>,
        headers: Vec<(&'a str, &'a str)>,
        by: Option<&'a str>,
    },
    Cancel {
        transfer: u8,
    },
    Decline {
        transfer: u8,
        reason: u8,
    },
    Detach {
        transfer: u8,
    },
    Decide {
        transfer: u8,
        accept: bool,
    },
    Reoffered {
        leg: u8,
        error: Option<u8>,
        code: u16,
    },
    Closing {
        leg: u8,
    },
    BeforeHangUp {
        leg: u8,
    },
    Ended {
        leg: u8,
        by: u8,
        reason: u8,
        code: u16,
        contact: &'a str,
    },
    Provisional {
        leg: u8,
        code: u8,
    },
    Answered {
        sub: u8,
        kind: u8,
        code: u16,
        retry_after: Option<u32>,
    },
    Notified {
        sub: u8,
        state: u8,
        code: Option<u16>,
    },
    EventsAt {
        sub: u8,
        uri: &'a str,
    },
    Delivered {
        sub: u8,
    },
    SubEnded {
        sub: u8,
        end: u8,
    },
    Misused {
        sub: u8,
    },
    Override {
        leg: u8,
        refer: u8,
    },
    Expire,
    Stale {
        transfer: u8,
    },
    Wait {
        seconds: u8,
    },
    Replacing {
        old: u8,
        by: &'a str,
        source: u8,
    },
    Acknowledged {
        leg: u8,
    },
    Step {
        transfer: u8,
        step: u8,
        leg: u8,
        code: u16,
    },
}

/// How a REFER of ours is sent.
#[derive(Debug, Arbitrary)]
pub(crate) struct Refer<'a> {
    pub(crate) placement: u8,
    pub(crate) subscription: u8,
    pub(crate) referred_by: u8,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) uri_headers: Vec<(&'a str, &'a str)>,
    pub(crate) user_to_user: Option<&'a str>,
    pub(crate) diversion: bool,
    pub(crate) tel_at_peer: bool,
}
