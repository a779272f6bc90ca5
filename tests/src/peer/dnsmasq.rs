//! dnsmasq as the name server of a zone of its own.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    process::Command,
    time::Instant,
};

use super::{
    PATIENCE, PeerError,
    process::Process,
    sockets::{Table, wait_until_open},
};

/// The port that it answers on.
pub const PORT: u16 = 5353;

/// A record of the zone.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// A name, its order, the service, as `SIP+D2T`, and the name that its SRV records have; always with flag `s`.
    Naptr(&'a str, u16, &'a str, &'a str),
    /// A name, as `_sip._tcp.example.test`, the target, its port, the priority, the weight.
    Srv(&'a str, &'a str, u16, u16, u16),
    /// A name and its address.
    A(&'a str, Ipv4Addr),
}

/// A running name server. It knows its records and that there is nothing else.
#[derive(Debug)]
pub struct Dnsmasq {
    process: Process,
    own: Ipv4Addr,
}

impl Dnsmasq {
    /// Starts one on an address of its own.
    pub fn start(own: Ipv4Addr, records: &[Record<'_>]) -> Result<Self, PeerError> {
        let mut command = Command::new("dnsmasq");
        // No configuration, no hosts and no other server of this machine; `/#/` makes all names its own, so that what it
        // does not know is NXDOMAIN or an empty answer.
        command.args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--local=/#/"]);
        command.args(["--bind-interfaces", "--log-queries", "--log-facility=-"]);
        command.arg(format!("--listen-address={own}")).arg(format!("--port={PORT}"));
        command.args(records.iter().map(option));
        let mut process = Process::spawn("dnsmasq", &mut command)?;
        wait_until_open(&mut process, Table::Udp, SocketAddrV4::new(own, PORT))?;
        Ok(Self { process, own })
    }

    /// Where it is, as `--dns` takes it.
    pub fn address(&self) -> String {
        format!("{}:{PORT}", self.own)
    }

    /// Waits until it was asked for these records, as `NAPTR example.test`; it may have been before.
    pub fn asked(&mut self, question: &str) -> Result<(), PeerError> {
        let (kind, name) = question.split_once(' ').unwrap_or((question, ""));
        let said = format!("query[{kind}] {name} from ");
        let deadline = Instant::now() + PATIENCE;
        while !self.process.lines().iter().any(|line| line.contains(&said)) {
            if self.process.next_line(deadline.saturating_duration_since(Instant::now())).is_none() {
                return Err(self.process.missing(&said, PATIENCE));
            }
        }
        Ok(())
    }

    /// What it was asked for, in this order, as `NAPTR example.test`.
    pub fn questions(&mut self) -> Vec<String> {
        let output = self.process.output();
        let question = |line: &str| {
            let (kind, rest) = line.split_once("query[")?.1.split_once("] ")?;
            Some(format!("{kind} {}", rest.split(' ').next().unwrap_or_default()))
        };
        output.lines().filter_map(question).collect()
    }
}

fn option(record: &Record<'_>) -> String {
    match record {
        Record::Naptr(name, order, service, replacement) => {
            format!("--naptr-record={name},{order},10,s,{service},,{replacement}")
        }
        Record::Srv(name, target, port, priority, weight) => {
            format!("--srv-host={name},{target},{port},{priority},{weight}")
        }
        Record::A(name, address) => format!("--host-record={name},{address}"),
    }
}
