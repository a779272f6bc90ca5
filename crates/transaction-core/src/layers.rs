//! The transport and the transaction layer as one, for whoever needs no dialogs: a proxy, a load tool, a responder.

use std::{collections::VecDeque, fmt};

use sip_transport::{
    Cx, Guard, IdMint, Outbox, Random, Tick, TimerOp, TransportCommand, TransportInput, TransportOutput,
    TransportTimer, Transports, UnixTime, wheel::Wheel,
};

use crate::{
    boundary::{TxCommand, TxEvent, TxOutput, TxTimer},
    transactions::{Config, Transactions},
};

/// What [`Layers`] want done.
#[derive(Debug, Clone)]
pub enum LayersOutput {
    /// For the transaction user.
    Event(TxEvent),
    /// For the sockets or the resolver: anything but what concerns the layers alone, a flow's event or a timer.
    Transport(TransportOutput),
}

/// [`Transports`] and [`Transactions`] with what lies between them: their timers, identifiers and the values that they tell
/// each other.
///
/// Whoever has them says how late it is by [`Layers::advance`], gives what sockets and resolver bring, and takes what is to
/// be done until nothing is left. The example `options_responder` does no more.
pub struct Layers {
    transports: Transports,
    transactions: Transactions,
    surroundings: Surroundings,
    timers: Wheel<Timer>,
    from_transports: Outbox<TransportOutput>,
    from_transactions: Outbox<TxOutput>,
    outputs: VecDeque<LayersOutput>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Timer {
    Transport(TransportTimer),
    Transaction(TxTimer),
}

/// What both layers read.
struct Surroundings {
    now: Tick,
    unix: UnixTime,
    random: Box<dyn Random + Send>,
    ids: IdMint,
    guard: Guard,
}

impl Surroundings {
    fn cx(&mut self) -> Cx<'_> {
        let Self { now, unix, random, ids, guard } = self;
        Cx { now: *now, unix: *unix, random: &mut **random, ids, guard }
    }
}

impl Layers {
    /// Makes both layers, at the start of time.
    pub fn new(transport: sip_transport::Config, config: Config, mut random: Box<dyn Random + Send>) -> Self {
        let guard = Guard::new(&mut *random);
        let (now, unix) = (Tick::default(), UnixTime::default());
        Self {
            transports: Transports::new(transport),
            transactions: Transactions::new(config),
            surroundings: Surroundings { now, unix, random, ids: IdMint::default(), guard },
            timers: Wheel::new(),
            from_transports: Outbox::default(),
            from_transactions: Outbox::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Says how late it is, and fires the timers that are due. `now` is never before that of an earlier call.
    pub fn advance(&mut self, now: Tick, unix: UnixTime) {
        (self.surroundings.now, self.surroundings.unix) = (now, unix);
        while let Some(timer) = self.timers.pop(now) {
            let cx = &mut self.surroundings.cx();
            match timer {
                Timer::Transport(timer) => {
                    self.transports.expire(cx, timer, &mut self.from_transports.out());
                }
                Timer::Transaction(timer) => {
                    self.transactions.expire(cx, timer, &mut self.from_transactions.out());
                }
            }
            self.carry();
        }
    }

    /// When [`Layers::advance`] is to be called next, at the latest.
    pub fn next(&self) -> Option<Tick> {
        self.timers.next()
    }

    /// Takes what the sockets or the resolver report.
    pub fn receive(&mut self, input: TransportInput) {
        let cx = &mut self.surroundings.cx();
        self.transports.receive(cx, input, &mut self.from_transports.out());
        self.carry();
    }

    /// Takes an order from the transaction user.
    pub fn command(&mut self, command: TxCommand) {
        let cx = &mut self.surroundings.cx();
        self.transactions.command(cx, command, &mut self.from_transactions.out());
        self.carry();
    }

    /// The next thing to be done, in order.
    pub fn poll(&mut self) -> Option<LayersOutput> {
        self.outputs.pop_front()
    }

    /// An identifier for a transaction or a route that is asked for, or a flow.
    pub fn mint<I: From<u64>>(&mut self) -> I {
        self.surroundings.ids.mint()
    }

    /// The transport layer.
    pub const fn transports(&self) -> &Transports {
        &self.transports
    }

    /// The transaction layer.
    pub const fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    /// Carries values between the layers until none is left.
    fn carry(&mut self) {
        loop {
            if let Some(output) = self.from_transports.pop() {
                self.carry_up(output);
            } else if let Some(output) = self.from_transactions.pop() {
                self.carry_down(output);
            } else {
                return;
            }
        }
    }

    fn carry_up(&mut self, output: TransportOutput) {
        match output {
            TransportOutput::Flow(event) => {
                let cx = &mut self.surroundings.cx();
                self.transactions.receive(cx, event, &mut self.from_transactions.out());
            }
            TransportOutput::Timer(op) => self.time(op, Timer::Transport),
            output @ (TransportOutput::Write(_)
            | TransportOutput::KeepAlive { .. }
            | TransportOutput::Connect(_)
            | TransportOutput::Close(_)
            | TransportOutput::Again(_)
            | TransportOutput::Resolve { .. }) => self.outputs.push_back(LayersOutput::Transport(output)),
        }
    }

    fn carry_down(&mut self, output: TxOutput) {
        let command = match output {
            TxOutput::Event(event) => return self.outputs.push_back(LayersOutput::Event(event)),
            TxOutput::Timer(op) => return self.time(op, Timer::Transaction),
            TxOutput::Route(route) => TransportCommand::Route(route),
            TxOutput::Send(outbound) => TransportCommand::Send(outbound),
            TxOutput::Withdraw(outbound) => TransportCommand::Withdraw(outbound),
            TxOutput::Avoid(hop) => TransportCommand::Avoid(hop),
            TxOutput::Keep { flow, remote, every } => TransportCommand::Keep { flow, remote, every },
            TxOutput::LetGo { flow, remote } => TransportCommand::LetGo { flow, remote },
        };
        let cx = &mut self.surroundings.cx();
        self.transports.command(cx, command, &mut self.from_transports.out());
    }

    fn time<K>(&mut self, op: TimerOp<K>, name: impl Fn(K) -> Timer) {
        match op {
            TimerOp::Arm(key, after) => self.timers.arm(self.surroundings.now, name(key), after),
            TimerOp::Disarm(key) => self.timers.disarm(&name(key)),
        }
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layers")
            .field("transports", &self.transports)
            .field("transactions", &self.transactions)
            .finish_non_exhaustive()
    }
}
