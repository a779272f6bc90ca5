//! The demand for proof: 401 to whoever has to say who it is (RFC 3261 §22.2, TR-050).

use std::sync::Arc;

use sip_message::{Credentials, HeaderId, Method, StatusCode};
use sip_transport::Inbound;
use transaction_core::TxId;

use crate::{
    digest::{
        info,
        nonce::Nonce,
        proof::{self, Proof},
    },
    step::Step,
};

/// Most credentials of one request that are checked: each costs some hashes, and a client needs one for a realm.
const CREDENTIALS: usize = 4;

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A user who has proved it; `None` where no proof was asked for.
    Known(Option<Arc<str>>),
    /// Nobody knows: the request was answered 401.
    Challenged,
}

impl Step<'_, '_, '_> {
    /// Asks a request for proof where the settings want it.
    pub(crate) fn identify(&mut self, tx: TxId, inbound: &Inbound, method: Method, within: bool) -> Caller {
        let Some(policy) = &self.config.authentication else { return Caller::Known(None) };
        if !policy.demands(method, within, inbound.message.has(HeaderId::Replaces)) {
            return Caller::Known(None);
        }
        let message = &inbound.message;
        let mut stale = false;
        let credentials = message
            .all(HeaderId::Authorization)
            .filter_map(|value| Credentials::parse(value).ok()?.digest())
            .filter(|digest| digest.realm() == policy.realm())
            .take(CREDENTIALS);
        for digest in credentials {
            let uses = &mut self.pending.uses;
            let when = (self.cx.guard, self.cx.now);
            match proof::check(policy, uses, when, &digest, (method.as_str(), message.body())) {
                Proof::Verified(user) => {
                    if let Some(info) = info::of(policy, when, self.cx.random, &digest) {
                        self.pending.proved.insert(tx, info);
                    }
                    return Caller::Known(Some(user));
                }
                Proof::Stale => stale = true,
                Proof::Wrong => {}
            }
        }
        let nonce = Nonce::new(self.cx.now, self.cx.random).text(self.cx.guard, policy.realm());
        match policy.challenges(&nonce, stale) {
            Ok(values) => self.respond_outside(tx, inbound, StatusCode::UNAUTHORIZED, |response| {
                values
                    .iter()
                    .fold(response, |response, value| response.header(HeaderId::WwwAuthenticate, value))
            }),
            // A realm that cannot be written lets nobody in.
            Err(_) => self.respond_outside(tx, inbound, StatusCode::FORBIDDEN, |response| response),
        }
        Caller::Challenged
    }
}
