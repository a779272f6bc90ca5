//! What is known of a call's media at one moment.

use std::{net::SocketAddr, time::Duration};

use media_core::{Direction, Hearing, StreamSnapshot};

use crate::{
    engine::{NegotiatedMedia, SessionMediaState},
    error::SessionState,
    event::SessionId,
};

/// What is negotiated, sent, received and heard in a call. What was not measured is `None`.
#[derive(Debug, Clone)]
pub struct SessionMediaInfo {
    /// The call.
    pub session: SessionId,
    /// Its state.
    pub state: SessionState,
    /// The state of its media.
    pub media: SessionMediaState,
    /// We hold.
    pub local_hold: bool,
    /// They hold.
    pub remote_hold: bool,
    /// Our negotiated direction.
    pub direction: Option<Direction>,
    /// The codec's name in SDP.
    pub codec: Option<&'static str>,
    /// Our RTP address.
    pub local: Option<SocketAddr>,
    /// Theirs.
    pub remote: Option<SocketAddr>,
    /// The RTP stream: counters and quality.
    pub stream: Option<StreamSnapshot>,
    /// What the user hears, where the user's audio is on this call and is listened to ([`Builder::ears`](crate::Builder::ears)).
    pub heard: Option<Hearing>,
}

impl SessionMediaInfo {
    pub(super) fn new(
        session: SessionId,
        negotiated: NegotiatedMedia,
        stream: Option<StreamSnapshot>,
        heard: Option<Hearing>,
    ) -> Self {
        let agreed = negotiated.agreed;
        Self {
            session,
            state: negotiated.state,
            media: negotiated.media,
            local_hold: negotiated.local_hold,
            remote_hold: negotiated.remote_hold,
            direction: agreed.as_ref().map(|agreed| agreed.direction),
            codec: agreed.as_ref().map(|agreed| agreed.codec.name()),
            local: negotiated.local,
            remote: agreed.map(|agreed| agreed.remote_rtp),
            stream,
            heard,
        }
    }

    /// The longest silence the user heard since audio first came.
    pub fn longest_silence(&self) -> Option<Duration> {
        self.heard.as_ref().map(|heard| heard.longest_silence)
    }
}
