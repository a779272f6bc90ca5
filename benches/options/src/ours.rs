//! Our answerer: the sockets and the transport layer of sip-transport, transaction-core above it, and one timer wheel.
//!
//! The workspace compiles it too, in `tests/tests/options_answerer.rs`, so that it keeps up with the crates.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use sip_message::{HeaderId, Response, StatusCode};
use sip_transport::{
    Cx, Guard, IdMint, Inbound, Outbox, Purpose, Random, Tick, TimerOp, Transport, TransportCommand,
    TransportInput, TransportOutput, TransportTimer, Transports, UnixTime,
    io::{INPUTS_PER_TURN, SocketConfig, Sockets, Written},
    wheel::Wheel,
};
use tokio::time::sleep_until;
use transaction_core::{Config, Transactions, TxCommand, TxEvent, TxId, TxOutput, TxTimer};

/// As many transactions as come in 64*T1 at 30,000 a second.
const CAPACITY: usize = 1 << 20;

/// What is slept if there is no timer.
const IDLE: Duration = Duration::from_hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Timer {
    Transport(TransportTimer),
    Transaction(TxTimer),
}

/// What a [`Cx`] is filled from.
struct Surroundings {
    start: Instant,
    now: Tick,
    random: SystemRandom,
    ids: IdMint,
    guard: Guard,
}

struct Answerer {
    sockets: Sockets,
    surroundings: Surroundings,
    transports: Transports,
    transactions: Transactions,
    timers: Wheel<Timer>,
    from_transport: Outbox<TransportOutput>,
    from_transactions: Outbox<TxOutput>,
}

pub(crate) async fn serve(tell: impl Fn(SocketAddr) -> io::Result<()>) -> Result<(), Box<dyn Error>> {
    let mut sockets = Sockets::new(SocketConfig::default());
    let listening = sockets.listen(Transport::Udp, "127.0.0.1:0".parse()?)?;
    listening.into_iter().try_for_each(tell)?;
    let mut answerer = Answerer::new(sockets);
    let mut inputs = Vec::with_capacity(INPUTS_PER_TURN);
    let sleep = sleep_until(Instant::now().into());
    tokio::pin!(sleep);
    loop {
        sleep.as_mut().reset(answerer.deadline().into());
        tokio::select! {
            () = answerer.sockets.next(&mut inputs) => {}
            () = &mut sleep => {}
        }
        answerer.expire();
        inputs.drain(..).for_each(|input| answerer.receive(input));
    }
}

impl Answerer {
    fn new(sockets: Sockets) -> Self {
        let mut random = SystemRandom;
        let guard = Guard::new(&mut random);
        let (start, now) = (Instant::now(), Tick::default());
        let config = Config { capacity: CAPACITY, ..Config::default() };
        Self {
            sockets,
            surroundings: Surroundings { start, now, random, ids: IdMint::default(), guard },
            transports: Transports::new(sip_transport::Config::default()),
            transactions: Transactions::new(config),
            timers: Wheel::new(),
            from_transport: Outbox::default(),
            from_transactions: Outbox::default(),
        }
    }

    fn deadline(&self) -> Instant {
        let next = self.timers.next().map(|tick| Duration::from_micros(tick.as_micros()));
        next.map_or_else(|| Instant::now() + IDLE, |next| self.surroundings.start + next)
    }

    fn receive(&mut self, input: TransportInput) {
        self.surroundings.advance();
        self.transports.receive(&mut self.surroundings.cx(), input, &mut self.from_transport.out());
        self.carry();
    }

    fn expire(&mut self) {
        self.surroundings.advance();
        while let Some(timer) = self.timers.pop(self.surroundings.now) {
            let cx = &mut self.surroundings.cx();
            match timer {
                Timer::Transport(timer) => {
                    self.transports.expire(cx, timer, &mut self.from_transport.out());
                }
                Timer::Transaction(timer) => {
                    self.transactions.expire(cx, timer, &mut self.from_transactions.out());
                }
            }
            self.carry();
        }
    }

    /// Carries values between the layers until none is left.
    fn carry(&mut self) {
        loop {
            if let Some(output) = self.from_transport.pop() {
                self.carry_transport(output);
            } else if let Some(output) = self.from_transactions.pop() {
                self.carry_transaction(output);
            } else {
                return;
            }
        }
    }

    fn carry_transport(&mut self, output: TransportOutput) {
        let cx = &mut self.surroundings.cx();
        match output {
            TransportOutput::Flow(event) => {
                self.transactions.receive(cx, event, &mut self.from_transactions.out());
            }
            TransportOutput::Write(outbound) => match self.sockets.write(&outbound) {
                Written::Sent | Written::Lost => {}
                Written::Failed(input) => {
                    self.transports.receive(cx, input, &mut self.from_transport.out());
                }
            },
            TransportOutput::Timer(op) => self.arm(op, Timer::Transport),
            // By UDP alone there are no connections, nothing registers, and where a response goes needs no resolver.
            TransportOutput::KeepAlive { .. }
            | TransportOutput::Connect(_)
            | TransportOutput::Close(_)
            | TransportOutput::Again(_)
            | TransportOutput::Resolve { .. } => {}
        }
    }

    fn carry_transaction(&mut self, output: TxOutput) {
        let command = match output {
            TxOutput::Send(outbound) => TransportCommand::Send(outbound),
            TxOutput::Route(route) => TransportCommand::Route(route),
            TxOutput::Withdraw(outbound) => TransportCommand::Withdraw(outbound),
            TxOutput::Avoid(hop) => TransportCommand::Avoid(hop),
            TxOutput::Keep { flow, remote, every } => TransportCommand::Keep { flow, remote, every },
            TxOutput::LetGo { flow, remote } => TransportCommand::LetGo { flow, remote },
            TxOutput::Timer(op) => return self.arm(op, Timer::Transaction),
            TxOutput::Event(TxEvent::Request { tx, inbound }) => return self.answer(tx, &inbound),
            TxOutput::Event(_) => return,
        };
        self.transports.command(&mut self.surroundings.cx(), command, &mut self.from_transport.out());
    }

    fn answer(&mut self, tx: TxId, inbound: &Inbound) {
        let tag = self.surroundings.guard.token(Purpose::Tag, tx.number());
        let mut response = Response::to(&inbound.message, StatusCode::OK)
            .to_tag(tag.as_str())
            .header(HeaderId::Server, "patchcord");
        if let Some(via) = &inbound.via {
            response = response.top_via(via);
        }
        // A request that cannot be answered is sent again and then counted by the driver.
        let Ok(wire) = response.encode() else { return };
        let command = TxCommand::Respond { tx, status: StatusCode::OK, wire };
        self.transactions.command(&mut self.surroundings.cx(), command, &mut self.from_transactions.out());
    }

    fn arm<T>(&mut self, op: TimerOp<T>, timer: impl Fn(T) -> Timer) {
        match op {
            TimerOp::Arm(key, after) => self.timers.arm(self.surroundings.now, timer(key), after),
            TimerOp::Disarm(key) => self.timers.disarm(&timer(key)),
        }
    }
}

impl Surroundings {
    fn cx(&mut self) -> Cx<'_> {
        Cx {
            now: self.now,
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        }
    }

    fn advance(&mut self) {
        self.now = Tick::from_micros(self.start.elapsed().as_micros() as u64);
    }
}

/// The operating system's random source; what is measured draws a key at its start and no more.
struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&mut self) -> u64 {
        // invariant: Linux' source does not fail once the system is up.
        getrandom::u64().expect("invariant: the random source works")
    }
}
