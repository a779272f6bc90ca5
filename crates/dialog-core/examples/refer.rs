//! Answers a call, takes a REFER in it, and prints the NOTIFYs that report the transfer.

use std::{collections::VecDeque, error::Error, time::Duration};

use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, DialogOutput, Dialogs, LegCommand, LegEvent,
    SubscriptionCommand, SubscriptionEvent,
};
use sip_message::{Message, Response, StatusCode, SubReason};
use sip_transport::{
    Cx, FlowId, Guard, Hop, Hops, IdMint, Inbound, Origin, Outbox, Random, Tick, Transport, UnixTime,
};
use transaction_core::{TxCommand, TxEvent, TxId};

/// Enough for a demonstration; an engine takes the operating system's random source.
struct Counter(u64);

impl Random for Counter {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let hop = Hop {
        flow: FlowId::from(1),
        transport: Transport::Udp,
        remote: "192.0.2.20:5060".parse()?,
        local: "192.0.2.1:5060".parse()?,
        above: None,
        alias: false,
    };
    let origin =
        Origin { flow: hop.flow, transport: hop.transport, source: hop.remote, local: hop.local, peer: None };
    let request = |tx: u64, text: String| -> Result<TxEvent, Box<dyn Error>> {
        let message = Message::parse(text.replace('\n', "\r\n").into_bytes().into())?;
        Ok(TxEvent::Request {
            tx: TxId::from(tx),
            inbound: Inbound { origin: origin.clone(), message: message.into(), via: None, reply: hop },
        })
    };

    let mut random = Counter(1);
    let guard = Guard::new(&mut random);
    let mut ids = IdMint::default();
    let mut cx = Cx {
        now: Tick::default(),
        unix: UnixTime::default(),
        random: &mut random,
        ids: &mut ids,
        guard: &guard,
    };
    let mut dialogs = Dialogs::new(DialogConfig::default());
    let mut outbox = Outbox::default();
    let mut report = None;
    let mut inputs = VecDeque::from([request(
        1001,
        "INVITE sip:alice@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1\n\
         From: <sip:bob@example.com>;tag=b\nTo: <sip:alice@example.com>\nCall-ID: call\nCSeq: 1 INVITE\n\
         Contact: <sip:bob@192.0.2.20>\nContent-Type: application/sdp\nContent-Length: 3\n\nv=0"
            .to_owned(),
    )?]);

    while let Some(input) = inputs.pop_front() {
        dialogs.receive(&mut cx, input, &mut outbox.out());
        // The referred call is answered after the first NOTIFY went out.
        if inputs.is_empty()
            && outbox.is_empty()
            && let Some((id, command)) = report.take()
        {
            dialogs.command(&mut cx, DialogCommand::Subscription(id, command), &mut outbox.out());
        }
        while let Some(output) = outbox.pop() {
            match output {
                DialogOutput::Event(DialogEvent::Leg(leg, LegEvent::Incoming(_))) => {
                    let accept = LegCommand::Accept { contact_user: None };
                    dialogs.command(&mut cx, DialogCommand::Leg(leg, accept), &mut outbox.out());
                }
                DialogOutput::Event(DialogEvent::Leg(leg, LegEvent::NeedDescription { .. })) => {
                    let describe = LegCommand::Describe { body: Ok("v=0".into()) };
                    dialogs.command(&mut cx, DialogCommand::Leg(leg, describe), &mut outbox.out());
                }
                DialogOutput::Event(DialogEvent::Leg(_, LegEvent::Up(up))) => {
                    let ids = format!(
                        "From: <sip:bob@example.com>;tag=b\nTo: <sip:alice@example.com>;tag={}\nCall-ID: call\n",
                        up.dialog.local_tag
                    );
                    let via = "Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK2\n";
                    let ack = format!("ACK sip:alice@192.0.2.1 SIP/2.0\n{via}{ids}CSeq: 1 ACK\n\n");
                    if let TxEvent::Request { inbound, .. } = request(1002, ack)? {
                        inputs.push_back(TxEvent::StrayAck(inbound));
                    }
                    let refer = format!(
                        "REFER sip:alice@192.0.2.1 SIP/2.0\n{via}{ids}CSeq: 2 REFER\n\
                         Contact: <sip:bob@192.0.2.20>\nRefer-To: <sip:carol@example.com>\n\n"
                    );
                    inputs.push_back(request(1003, refer)?);
                }
                DialogOutput::Event(DialogEvent::Subscription(id, SubscriptionEvent::Requested(refer))) => {
                    println!("asked to call {}", refer.target);
                    let accept =
                        SubscriptionCommand::Accept { pending: false, lifetime: Duration::from_mins(1) };
                    dialogs.command(&mut cx, DialogCommand::Subscription(id, accept), &mut outbox.out());
                    let last = Some(SubReason::Noresource);
                    report = Some((
                        id,
                        SubscriptionCommand::Report { status: StatusCode::OK, headers: Vec::new(), last },
                    ));
                }
                DialogOutput::Event(DialogEvent::Subscription(id, event)) => println!("{id}: {event:?}"),
                DialogOutput::Transaction(TxCommand::Route(question)) => {
                    let answer =
                        TxEvent::Routed { route: question.route, result: Ok(Hops::from_elem(hop, 1)) };
                    dialogs.receive(&mut cx, answer, &mut outbox.out());
                }
                DialogOutput::Transaction(TxCommand::Request { tx, draft, .. }) => {
                    let wire = draft.encode(&hop.via("z9hG4bK3"), Some(&hop.contact(None, false)))?;
                    println!("\n{}", String::from_utf8_lossy(&wire));
                    let sent = Message::parse(wire)?;
                    let message = Message::parse(Response::to(&sent, StatusCode::OK).encode()?)?;
                    inputs.push_back(TxEvent::Response {
                        tx,
                        origin: origin.clone(),
                        message: message.into(),
                    });
                }
                _ => {}
            }
        }
    }
    Ok(())
}
