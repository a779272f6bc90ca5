//! The reducer: one question after another, until the targets are known (RFC 3263 §4).

use std::{collections::VecDeque, net::IpAddr};

use sip_message::Uri;

use crate::{
    address::is_host,
    flow::{RouteError, Transport},
    question::{LookupError, Naptr, Question, Records},
    step::Random,
};

use super::{
    MAX_HOPS, MAX_RECORDS, Target, Targets,
    offered::Offered,
    service::{self, Service},
    wanted::{self, Maddr, Place, Wanted},
};

/// Most questions for one URI: the NAPTR records, the SRV records of each of five transports, the addresses of
/// [`MAX_HOPS`] hosts. This ends every loop that the DNS may hold.
pub const MAX_QUESTIONS: usize = 1 + MAX_SERVICES + MAX_HOPS;

/// Most services whose SRV records are asked for: one for each transport.
const MAX_SERVICES: usize = wanted::PREFERENCE.len();

/// Most questions that stay without an answer: at 5 s for each, 15 s is the longest that somebody waits for a call to start.
/// The last of them is for the addresses of the domain itself.
const MAX_SILENT: usize = 3;

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Ask this, and give the answer to [`Selection::answer`].
    Ask(Selection, Question),
    /// All is known.
    Done {
        /// Where to send to, in the order to try; never empty.
        targets: Targets,
        /// What TLS has to verify: the host that the URI names, whatever the DNS made of it (RFC 5922 §7.3). A domain name
        /// in lower case, or an address.
        name: Box<str>,
    },
}

/// One URI on its way to targets. It holds what is still to be asked, and what was found.
///
/// The means are tried in the order of RFC 3263: NAPTR, SRV, addresses. The targets are those of one service: the first
/// that has any, as §4.1 selects one transport before §4.2 looks for addresses. A resolver that does not answer is taken
/// for one that has no such record, and after two such waits only the domain itself is asked for.
#[derive(Debug)]
pub struct Selection {
    wanted: Wanted,
    name: Box<str>,
    asked: usize,
    /// Questions that the resolver did not answer.
    silent: usize,
    awaits: Awaits,
    /// Services whose SRV records were not asked for yet.
    services: VecDeque<Service>,
    /// The servers of the service in use whose addresses were not asked for yet.
    servers: VecDeque<Server>,
    /// The URI's own host, as long as no SRV record says which hosts stand for it.
    domain: Option<Server>,
    targets: Targets,
    /// Whether an address was left out because we have no transport to its family.
    other_family: bool,
}

/// What the question that is open asks for.
#[derive(Debug, Clone, Copy)]
enum Awaits {
    Naptr,
    Srv(Transport),
    Addresses { transport: Option<Transport>, port: Option<u16> },
}

/// A host whose addresses are targets.
#[derive(Debug)]
struct Server {
    host: Box<str>,
    /// `None`: whichever is preferred.
    transport: Option<Transport>,
    /// `None`: the transport's own.
    port: Option<u16>,
}

impl Selection {
    /// Reads a URI: a numeric host is done at once, a name is asked for.
    pub fn start(uri: &Uri<'_>, offered: Offered, maddr: Maddr) -> Result<Step, RouteError> {
        Self::start_as(uri, false, offered, maddr)
    }

    /// As [`Selection::start`]; if `secure`, as if the URI were a `sips` URI, which a request to one asks for whatever its
    /// topmost Route says (RFC 3261 §8.1.2).
    pub fn start_as(uri: &Uri<'_>, secure: bool, offered: Offered, maddr: Maddr) -> Result<Step, RouteError> {
        let wanted = Wanted::read(uri, secure, offered)?;
        let (place, name) = wanted::place(uri, maddr)?;
        let mut selection = Self {
            wanted,
            name,
            asked: 0,
            silent: 0,
            awaits: Awaits::Naptr,
            services: VecDeque::new(),
            servers: VecDeque::new(),
            domain: None,
            targets: Targets::new(),
            other_family: false,
        };
        let host = match place {
            Place::Address(ip) => {
                selection.add(ip, wanted.transport, wanted.port);
                return selection.finish();
            }
            Place::Name(host) => host,
        };
        let question = Question::Naptr(host.clone());
        selection.domain = Some(Server { host, transport: wanted.transport, port: wanted.port });
        match (wanted.port, wanted.transport) {
            (Some(_), _) => selection.advance(),
            (None, Some(transport)) => {
                selection.offer(&[transport]);
                selection.advance()
            }
            (None, None) => Ok(selection.ask(Awaits::Naptr, question)),
        }
    }

