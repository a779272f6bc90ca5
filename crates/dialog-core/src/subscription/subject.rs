//! What a subscription of ours is about: a REFER, or an event package; and the request that asks for it.

use sip_message::{Draft, HeaderId, Method, NameAddrBuf, TargetDialog, UriBuf};

use crate::{
    boundary::{
        leg::LegId,
        package::{ReferTo, Subscribe},
        refer::{Refer, ReferSubscription},
        registration::RegistrationId,
    },
    respond::REFER_PACKAGE,
    state::Ends,
};

/// The subject of a subscription of ours.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// Made by a REFER.
    Refer(Box<Referral>),
    /// Made by a SUBSCRIBE.
    Package(Box<Subscribe>),
}

/// What a REFER asks for.
#[derive(Debug, Clone)]
pub(crate) struct Referral {
    pub(crate) refer_to: UriBuf,
    pub(crate) referred_by: Option<NameAddrBuf>,
    /// Which subscription is asked for; after a 420 the implicit one.
    pub(crate) subscription: ReferSubscription,
    /// Further headers by name.
    pub(crate) headers: Vec<(Box<str>, Box<str>)>,
    /// For a REFER outside of calls.
    pub(crate) outside: Option<Box<ReferTo>>,
    /// What the call that it is about is called by its peer, and whether the peer knows Target-Dialog (RFC 4538).
    pub(crate) about: Option<(TargetDialog, bool)>,
}

impl Referral {
    /// A REFER in a call.
    pub(crate) fn inside(refer: Refer) -> Self {
        let Refer { refer_to, referred_by, subscription, outside: _, headers } = refer;
        Self { refer_to, referred_by, subscription, headers, outside: None, about: None }
    }

    /// A REFER outside of calls.
    pub(crate) fn outside(refer: ReferTo) -> Self {
        Self {
            refer_to: refer.refer_to.clone(),
            referred_by: refer.referred_by.clone(),
            subscription: refer.subscription,
            headers: Vec::new(),
            outside: Some(Box::new(refer)),
            about: None,
        }
    }

    fn dress(&self, draft: Draft) -> Draft {
        let mut draft = draft.header(HeaderId::ReferTo, format_args!("<{}>", self.refer_to));
        if let Some(by) = &self.referred_by {
            draft.push(HeaderId::ReferredBy, by);
        }
        if self.subscription == ReferSubscription::Suppress {
            draft.push(HeaderId::ReferSub, false);
        }
        if let Some(tag) = self.subscription.tag() {
            draft.push(HeaderId::Require, tag);
        }
        if let Some((target_dialog, known)) = &self.about {
            draft.push(HeaderId::TargetDialog, target_dialog);
            if *known {
                draft.push(HeaderId::Require, "tdialog");
            }
        }
        let draft = self.headers.iter().fold(draft, |draft, (name, value)| draft.extension(name, value));
        self.outside.iter().fold(draft, |draft, refer| with_headers(draft, &refer.headers))
    }
}

impl Subject {
    /// The method of the request that asks for it.
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::Refer(_) => Method::Refer,
            Self::Package(_) => Method::Subscribe,
        }
    }

    /// Adds what the first request says.
    pub(crate) fn dress(&self, draft: Draft) -> Draft {
        match self {
            Self::Refer(referral) => referral.dress(draft),
            Self::Package(subscribe) => {
                let draft = with_headers(self.dress_again(draft), &subscribe.headers);
                match &subscribe.body {
                    Some(body) => draft.body(&body.content_type, &body.content),
                    None => draft,
                }
            }
        }
    }

    /// Adds what a SUBSCRIBE to a package says each time, besides Expires.
    pub(crate) fn dress_again(&self, mut draft: Draft) -> Draft {
        if let Self::Package(subscribe) = self {
            draft = event(draft, &subscribe.package, subscribe.id.as_deref());
            if !subscribe.accept.is_empty() {
                draft.push(HeaderId::Accept, subscribe.accept.join(", "));
            }
        }
        draft
    }

    /// Its event package.
    pub(crate) fn package(&self) -> &str {
        match self {
            Self::Refer(_) => REFER_PACKAGE,
            Self::Package(subscribe) => &subscribe.package,
        }
    }

    /// Whether its NOTIFYs report what became of a REFER.
    pub(crate) fn follows_refer(&self) -> bool {
        self.package().eq_ignore_ascii_case(REFER_PACKAGE)
    }

    /// Whether an Event is that of this package subscription; of a REFER's is never asked here. To what a REFER brought the
    /// notifier gives the id (RFC 7614 §4.4).
    pub(crate) fn is_package(&self, package: &str, id: Option<&str>) -> bool {
        match self {
            Self::Refer(_) => false,
            Self::Package(own) => {
                own.package.eq_ignore_ascii_case(package) && (self.follows_refer() || own.id.as_deref() == id)
            }
        }
    }

    /// Whether it asks for the state once (RFC 6665 §4.4.3).
    pub(crate) fn is_fetch(&self) -> bool {
        matches!(self, Self::Package(subscribe) if subscribe.expires == 0)
    }

    /// Whether a NOTIFY with this Event may come of the first request, whoever sends it (RFC 3515 §2.4.6: an id is the number
    /// of the REFER, which is the only one there).
    pub(crate) fn expects(&self, package: &str, id: Option<&str>) -> bool {
        match self {
            Self::Refer(_) => package.eq_ignore_ascii_case(REFER_PACKAGE),
            Self::Package(_) => self.is_package(package, id),
        }
    }

    /// Both ends of the request, if it makes a dialog of its own.
    pub(crate) fn ends(&self) -> Option<Ends<'_>> {
        match self {
            Self::Refer(referral) => referral.outside.as_deref().map(|refer| Ends {
                target: &refer.target,
                from: &refer.from,
                to: &refer.to,
                contact_user: refer.contact_user.as_ref(),
                headers: &refer.headers,
            }),
            Self::Package(subscribe) => Some(Ends {
                target: &subscribe.target,
                from: &subscribe.from,
                to: &subscribe.to,
                contact_user: subscribe.contact_user.as_ref(),
                headers: &subscribe.headers,
            }),
        }
    }

    /// The registration whose account asks for it.
    pub(crate) fn registration(&self) -> Option<RegistrationId> {
        match self {
            Self::Refer(referral) => referral.outside.as_deref()?.registration,
            Self::Package(subscribe) => subscribe.registration,
        }
    }

    /// The call that it is about.
    pub(crate) fn about(&self) -> Option<LegId> {
        match self {
            Self::Refer(referral) => referral.outside.as_deref()?.about,
            Self::Package(_) => None,
        }
    }
}

/// Adds Event.
pub(crate) fn event(draft: Draft, package: &str, id: Option<&str>) -> Draft {
    match id {
        Some(id) => draft.header(HeaderId::Event, format_args!("{package};id={id}")),
        None => draft.header(HeaderId::Event, package),
    }
}

/// Adds headers from above; Route is written by the dialog's path.
fn with_headers(draft: Draft, headers: &[(HeaderId, Box<str>)]) -> Draft {
    headers
        .iter()
        .filter(|(id, _)| *id != HeaderId::Route)
        .fold(draft, |draft, (id, value)| draft.header(*id, value))
}
