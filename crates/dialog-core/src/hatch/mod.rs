//! Requests of methods that have no owner here, in a call or outside: the escape hatch. INFO, MESSAGE, OPTIONS and unknown ones.

mod incoming;
mod outgoing;

use std::collections::BTreeMap;

use sip_transport::{Cx, Out};

use crate::{
    boundary::{
        DialogOutput,
        leg::{LegId, Misuse},
        request::{RequestCommand, RequestEvent, RequestFailure, RequestId},
    },
    dialogs::Dialogs,
    step::Step,
};

use self::{incoming::Incoming, outgoing::Outgoing};

/// The requests that are under way, ours and theirs.
#[derive(Debug, Default)]
pub(crate) struct Hatch {
    ours: BTreeMap<RequestId, Outgoing>,
    theirs: BTreeMap<RequestId, Incoming>,
}

impl Hatch {
    /// The call in which a request of ours goes.
    pub(crate) fn leg_of(&self, id: RequestId) -> Option<LegId> {
        self.ours.get(&id)?.leg()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ours.is_empty() && self.theirs.is_empty()
    }

    pub(crate) fn has(&self, id: RequestId) -> bool {
        self.ours.contains_key(&id) || self.theirs.contains_key(&id)
    }
}

impl Dialogs {
    /// Does what is asked of a request.
    pub(crate) fn request_command(
        &mut self,
        cx: &mut Cx<'_>,
        id: RequestId,
        command: RequestCommand,
        out: &mut Out<'_, DialogOutput>,
    ) {
        match command {
            RequestCommand::Send(request) => self.send_request(cx, id, *request, out),
            RequestCommand::Answer { status, headers, body } => {
                self.step(cx, out).0.answer_request(id, status, &headers, body.as_ref());
            }
        }
    }
}

impl Step<'_, '_, '_> {
    fn request_misused(&mut self, id: RequestId, misuse: Misuse) {
        self.count_misuse(misuse);
        self.told(id, RequestEvent::Misused(misuse));
    }

    fn request_over(&mut self, id: RequestId, failure: RequestFailure) {
        self.told(id, RequestEvent::Failed(failure));
    }
}
