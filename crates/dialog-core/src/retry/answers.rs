//! Our answers to challenges, and the nonces that are good for the next request (RFC 3261 §22.2, §22.3).

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use sip_message::{AuthenticationInfo, Challenge, DigestChallenge, Message};
use sip_transport::{Cx, Guard, Origin};

use crate::{
    counters::Counters,
    digest::{
        choice::strongest,
        hash::Subject,
        keyring::{Credential, Keyring},
        session::{Place, Session},
    },
};

use super::sent::{Sent, Used};

/// Most challenges that are looked at in one response: three algorithms for each of some proxies.
const CHALLENGES: usize = 16;

/// Longest challenge in bytes that is answered; its words go back with every request.
const LONGEST_CHALLENGE: usize = 2_048;

/// Most realms that one call answers: its proxies and its server.
const REALMS: usize = 4;

/// Most pairs of host and realm that are known to have taken a credential outside of a dialog.
const VOUCHED: usize = 256;

/// The keys, and the nonces of each Call-ID: a dialog's or a registration's requests share theirs.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    keys: Keyring,
    calls: BTreeMap<u128, Known>,
    /// The calls by when they were used last.
    order: BTreeMap<u64, u128>,
    last: u64,
    limit: usize,
    vouched: Vec<Vouched>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Known {
    at: u64,
    sessions: Vec<Session>,
}

/// A host that has taken a credential outside of a dialog.
#[derive(Debug)]
struct Vouched {
    credential: Arc<Credential>,
    realm: Box<str>,
    host: IpAddr,
}

impl Answers {
    /// No nonces yet, and room for those of so many calls.
    pub(crate) fn new(keys: Keyring, limit: usize) -> Self {
        Self { keys, limit, ..Self::default() }
    }

    /// Takes other keys. What was made with one that is not among them is forgotten.
    pub(crate) fn rekey(&mut self, keys: Keyring) {
        let kept = |credential: &mut Arc<Credential>| match keys.same(credential) {
            Some(same) => {
                *credential = same.clone();
                true
            }
            None => false,
        };
        for known in self.calls.values_mut() {
            known.sessions.retain_mut(|session| kept(&mut session.credential));
        }
        self.vouched.retain_mut(|vouched| kept(&mut vouched.credential));
        self.keys = keys;
    }

