//! What a registration gives to the calls and other requests of its account.

use std::collections::VecDeque;

use sip_message::{Uri, UriBuf};
use sip_transport::{FlowId, Origin};

use crate::{boundary::registration::RegistrationId, contact::OurContact, path::Path, state::DialogState};

use super::{Called, registering::Registration, ways};

/// What a request of an account that makes a dialog, or needs none, takes from its registration.
#[derive(Debug)]
pub(crate) struct Outgoing {
    account: RegistrationId,
    contact: OurContact,
    /// The ways out, that of the binding first.
    ways: VecDeque<WayOut>,
}

/// A way out of an account's requests: by one of its proxies.
#[derive(Debug)]
pub(crate) struct WayOut {
    /// The preloaded route set.
    routes: Vec<UriBuf>,
    /// The flow to use.
    flow: Option<FlowId>,
}

impl Outgoing {
    /// Has a request go as the account's; the ways that are left where this one fails. Routes that were given with it come
    /// before those of the account.
    pub(crate) fn lead(self, state: &mut DialogState) -> VecDeque<WayOut> {
        let Self { account, contact, mut ways } = self;
        (state.account, state.contact) = (Some(account), contact);
        if !state.path.routes.is_empty() {
            return VecDeque::new();
        }
        if let Some(first) = ways.pop_front() {
            first.take(state);
        }
        ways
    }
}

impl WayOut {
    /// Has the next request go this way.
    pub(crate) fn take(self, state: &mut DialogState) {
        state.path = Path::new(&state.path.target, self.routes);
        state.flow = self.flow;
    }
}

impl Registration {
    /// What a request of the account takes from it.
    pub(super) fn outgoing(&self) -> Outgoing {
        let learnt = self.learnt.as_ref();
        let service_route = learnt.map_or(&[][..], |learnt| &learnt.service_route);
        let outbound = learnt.is_some_and(|learnt| learnt.outbound);
        // Where a binding stands, although its refresh may be at another one.
        let way = if learnt.is_some() { self.ways.home() } else { self.ways.current() };
        let first =
            WayOut { routes: ways::preloaded(way, service_route), flow: self.flow.filter(|_| outbound) };
        let others = self.ways.proxies_besides(way).into_iter();
        let others =
            others.map(|proxy| WayOut { routes: ways::diverted(way, proxy, service_route), flow: None });
        Outgoing {
            account: self.id,
            contact: OurContact { user: Some(self.user.clone()), gruu: self.gruu(), outbound },
            ways: std::iter::once(first).chain(others).collect(),
        }
    }

    /// How well a request for `uri` from there fits, and what a call then takes from it.
    pub(super) fn called(&self, uri: &Uri<'_>, origin: &Origin) -> Option<(u8, Called)> {
        let learnt = self.learnt.as_ref();
        // Without `gr` it is no GRUU, and the comparison of URIs would take no notice of it (TR-261).
        let gruu = learnt.filter(|_| uri.param("gr").is_some()).and_then(|learnt| {
            let ours = [&learnt.pub_gruu, &learnt.temp_gruu];
            ours.into_iter().flatten().find(|gruu| gruu.as_uri().equivalent(uri)).cloned()
        });
        let aor = self.account.aor.uri.as_uri();
        let by_flow = u8::from(self.flow == Some(origin.flow));
        let fit = if gruu.is_some() {
            4
        } else if uri.user() == Some(&self.user) {
            2 + by_flow
        } else if uri.user() == aor.user() && uri.host().same_as(&aor.host()) {
            1
        } else if self.kept == Some((origin.flow, origin.source)) {
            0
        } else {
            return None;
        };
        let outbound = learnt.is_some_and(|learnt| learnt.outbound);
        let contact = OurContact { user: None, gruu: gruu.or_else(|| self.gruu()), outbound };
        Some((fit, Called { registration: self.id, contact }))
    }

    fn gruu(&self) -> Option<UriBuf> {
        let learnt = self.learnt.as_ref()?;
        learnt.pub_gruu.clone().or_else(|| learnt.temp_gruu.clone())
    }
}
