//! Random registrars, losses and times: one REGISTER at a time, numbers rise, no flood, and nothing is left.

use std::{collections::BTreeMap, time::Duration};

use dialog_core::{DialogEvent, RegistrationCommand, RegistrationEvent, RegistrationId};
use proptest::prelude::*;
use sip_message::{HeaderId, Method};
use sip_transport::{CloseCause, FlowId, Transport};
use transaction_core::{TxEvent, TxFailure};

use crate::{
    bench::{Bench, Sent, uri},
    registrar::{binding, command, cseq, outbound_account},
};

const STATUSES: [u16; 20] =
    [100, 200, 200, 200, 200, 200, 200, 302, 302, 400, 403, 408, 423, 423, 439, 480, 500, 503, 503, 600];

#[derive(Debug, Clone)]
enum Act {
    Register,
    Refresh(usize),
    Unregister(usize),
    Answer { which: usize, status: u16, seconds: u32 },
    Fail { which: usize, timeout: bool },
    Break,
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => Just(Act::Register),
        1 => any::<usize>().prop_map(Act::Refresh),
        1 => any::<usize>().prop_map(Act::Unregister),
        8 => (any::<usize>(), prop::sample::select(&STATUSES[..]), prop_oneof![0..4_u32, 0..200_000_u32])
            .prop_map(|(which, status, seconds)| Act::Answer { which, status, seconds }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, timeout)| Act::Fail { which, timeout }),
        1 => Just(Act::Break),
        4 => prop_oneof![0..100_u64, 0..5_000_u64].prop_map(Act::Wait),
    ]
}

