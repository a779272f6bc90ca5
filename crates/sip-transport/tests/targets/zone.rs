//! A zone of the DNS as text, and a driver that asks it.

use std::collections::BTreeMap;

use sip_message::Uri;
use sip_transport::{
    LookupError, Naptr, Question, Random, Records, RouteError, Srv, Transport,
    targets::{Maddr, Offered, Selection, Step, Target},
};

/// A seeded generator (splitmix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What the resolver says; whatever is not in it is not found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Zone(pub(crate) BTreeMap<Question, Result<Records, LookupError>>);

impl Zone {
    /// Reads lines such as `example.com NAPTR 50 50 SIPS+D2T _sips._tcp.example.com`, `_sip._udp.example.com SRV 0 1 5060
    /// a.example.com`, `a.example.com A 192.0.2.1`; `timeout` or `unsupported` in place of the values is an error.
    pub(crate) fn of(text: &str) -> Self {
        let mut zone = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (name, kind, values) = (words[0], words[1], &words[2..]);
            let number = |at: usize| values[at].parse::<u16>().expect("a number");
            let question = question(name, kind);
            match (kind, values) {
                (_, ["timeout"]) => zone.fails(question, LookupError::Timeout),
                (_, ["unsupported"]) => zone.fails(question, LookupError::Unsupported),
                ("NAPTR", [_, _, service, replacement]) => {
                    let mut all = match zone.0.remove(&question) {
                        Some(Ok(Records::Naptr(records))) => records.to_vec(),
                        _ => Vec::new(),
                    };
                    all.push(naptr(number(0), number(1), service, replacement));
                    zone.0.insert(question, Ok(Records::Naptr(all.into())));
                }
                ("SRV", [_, _, _, target]) => {
                    let mut all = match zone.0.remove(&question) {
                        Some(Ok(Records::Srv(records))) => records.to_vec(),
                        _ => Vec::new(),
                    };
                    all.push(srv(number(0), number(1), number(2), target));
                    zone.0.insert(question, Ok(Records::Srv(all.into())));
                }
                ("A", addresses) => {
                    let all = addresses.iter().map(|ip| ip.parse().expect("an address")).collect();
                    zone.0.insert(question, Ok(Records::Addresses(all)));
                }
                _ => panic!("no record: {line}"),
            }
        }
        zone
    }

    fn fails(&mut self, question: Question, error: LookupError) {
        self.0.insert(question, Err(error));
    }

    fn look_up(&self, question: &Question) -> Result<Records, LookupError> {
        self.0.get(question).cloned().unwrap_or(Err(LookupError::NotFound))
    }

    /// Asks until all is known; gives the questions as text, and what comes of them.
    pub(crate) fn find(&self, uri: &str, offered: Offered, maddr: Maddr, seed: u64) -> Found {
        let mut random = Seeded(seed);
        let mut asked = Vec::new();
        let uri = Uri::parse(uri).expect("test URI");
        let mut step = Selection::start(&uri, offered, maddr);
        loop {
            match step {
                Ok(Step::Ask(selection, question)) => {
                    step = selection.answer(&mut random, self.look_up(&question));
                    asked.push(question.to_string());
                }
                Ok(Step::Done { targets, name }) => {
                    return Found { asked, result: Ok((targets.to_vec(), name.into())) };
                }
                Err(error) => return Found { asked, result: Err(error) },
            }
        }
    }
}

/// What comes of a URI.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) asked: Vec<String>,
    pub(crate) result: Result<(Vec<Target>, String), RouteError>,
}

impl Found {
    pub(crate) fn targets(&self) -> Vec<String> {
        let (targets, _) =
            self.result.as_ref().unwrap_or_else(|error| panic!("{error} after {:?}", self.asked));
        targets.iter().map(|target| format!("{} {}", target.transport, target.remote())).collect()
    }

    pub(crate) fn name(&self) -> &str {
        self.result.as_ref().map_or("", |(_, name)| name)
    }
}

fn question(name: &str, kind: &str) -> Question {
    match kind {
        "NAPTR" => Question::Naptr(name.into()),
        "SRV" => Question::Srv(name.into()),
        "A" => Question::Addresses(name.into()),
        _ => panic!("no kind of record: {kind}"),
    }
}

pub(crate) fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> Naptr {
    Naptr { order, preference, service: service.into(), replacement: replacement.into() }
}

pub(crate) fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Srv {
    Srv { priority, weight, port, target: target.into() }
}

/// Reads `udp4 tcp4 tls6`.
pub(crate) fn offered(text: &str) -> Offered {
    let one = |word: &str| {
        let (name, family) = word.split_at(word.len() - 1);
        let transport = match name {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            "ws" => Transport::Ws,
            "wss" => Transport::Wss,
            _ => panic!("no transport: {name}"),
        };
        let local = if family == "4" { "192.0.2.10" } else { "2001:db8::10" };
        (transport, local.parse().expect("an address"))
    };
    text.split_whitespace().map(one).collect()
}
