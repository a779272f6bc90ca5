//! A blind transfer from both sides, the dialog layers played by hand: prints what each transfer layer asks for.

use bytes::Bytes;
use dialog_core::{
    By, DialogCommand, DialogEvent, DialogIdentity, EndCause, EndReason, Established, IncomingRefer,
    LegCommand, LegEvent, LegId, Notification, NotifiedState, Peer, ReferAnswer, SubscriptionEvent,
    SubscriptionId,
};
use sip_message::StatusCode;
use sip_transport::{Cx, Guard, IdMint, Outbox, Random, Tick, UnixTime};
use transfer::{Hold, ReferOptions, ReferPolicy, TransferCommand, TransferOutput, TransferPolicy, Transfers};

/// Not random at all; an engine gives the operating system's numbers.
struct Fixed;

impl Random for Fixed {
    fn next_u64(&mut self) -> u64 {
        4
    }
}

/// One side: its transfer layer and what an engine lends to it.
struct Side {
    name: &'static str,
    transfers: Transfers,
    random: Fixed,
    ids: IdMint,
    guard: Guard,
}

impl Side {
    fn new(name: &'static str, policy: TransferPolicy) -> Self {
        let guard = Guard::new(&mut Fixed);
        Self { name, transfers: Transfers::new(policy), random: Fixed, ids: IdMint::default(), guard }
    }

    /// Runs a step, prints its outputs and gives them back.
    fn step(
        &mut self,
        step: impl FnOnce(&mut Transfers, &mut Cx<'_>, &mut Outbox<TransferOutput>),
    ) -> Vec<TransferOutput> {
        let mut outbox = Outbox::default();
        let mut cx = Cx {
            now: Tick::default(),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        step(&mut self.transfers, &mut cx, &mut outbox);
        let outputs: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        for output in &outputs {
            println!("{}: {output:?}", self.name);
        }
        outputs
    }

    fn receive(&mut self, event: &DialogEvent) -> Vec<TransferOutput> {
        self.step(|transfers, cx, outbox| transfers.receive(cx, event, &mut outbox.out()))
    }

    fn leg(&mut self, leg: LegId, event: LegEvent) -> Vec<TransferOutput> {
        self.receive(&DialogEvent::Leg(leg, event))
    }

    fn subscription(&mut self, id: SubscriptionId, event: SubscriptionEvent) -> Vec<TransferOutput> {
        self.receive(&DialogEvent::Subscription(id, event))
    }

    fn up(&mut self, leg: LegId, peer: &str) -> Result<Vec<TransferOutput>, Box<dyn std::error::Error>> {
        let established = Established {
            dialog: DialogIdentity {
                call_id: "a@host".into(),
                local_tag: "1".into(),
                remote_tag: "2".into(),
            },
            remote_target: peer.parse()?,
            remote: peer.parse()?,
            peer: Peer::default(),
            placed: true,
            source: "192.0.2.4:5060".parse()?,
        };
        Ok(self.leg(leg, LegEvent::Up(Box::new(established))))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut alice = Side::new("transferor", TransferPolicy::default());
    let mut bob =
        Side::new("transferee", TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() });
    let call: LegId = alice.ids.mint();
    let old: LegId = bob.ids.mint();
    alice.up(call, "sip:bob@192.0.2.4")?;
    bob.up(old, "sip:alice@192.0.2.3")?;

    let transfer = alice.ids.mint();
    let target: sip_message::UriBuf = "sip:carol@example.com".parse()?;
    let blind = TransferCommand::Blind {
        transfer,
        leg: call,
        target: target.clone(),
        hold: Hold::First,
        referred_by: None,
        options: ReferOptions::default(),
    };
    alice.step(|transfers, cx, outbox| transfers.command(cx, blind, &mut outbox.out()));
    let sent = alice.leg(call, LegEvent::Reoffered(Ok(())));
    let ours = sent.iter().find_map(|output| match output {
        TransferOutput::Dialog(DialogCommand::Leg(_, LegCommand::Refer { subscription, .. })) => {
            Some(*subscription)
        }
        _ => None,
    });
    let ours = ours.ok_or("no REFER was sent")?;

    let theirs: SubscriptionId = bob.ids.mint();
    let refer = IncomingRefer {
        leg: Some(old),
        in_dialog: true,
        from: "<sip:bob@example.com>".parse()?,
        verified_name: None,
        source: ([192, 0, 2, 3], 5060).into(),
        verified_user: None,
        target,
        method: None,
        replaces: None,
        headers: Vec::new(),
        referred_by: None,
        referred_by_text: None,
        privacy: None,
        reports_to: None,
        suppress: false,
    };
    let placed = bob.subscription(theirs, SubscriptionEvent::Requested(Box::new(refer)));
    let new = placed.iter().find_map(|output| match output {
        TransferOutput::Place { leg, .. } => Some(*leg),
        _ => None,
    });
    let new = new.ok_or("no call was placed")?;
    alice.subscription(ours, SubscriptionEvent::Answered(ReferAnswer::Accepted(StatusCode::ACCEPTED)));

    bob.leg(new, LegEvent::Provisional { status: StatusCode::RINGING, described: false });
    let ringing = Notification {
        state: NotifiedState::Active,
        status: Some(StatusCode::RINGING),
        reason: None,
        sipfrag: Bytes::new(),
    };
    alice.subscription(ours, SubscriptionEvent::Notified(ringing));

    bob.up(new, "sip:carol@192.0.2.5")?;
    let done = Notification {
        state: NotifiedState::Terminated,
        status: Some(StatusCode::OK),
        reason: None,
        sipfrag: Bytes::new(),
    };
    alice.subscription(ours, SubscriptionEvent::Notified(done));
    bob.subscription(theirs, SubscriptionEvent::Delivered);

    let bye =
        |by| LegEvent::Ended(EndCause { by, reason: EndReason::Bye, header: None, details: Vec::new() });
    alice.leg(call, bye(By::Local));
    bob.leg(old, bye(By::Remote));
    assert!(alice.transfers.is_empty() && bob.transfers.is_empty());
    Ok(())
}