    /// How often a bound was met: of what is challenged, and of nothing else.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    pub(crate) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Answers a 401 or 407; `false` if it cannot be answered, or was answered rightly before.
    pub(crate) fn answer(
        &mut self,
        cx: &mut Cx<'_>,
        sent: &mut Sent,
        origin: &Origin,
        message: &Message,
    ) -> bool {
        let challenges: Vec<(Place, DigestChallenge<'_>)> = challenges(message).collect();
        self.counters.challenges_ignored += ignored(message);
        let key = key(cx.guard, sent.call_id());
        let host = origin.source.ip();
        let mut made = Vec::new();
        for (at, (place, first)) in challenges.iter().enumerate() {
            let realm = first.realm();
            let same = |other: &&(Place, DigestChallenge<'_>)| other.0 == *place && other.1.realm() == realm;
            if challenges[..at].iter().any(|other| same(&other)) {
                continue;
            }
            let Some(credential) = self.credential(sent, key, (*place, &realm), host) else { continue };
            let of_realm = challenges.iter().filter(same).map(|(_, challenge)| *challenge);
            let usable = |algorithm| credential.secret().knows(algorithm);
            let Some(choice) = strongest(of_realm, usable) else { continue };
            let before = sent.used.iter().find(|used| used.place == *place && *used.realm == *realm);
            if let Some(used) = before {
                let same_nonce = *used.nonce == *choice.challenge.nonce;
                if same_nonce || (used.asked && !choice.challenge.stale) {
                    return false;
                }
            }
            made.push(Session::new(*place, choice, credential, host, cx.random));
        }
        let mut answered = false;
        for session in made {
            let asked = Used {
                place: session.place,
                realm: session.realm().into(),
                nonce: session.nonce().into(),
                asked: true,
            };
            if self.keep(key, session) {
                sent.used.retain(|used| used.place != asked.place || used.realm != asked.realm);
                sent.used.push(asked);
                answered = true;
            }
        }
        answered
    }

    /// The credential for a realm, if this request may show it.
    fn credential(
        &self,
        sent: &Sent,
        key: u128,
        (place, realm): (Place, &str),
        host: IpAddr,
    ) -> Option<Arc<Credential>> {
        let account = sent.account();
        let account = account.as_ref().map(sip_message::UriBuf::as_uri);
        let credential = self.keys.find(realm, account.as_ref())?;
        let known = || {
            // A 401 is made by the other end, whose host this is only where no proxy stands between; a 407 is a proxy's, and
            // cannot be told from one that a peer behind it has made.
            let may_ask = match place {
                Place::Proxy => true,
                Place::Server => sent.ends_at(host),
            };
            let of_call = self.calls.get(&key).into_iter().flat_map(|known| &known.sessions);
            let asked = |session: &Session| session.host == host && session.realm() == realm;
            of_call.into_iter().any(|session| asked(session) && (may_ask || session.place == place))
                || may_ask
                    && self.vouched.iter().any(|vouched| {
                        vouched.host == host
                            && *vouched.realm == *realm
                            && Arc::ptr_eq(&vouched.credential, credential)
                    })
        };
        (!sent.is_in_dialog() || !credential.is_guarded() || known()).then(|| credential.clone())
    }

    /// Keeps a session; `false` if the call has no room for it.
    fn keep(&mut self, key: u128, session: Session) -> bool {
        if self.limit == 0 {
            return false;
        }
        if !self.calls.contains_key(&key)
            && self.calls.len() >= self.limit
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.calls.remove(&oldest);
            self.counters.nonces_forgotten += 1;
        }
        self.touch(key);
        let sessions = &mut self.calls.entry(key).or_default().sessions;
        let same = |other: &Session| other.place == session.place && other.realm() == session.realm();
        match sessions.iter().position(same) {
            Some(at) => sessions[at] = session,
            None if sessions.len() < REALMS => sessions.push(session),
            None => {
                self.counters.realms_refused += 1;
                return false;
            }
        }
        true
    }

    fn touch(&mut self, key: u128) {
        self.last += 1;
        let known = self.calls.entry(key).or_default();
        self.order.remove(&known.at);
        known.at = self.last;
        self.order.insert(self.last, key);
    }

    /// The credentials for a request that goes out now: those that it was asked for, and those that its next hop has asked
    /// an earlier request of the call for.
    pub(crate) fn credentials(&mut self, guard: &Guard, sent: &mut Sent) -> Vec<(Place, String)> {
        let key = key(guard, sent.call_id());
        let Some(known) = self.calls.get_mut(&key) else { return Vec::new() };
        let next = sent.hops.first().map(|hop| hop.remote.ip());
        let (method, uri) = (*sent.draft.method(), sent.draft.uri());
        let subject = Subject { method: method.as_str(), uri, body: sent.draft.body_bytes() };
        let mut values = Vec::new();
        for session in &mut known.sessions {
            let asked = sent
                .used
                .iter()
                .any(|used| used.asked && used.place == session.place && *used.realm == *session.realm());
            if !asked && next != Some(session.host) {
                continue;
            }
            let Some(value) = session.credentials(&subject) else { continue };
            values.push((session.place, value));
            let used = Used {
                place: session.place,
                realm: session.realm().into(),
                nonce: session.nonce().into(),
                asked,
            };
            sent.used.retain(|other| other.place != used.place || other.realm != used.realm);
            sent.used.push(used);
        }
        self.touch(key);
        values
    }

    /// A request was taken with its credentials.
    pub(crate) fn taken(&mut self, cx: &mut Cx<'_>, sent: &Sent, origin: &Origin, message: &Message) {
        if sent.used.is_empty() {
            return;
        }
        let key = key(cx.guard, sent.call_id());
        let (calls, vouched) = (&mut self.calls, &mut self.vouched);
        let Some(known) = calls.get_mut(&key) else { return };
        for used in &sent.used {
            let of_it =
                |session: &&mut Session| session.place == used.place && session.realm() == &*used.realm;
            let Some(session) = known.sessions.iter_mut().find(of_it) else { continue };
            let host = origin.source.ip();
            if !sent.is_in_dialog() && session.host == host {
                self.counters.hosts_forgotten += u64::from(vouch(vouched, session, host));
            }
            let info = message.first(used.place.info()).filter(|value| value.len() <= LONGEST_CHALLENGE);
            let next =
                info.and_then(|info| AuthenticationInfo::parse(info).ok()?.nextnonce().map(String::from));
            if let Some(nonce) = next {
                session.renew(nonce, cx.random);
            }
        }
    }

    /// A challenge to a request stands: forgets what that request had shown to whoever challenges. What others have taken
    /// stays good.
    pub(crate) fn refused(&mut self, guard: &Guard, sent: &Sent, message: &Message) {
        let Some(known) = self.calls.get_mut(&key(guard, sent.call_id())) else { return };
        for (place, challenge) in challenges(message) {
            let realm = challenge.realm();
            let is_its = |place_of: Place, realm_of: &str| place_of == place && *realm_of == *realm;
            if sent.used.iter().any(|used| is_its(used.place, &used.realm)) {
                known.sessions.retain(|session| !is_its(session.place, session.realm()));
            }
        }
    }

    /// Forgets the nonces of a call.
    pub(crate) fn forget(&mut self, guard: &Guard, call_id: &str) {
        if self.calls.is_empty() {
            return;
        }
        if let Some(known) = self.calls.remove(&key(guard, call_id)) {
            self.order.remove(&known.at);
        }
    }
}

/// The challenges of a response that are looked at.
fn challenges(message: &Message) -> impl Iterator<Item = (Place, DigestChallenge<'_>)> {
    readable(message).take(CHALLENGES)
}

/// How many are not.
fn ignored(message: &Message) -> u64 {
    let long = lines(message).filter(|(_, value)| value.len() > LONGEST_CHALLENGE).count();
    (long + readable(message).skip(CHALLENGES).count()) as u64
}

fn readable(message: &Message) -> impl Iterator<Item = (Place, DigestChallenge<'_>)> {
    lines(message)
        .filter(|(_, value)| value.len() <= LONGEST_CHALLENGE)
        .filter_map(|(place, value)| Some((place, Challenge::parse(value).ok()?.digest()?)))
}

fn lines(message: &Message) -> impl Iterator<Item = (Place, &str)> {
    let of = |place: Place| message.all(place.challenge()).map(move |value| (place, value));
    Place::ALL.into_iter().flat_map(of)
}

/// Remembers a host; `true` if another one had to be forgotten for it.
fn vouch(vouched: &mut Vec<Vouched>, session: &Session, host: IpAddr) -> bool {
    let known = vouched.iter().any(|known| {
        known.host == host
            && *known.realm == *session.realm()
            && Arc::ptr_eq(&known.credential, &session.credential)
    });
    if known {
        return false;
    }
    let full = vouched.len() >= VOUCHED;
    if full {
        vouched.remove(0);
    }
    vouched.push(Vouched { credential: session.credential.clone(), realm: session.realm().into(), host });
    full
}

fn key(guard: &Guard, call_id: &str) -> u128 {
    guard.digest(&[b"call", call_id.as_bytes()])
}
