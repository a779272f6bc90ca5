//! What a registration gives to the calls of its account.

use sip_message::{Uri, UriBuf};
use sip_transport::Origin;

use crate::contact::OurContact;

use super::{Called, Outgoing, registering::Registration, ways};

impl Registration {
    /// What a call of the account takes from it.
    pub(super) fn outgoing(&self) -> Outgoing {
        let learnt = self.learnt.as_ref();
        let service_route = learnt.map_or(&[][..], |learnt| &learnt.service_route);
        let outbound = learnt.is_some_and(|learnt| learnt.outbound);
        // Where a binding stands, although its refresh may be at another one.
        let way = if learnt.is_some() { self.ways.home() } else { self.ways.current() };
        Outgoing {
            routes: ways::preloaded(way, service_route),
            flow: self.flow.filter(|_| outbound),
            contact: OurContact { user: Some(self.user.clone()), gruu: self.gruu(), outbound },
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
