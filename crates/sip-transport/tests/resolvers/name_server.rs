//! A tiny name server: one UDP socket, records from a list.

use std::{
    net::SocketAddr,
    sync::mpsc::{Receiver, channel},
};

use hickory_resolver::proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata},
};
use tokio::{net::UdpSocket, task::JoinHandle};

/// What it does with questions that it has no records for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// There is no such name.
    Missing,
    /// It answers with this error.
    Fails(ResponseCode),
    /// It says nothing.
    Silent,
}

/// It serves until it is dropped.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Receiver<String>,
    task: JoinHandle<()>,
}

impl NameServer {
    pub(crate) async fn serve(records: Vec<Record>, otherwise: Otherwise) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("loopback is there");
        let address = socket.local_addr().expect("it is bound");
        let (log, asked) = channel();
        let task = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                let query = Message::from_vec(&buffer[..length]).expect("a query");
                let question = format!("{} {}", query.queries[0].name(), query.queries[0].query_type());
                log.send(question).expect("the server is there");
                if let Some(response) = response(&query, &records, otherwise) {
                    let wire = response.to_vec().expect("it can be written");
                    socket.send_to(&wire, client).await.expect("loopback sends");
                }
            }
        });
        Self { address, asked, task }
    }

    /// The questions since this was called last.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The records of the name and type that is asked for, behind the aliases that lead to them.
fn response(query: &Message, records: &[Record], otherwise: Otherwise) -> Option<Message> {
    let asked = &query.queries[0];
    let mut response = Message::response(query.metadata.id, OpCode::Query);
    response.add_query(asked.clone());
    let mut name = asked.name().clone();
    while let Some(alias) = records.iter().find(|record| record.name == name) {
        let RData::CNAME(rdata::CNAME(other)) = &alias.data else { break };
        response.add_answer(alias.clone());
        name = other.clone();
    }
    let found =
        records.iter().filter(|record| record.name == name && record.record_type() == asked.query_type());
    response.add_answers(found.cloned());
    if response.answers.is_empty() {
        response.metadata.response_code = match otherwise {
            Otherwise::Missing => ResponseCode::NXDomain,
            Otherwise::Fails(code) => code,
            Otherwise::Silent => return None,
        };
    }
    Some(response)
}

pub(crate) fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("a name");
    name.set_fqdn(true);
    name
}

pub(crate) fn naptr(
    domain: &str,
    order: u16,
    flags: &str,
    service: &str,
    regexp: &str,
    replacement: &str,
) -> Record {
    let bytes = |text: &str| text.as_bytes().into();
    let data = rdata::NAPTR::new(order, 50, bytes(flags), bytes(service), bytes(regexp), name(replacement));
    Record::from_rdata(name(domain), 300, RData::NAPTR(data))
}

pub(crate) fn srv(service: &str, priority: u16, port: u16, target: &str) -> Record {
    Record::from_rdata(name(service), 200, RData::SRV(rdata::SRV::new(priority, 0, port, name(target))))
}

pub(crate) fn host(text: &str, ip: &str) -> Record {
    let data = match ip.parse().expect("an address") {
        std::net::IpAddr::V4(ip) => RData::A(rdata::A(ip)),
        std::net::IpAddr::V6(ip) => RData::AAAA(rdata::AAAA(ip)),
    };
    Record::from_rdata(name(text), 100, data)
}

pub(crate) fn alias(from: &str, to: &str) -> Record {
    Record::from_rdata(name(from), 50, RData::CNAME(rdata::CNAME(name(to))))
}

pub(crate) fn is_aaaa(question: &str) -> bool {
    question.ends_with(&RecordType::AAAA.to_string())
}
