//! What a report of a referred request says besides the state of its subscription.

use sip_message::{HeaderId, StatusCode, sipfrag};

use crate::boundary::package::Body;

/// The newest status, complete in itself (TR-013), and what is told with it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderId, Box<str>)>,
}

impl Told {
    /// Before anything is known.
    pub(crate) const TRYING: Self = Self { status: StatusCode::TRYING, headers: Vec::new() };

    /// The sipfrag; its reason is that of the table, whatever the response said (EC-29).
    pub(crate) fn body(&self) -> Body {
        let headers = self.headers.iter().map(|(id, value)| (*id, &**value));
        let content = sipfrag::write(self.status, self.status.reason_phrase(), headers);
        Body { content_type: sipfrag::CONTENT_TYPE.into(), content }
    }
}
