//! 100,000 INVITEs that nobody answers: what each takes, and that all of it is free after the timers. A program of its own,
//! so that nothing else allocates meanwhile.

use std::{alloc::System, sync::Arc, time::Duration};

use sip_message::{Message, Method};
use sip_transport::{
    Cx, FlowEvent, FlowId, Guard, IdMint, Inbound, Origin, Outbox, Random, Tick, TimerOp, Transport,
    UnixTime, wheel::Wheel,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use transaction_core::{Config, Transactions, TxEvent, TxFailure, TxOutput, TxTimer};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MANY: u32 = 100_000;

/// Most bytes of a transaction with its timers and its place in the tables, without the request itself and before it sends
/// anything: 504 were measured.
const TRANSACTION: usize = 600;

/// The 408 that each sends in the end, and what holds it.
const RESPONSE: usize = 300;

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

struct Stack {
    transactions: Transactions,
    timers: Wheel<TxTimer>,
    outbox: Outbox<TxOutput>,
    random: Counting,
    ids: IdMint,
    guard: Guard,
    now: Tick,
    silent: u32,
    statuses: [u32; 2],
}

impl Stack {
    fn new() -> Self {
        let mut random = Counting(0);
        let guard = Guard::new(&mut random);
        let config = Config { capacity: MANY as usize, calls: 100, ..Config::default() };
        Self {
            transactions: Transactions::new(config),
            timers: Wheel::new(),
            outbox: Outbox::default(),
            random,
            ids: IdMint::default(),
            guard,
            now: Tick::default(),
            silent: 0,
            statuses: [0; 2],
        }
    }

    fn step(
        &mut self,
        run: impl FnOnce(&mut Transactions, &mut Cx<'_>, &mut sip_transport::Out<'_, TxOutput>),
    ) {
        let (random, ids, guard) = (&mut self.random, &mut self.ids, &self.guard);
        let mut cx = Cx { now: self.now, unix: UnixTime::default(), random, ids, guard };
        run(&mut self.transactions, &mut cx, &mut self.outbox.out());
        while let Some(output) = self.outbox.pop() {
            match output {
                TxOutput::Timer(TimerOp::Arm(timer, after)) => self.timers.arm(self.now, timer, after),
                TxOutput::Timer(TimerOp::Disarm(timer)) => self.timers.disarm(&timer),
                TxOutput::Send(outbound) => {
                    self.statuses[usize::from(outbound.wire.starts_with(b"SIP/2.0 408"))] += 1;
                }
                TxOutput::Event(TxEvent::Failed { failure, .. }) => {
                    assert_eq!(failure, TxFailure::TuSilent);
                    self.silent += 1;
                }
                TxOutput::Event(_)
                | TxOutput::Route(_)
                | TxOutput::Withdraw(_)
                | TxOutput::Avoid(_)
                | TxOutput::Keep { .. }
                | TxOutput::LetGo { .. } => {}
            }
        }
    }

    fn advance(&mut self, until: Duration) {
        let until = Tick::from_micros(until.as_micros() as u64);
        while let Some(next) = self.timers.next().filter(|next| *next <= until) {
            self.now = next;
            while let Some(timer) = self.timers.pop(next) {
                self.step(|transactions, cx, out| transactions.expire(cx, timer, out));
            }
        }
        self.now = until;
    }
}

fn invite(number: u32) -> Inbound {
    let text = format!(
        "INVITE sip:alice@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@192.0.2.20>;tag=peer\r\nTo: <sip:alice@192.0.2.10>\r\n\
         Call-ID: {number}@192.0.2.20\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    );
    let message = Message::parse(text.into()).expect("test message");
    assert_eq!(message.method(), Some(Method::Invite));
    let origin = Origin {
        flow: FlowId::from(1),
        transport: Transport::Udp,
        source: ([192, 0, 2, 20], 5060).into(),
        local: ([192, 0, 2, 10], 5060).into(),
        peer: None,
    };
    Inbound { reply: origin.hop(), origin, message: Arc::new(message), via: None }
}

fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

#[test]
fn a_hundred_thousand_half_open_invites_take_little_each_and_are_all_freed() {
    let mut stack = Stack::new();
    let requests: Vec<Inbound> = (0..MANY).map(invite).collect();
    let region = Region::new(ALLOCATIONS);
    for request in &requests {
        stack.step(|transactions, cx, out| {
            transactions.receive(cx, FlowEvent::Inbound(request.clone()), out);
        });
    }
    assert_eq!((stack.transactions.len(), stack.timers.len()), (MANY as usize, 2 * MANY as usize));
    let half_open = held(&region) / MANY as usize;

    stack.step(|transactions, cx, out| transactions.receive(cx, FlowEvent::Inbound(invite(MANY)), out));
    assert_eq!(stack.transactions.counters().refused_calls, 1);
    assert_eq!(stack.transactions.len(), MANY as usize, "one more is refused");

    stack.advance(Duration::from_mins(3));
    assert_eq!((stack.silent, stack.transactions.len()), (MANY, MANY as usize));
    assert_eq!(stack.statuses, [MANY + 1, MANY], "100 each and one 503, then 408");
    let given_up = held(&region) / MANY as usize;

    // Nobody acknowledges a 408: timer H.
    stack.advance(Duration::from_secs(180 + 32));
    assert!(stack.transactions.is_empty() && stack.timers.is_empty());
    assert_eq!(stack.silent, MANY, "told once each");
    println!("a half-open INVITE takes {half_open} bytes beside its request, after its 408 {given_up}");
    assert!(half_open <= TRANSACTION, "{half_open} bytes");
    assert!(given_up <= TRANSACTION + RESPONSE, "{given_up} bytes");

    let shared: usize = requests.iter().map(|request| Arc::strong_count(&request.message)).sum();
    assert_eq!(shared, MANY as usize, "no request is kept");
    drop(stack);
    assert_eq!(held(&region), 0, "nothing is left");
}
