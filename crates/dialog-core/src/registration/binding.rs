//! What a 2xx to REGISTER grants (RFC 3261 §10.2.4, RFC 3608 §5, RFC 5626 §4.2.1, RFC 5627 §4.2).

use std::time::Duration;

use sip_message::{Contact, HeaderId, Message, NameAddr, Scheme, UriBuf, header};
use sip_transport::Origin;

use crate::boundary::registration::{Account, Registered};

/// Longest Service-Route that is used: networks put two or three proxies there. A longer one, or one that cannot be read, is
/// left out as a whole, because a part of it leads nowhere.
const ROUTES: usize = 16;

/// What our Contact was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ours<'a> {
    pub(super) account: &'a Account,
    pub(super) user: &'a str,
    /// Whether the REGISTER went to a `sips` URI.
    pub(super) secure: bool,
    /// Whether reg-id was sent.
    pub(super) outbound: bool,
    /// The seconds that were asked for.
    pub(super) asked: u32,
}

/// What a 2xx says, apart from the binding itself.
#[derive(Debug)]
pub(super) struct Granted {
    /// `None` if our binding is not there.
    pub(super) registered: Option<Registered>,
    /// Flow-Timer.
    pub(super) flow_timer: Option<Duration>,
}

/// Reads a 2xx to a REGISTER.
pub(super) fn read(message: &Message, origin: &Origin, ours: Ours<'_>) -> Granted {
    // One that cannot be read is none of ours; the others still count.
    let contacts: Vec<Contact<'_>> = message.values::<header::Contact>().filter_map(Result::ok).collect();
    let found = ours.find(&contacts, origin);
    let seconds = match (&found, contacts.is_empty()) {
        (Some(contact), _) => contact.expires(),
        // Some registrars name no bindings; the 2xx is all that there is.
        (None, true) => None,
        (None, false) => Some(0),
    };
    let seconds = seconds.or_else(|| message.expires()).unwrap_or(ours.asked);
    let address = found.and_then(|contact| contact.address());
    let registered = (seconds > 0).then(|| Registered {
        expires: Duration::from_secs(seconds.into()),
        contacts: contacts.iter().filter_map(|contact| Some(contact.address()?.uri.to_owned())).collect(),
        service_route: service_route(message),
        pub_gruu: address.and_then(|address| gruu(&address, "pub-gruu")),
        temp_gruu: address.and_then(|address| gruu(&address, "temp-gruu")),
        outbound: ours.outbound && message.require().any(|tag| tag.eq_ignore_ascii_case("outbound")),
    });
    let flow_timer = message.top::<header::FlowTimer>().ok().flatten().filter(|seconds| *seconds > 0);
    Granted { registered, flow_timer: flow_timer.map(|seconds| Duration::from_secs(seconds.into())) }
}

impl Ours<'_> {
    /// Our binding: by the instance where we gave one, else by the URI, else by its user part alone, because registrars
    /// replace the address by the one that they see.
    fn find<'c>(&self, contacts: &[Contact<'c>], origin: &Origin) -> Option<Contact<'c>> {
        let by = |test: &dyn Fn(&NameAddr<'c>) -> bool| {
            contacts.iter().find(|contact| contact.address().is_some_and(|address| test(&address))).copied()
        };
        let instance = || {
            let ours = format!("<{}>", self.account.instance.as_deref()?);
            let reg_id = self.account.reg_id.filter(|_| self.outbound).map(|number| number.to_string());
            by(&|address| {
                address
                    .params
                    .unquoted("+sip.instance")
                    .is_some_and(|theirs| theirs.eq_ignore_ascii_case(&ours))
                    && (reg_id.is_none() || address.params.value("reg-id") == reg_id.as_deref())
            })
        };
        let uri = || {
            let text = origin.hop().contact(Some(self.user), self.secure);
            let ours = NameAddr::parse(&text).ok()?;
            by(&|address| address.uri.equivalent(&ours.uri))
        };
        let user = || by(&|address| address.uri.user() == Some(self.user));
        instance().or_else(uri).or_else(user)
    }
}

fn service_route(message: &Message) -> Vec<UriBuf> {
    if message.items(HeaderId::ServiceRoute).nth(ROUTES).is_some() {
        return Vec::new();
    }
    message
        .values::<header::ServiceRoute>()
        .map(|route| route.map(|route| route.uri.to_owned()))
        .collect::<Result<_, _>>()
        .unwrap_or_default()
}

/// A GRUU: a SIP URI with `gr` (RFC 5627 §5.4.2, TR-261); its quotes are those of the parameter.
fn gruu(address: &NameAddr<'_>, name: &str) -> Option<UriBuf> {
    let gruu = UriBuf::parse(&address.params.unquoted(name)?).ok()?;
    let uri = gruu.as_uri();
    let usable = matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) && uri.param("gr").is_some();
    usable.then_some(gruu)
}