    /// Takes the answer to the question, and says what is next.
    pub fn answer(
        mut self,
        random: &mut dyn Random,
        result: Result<Records, LookupError>,
    ) -> Result<Step, RouteError> {
        self.silent += usize::from(result == Err(LookupError::Timeout));
        match (self.awaits, result) {
            (Awaits::Naptr, Ok(Records::Naptr(records))) => {
                self.naptr(&records[..records.len().min(MAX_RECORDS)]);
            }
            (Awaits::Naptr, Ok(Records::Srv(_) | Records::Addresses(_)) | Err(_)) => self.naptr(&[]),
            (Awaits::Srv(transport), Ok(Records::Srv(records))) => {
                // Whoever has SRV records is not looked for at the domain itself (RFC 2782).
                self.domain = None;
                let servers = service::servers(&records[..records.len().min(MAX_RECORDS)], random);
                self.servers = servers
                    .map(|(host, port)| Server { host, transport: Some(transport), port: Some(port) })
                    .collect();
            }
            // A resolver that cannot ask for one service cannot ask for the others.
            (Awaits::Srv(_), Err(LookupError::Unsupported)) => self.services.clear(),
            (Awaits::Srv(_), Ok(Records::Naptr(_) | Records::Addresses(_))) => {}
            (Awaits::Srv(_), Err(LookupError::NotFound | LookupError::Timeout)) => {}
            (Awaits::Addresses { transport, port }, Ok(Records::Addresses(addresses))) => {
                for ip in addresses.into_iter().take(MAX_RECORDS) {
                    self.add(ip, transport, port);
                }
            }
            (Awaits::Addresses { .. }, Ok(Records::Naptr(_) | Records::Srv(_)) | Err(_)) => {}
        }
        self.advance()
    }

    /// Takes the services of the NAPTR records, or without any the usual ones (RFC 3263 §4.1).
    ///
    /// Records of services that we do not have are discarded as if they were not there. Where none is left, the SRV records of
    /// what we have are still asked for: a domain has to keep these for those who ask for no NAPTR records, and has none for a
    /// transport that it does not offer.
    fn naptr(&mut self, records: &[Naptr]) {
        let mut services = Service::listed(records, |transport| self.wanted.allows(transport));
        services.truncate(MAX_SERVICES);
        match services.first() {
            Some(first) => {
                if let Some(domain) = &mut self.domain {
                    domain.transport = Some(first.transport);
                }
                self.services = services.into();
            }
            None => self.offer(&[Transport::Udp, Transport::Tcp, Transport::Tls]),
        }
    }

    /// Those of the transports that are wanted are looked for at the domain.
    fn offer(&mut self, transports: &[Transport]) {
        let Some(domain) = &self.domain else { return };
        let wanted = transports.iter().filter(|transport| self.wanted.allows(**transport));
        self.services = wanted.filter_map(|transport| Service::of(&domain.host, *transport)).collect();
    }

    /// The next question: more servers of the service in use, another service if that one has no target, at last the domain
    /// itself.
    fn advance(mut self) -> Result<Step, RouteError> {
        if self.targets.len() == MAX_HOPS || self.asked == MAX_QUESTIONS || self.silent == MAX_SILENT {
            return self.finish();
        }
        if self.silent == MAX_SILENT - 1 {
            self.services.clear();
            self.servers.clear();
        }
        if self.servers.is_empty() && self.targets.is_empty() {
            if let Some(Service { transport, name }) = self.services.pop_front() {
                return Ok(self.ask(Awaits::Srv(transport), Question::Srv(name)));
            }
            self.servers.extend(self.domain.take());
        }
        match self.servers.pop_front() {
            Some(Server { host, transport, port }) => {
                Ok(self.ask(Awaits::Addresses { transport, port }, Question::Addresses(host)))
            }
            None => self.finish(),
        }
    }

    fn ask(mut self, awaits: Awaits, question: Question) -> Step {
        self.asked += 1;
        self.awaits = awaits;
        Step::Ask(self, question)
    }

    /// Adds a target, if the address is one of a host, can be reached, and is not there yet.
    fn add(&mut self, ip: IpAddr, chosen: Option<Transport>, port: Option<u16>) {
        let ip = ip.to_canonical();
        if !is_host(ip) {
            return;
        }
        let Some(transport) = self.wanted.transport_to(ip, chosen) else {
            self.other_family = true;
            return;
        };
        let target = Target { transport, ip, port: port.unwrap_or(transport.default_port()) };
        if self.targets.len() < MAX_HOPS && !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }

    fn finish(self) -> Result<Step, RouteError> {
        match (self.targets.is_empty(), self.other_family) {
            (false, _) => Ok(Step::Done { targets: self.targets, name: self.name }),
            (true, true) => Err(RouteError::Family),
            (true, false) => Err(RouteError::Unresolved),
        }
    }
}