struct World {
    bench: Bench,
    ids: Vec<RegistrationId>,
    /// REGISTERs without a final outcome.
    open: Vec<Sent>,
    seen_sent: usize,
    seen_events: usize,
    last: BTreeMap<String, u32>,
    over: BTreeMap<RegistrationId, usize>,
    redirected: u32,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::new();
        bench.transport = Transport::Tcp;
        Self {
            bench,
            ids: Vec::new(),
            open: Vec::new(),
            seen_sent: 0,
            seen_events: 0,
            last: BTreeMap::new(),
            over: BTreeMap::new(),
            redirected: 0,
        }
    }

    /// Takes note of what came out, and checks what must always hold.
    fn look(&mut self) {
        for sent in self.bench.sent.split_off(self.seen_sent) {
            assert_eq!(sent.message.method(), Some(Method::Register));
            let call = sent.message.call_id().expect("a Call-ID").to_owned();
            let before = self.last.insert(call.clone(), cseq(&sent)).unwrap_or(0);
            assert_eq!(cseq(&sent), before + 1, "numbers rise by one");
            let under_way = self.open.iter().filter(|it| it.message.call_id() == Ok(&call)).count();
            assert_eq!(under_way, 0, "one at a time");
            self.open.push(sent);
        }
        self.seen_sent = self.bench.sent.len();
        for event in &self.bench.events[self.seen_events..] {
            let DialogEvent::Registration(id, event) = event else { panic!("{event:?}") };
            let ends = matches!(
                event,
                RegistrationEvent::Unregistered { .. } | RegistrationEvent::Failed { retry_after: None, .. }
            );
            let misused = matches!(event, RegistrationEvent::Misused(_));
            let over = self.over.entry(*id).or_default();
            assert!(*over == 0 || misused, "nothing follows the end: {event:?}");
            *over += usize::from(ends);
        }
        self.seen_events = self.bench.events.len();
    }

    fn take(&mut self, which: usize) -> Option<Sent> {
        (!self.open.is_empty()).then(|| self.open.remove(which % self.open.len()))
    }

    fn answer(&mut self, which: usize, status: u16, seconds: u32) {
        let Some(sent) = self.take(which) else { return };
        self.redirected += 1;
        let contact = match status {
            200 => binding(&sent, seconds),
            302 => format!("<sip:r{}.example.com>", self.redirected),
            _ => String::new(),
        };
        self.bench.reply(&sent, status, "registrar", |response| {
            let response = response.header(HeaderId::FlowTimer, seconds % 200);
            match status {
                200 | 302 => response.contact(&contact),
                423 => response.header(HeaderId::MinExpires, seconds),
                503 => response.header(HeaderId::RetryAfter, seconds),
                _ => response,
            }
        });
        if status < 200 {
            self.open.push(sent);
        }
    }

    fn play(&mut self, act: &Act) {
        let some = |ids: &[RegistrationId], which: usize| ids.get(which % ids.len().max(1)).copied();
        match *act {
            Act::Register => {
                let mut account = outbound_account();
                account.reg_id = Some(self.ids.len() as u32 + 1);
                account.registrars.push(uri("sip:second.example.com"));
                let id = self.bench.ids.mint();
                self.ids.push(id);
                command(&mut self.bench, id, RegistrationCommand::Register(Box::new(account)));
            }
            Act::Refresh(which) => {
                if let Some(id) = some(&self.ids, which) {
                    command(&mut self.bench, id, RegistrationCommand::Refresh);
                }
            }
            Act::Unregister(which) => {
                if let Some(id) = some(&self.ids, which) {
                    command(&mut self.bench, id, RegistrationCommand::Unregister);
                }
            }
            Act::Answer { which, status, seconds } => self.answer(which, status, seconds),
            Act::Fail { which, timeout } => {
                if let Some(sent) = self.take(which) {
                    self.bench.fail(&sent, if timeout { TxFailure::Timeout } else { TxFailure::Flow });
                }
            }
            Act::Break => {
                let flow = FlowId::from(self.bench.flow);
                self.bench.flow += 1;
                self.bench.receive(TxEvent::FlowEnded { flow, cause: CloseCause::Lost });
            }
            Act::Wait(seconds) => self.bench.advance(Duration::from_secs(seconds)),
        }
        self.look();
    }

    /// Everything is taken back, and the registrar answers or does not.
    fn finish(&mut self, silent: bool) {
        for id in self.ids.clone() {
            command(&mut self.bench, id, RegistrationCommand::Unregister);
            self.look();
        }
        for _ in 0..100 {
            let Some(sent) = self.take(0) else { break };
            if silent {
                self.bench.fail(&sent, TxFailure::Timeout);
            } else {
                self.bench.reply(&sent, 200, "registrar", |response| response);
            }
            self.look();
        }
        assert!(self.open.is_empty());
        assert!(self.bench.is_clean(), "{:?} {:#?}", self.bench.timers, self.bench.dialogs);
        assert!(self.bench.kept.is_empty());
        assert!(self.ids.iter().all(|id| self.over.get(id) == Some(&1)), "each ends once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn one_at_a_time_with_rising_numbers_and_nothing_left(
        acts in prop::collection::vec(act(), 1..80),
        silent in any::<bool>(),
    ) {
        let mut world = World::new();
        for act in &acts {
            world.play(act);
        }
        world.finish(silent);
    }

    /// Whatever a registrar answers, and however often it breaks the connection, it is not flooded: what follows at once is
    /// bounded, and then there is a wait of half the base at least, or of five seconds after a success.
    #[test]
    fn a_registrar_is_never_flooded(
        answers in prop::collection::vec((prop::sample::select(&STATUSES[1..]), 0..100_u32, any::<bool>()), 1..200),
    ) {
        const PER_MINUTE: usize = 60;
        let mut world = World::new();
        world.play(&Act::Register);
        let mut minute = world.bench.now;
        let mut sent = world.last.values().copied().max().unwrap_or(0);
        for (status, seconds, breaks) in answers {
            world.answer(0, status, seconds);
            world.look();
            if breaks {
                world.play(&Act::Break);
            }
            if world.open.is_empty() {
                let Some((_, at)) = world.bench.next_timer() else { break };
                world.bench.advance(at.since(world.bench.now));
                world.look();
            }
            if world.bench.now.since(minute) >= Duration::from_mins(1) {
                minute = world.bench.now;
                sent = world.last.values().copied().max().unwrap_or(0);
            }
            let now = world.last.values().copied().max().unwrap_or(0);
            prop_assert!((now - sent) as usize <= PER_MINUTE, "{} in a minute", now - sent);
        }
    }
}
