//! Responses from the network to requests of ours.

use sip_message::{Message, Method, StatusCode};
use sip_transport::{Cx, Inbound, Out};

use super::{Transactions, branch_number};
use crate::{
    boundary::{TxId, TxOutput},
    client::Happening,
};

impl Transactions {
    /// Finds the transaction of a response by our branch and the method of `CSeq` (RFC 3261 §17.1.3).
    pub(super) fn inbound_response(
        &mut self,
        cx: &mut Cx<'_>,
        inbound: &Inbound,
        out: &mut Out<'_, TxOutput>,
    ) {
        let message = &inbound.message;
        // More than one Via: the response was not meant for us (RFC 3261 §8.1.3.3).
        let (Some(status), Ok(cseq), false) = (message.status(), message.cseq(), message.has_lower_via())
        else {
            self.counters.malformed_responses += 1;
            return;
        };
        match self.asked(cx, message, &cseq.method) {
            Some(tx) => {
                let happening = self.happening(tx, status);
                self.move_client(cx, tx, happening, Some(inbound), out);
            }
            None => self.counters.stray_responses += 1,
        }
    }

    fn asked(&self, cx: &Cx<'_>, message: &Message, method: &Method) -> Option<TxId> {
        let via = message.top_via().ok()?;
        let branch = branch_number(cx, via.branch()?)?;
        let tx = match method {
            Method::Cancel => self.clients.cancel_of_branch(branch)?,
            _ => self.clients.of_branch(branch)?,
        };
        (self.clients.get(tx)?.method == *method).then_some(tx)
    }

    fn happening(&mut self, tx: TxId, status: StatusCode) -> Happening {
        if status == StatusCode::SERVICE_UNAVAILABLE
            && let Some(client) = self.clients.get_mut(tx)
        {
            client.drop_sibling();
        }
        if status.is_provisional() {
            Happening::Provisional
        } else if status.is_success() {
            Happening::Success
        } else if status == StatusCode::SERVICE_UNAVAILABLE
            && self.clients.get(tx).is_some_and(|client| client.spare.is_some())
        {
            Happening::Unavailable
        } else {
            Happening::Failure
        }
    }
}
