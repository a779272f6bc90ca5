//! What scripted parties do: the scenario's steps, and what it says nothing about.

use super::{
    Plan, Player,
    settings::{transport_for, uri_for},
};
use crate::{
    journal::What,
    node::Node,
    scenario::{Action, InDialog, When},
    scripted::{Came, Outgoing, Way},
};

impl Player<'_> {
    /// A message came to a scripted party: the steps that waited for it are due, or it is answered as usual.
    pub(super) fn came(&mut self, party: usize, came: &Came) {
        let waiting: Vec<usize> = (0..self.scenario.steps.len())
            .filter(|step| match &self.scenario.steps[*step].when {
                When::Message { party: whose, kind, nth } => {
                    (*whose, kind.as_str(), *nth) == (party, came.kind.as_str(), came.nth)
                }
                When::Start | When::Event { .. } => false,
            })
            .collect();
        for step in &waiting {
            let after = self.seed.within(self.scenario.steps[*step].after);
            let plan = Plan::Step { number: *step, about: Some(came.number) };
            self.plan(self.scenario.steps[*step].party, after, plan);
        }
        let answered = waiting.iter().any(|step| {
            let step = &self.scenario.steps[*step];
            step.party == party && matches!(step.action, Action::Reply { .. })
        });
        if !answered && let Some(scripted) = self.world.scripted(party) {
            let replies = scripted.reply_by_default(came.number);
            self.send_scripted(party, replies);
        }
    }

    pub(super) fn act_scripted(&mut self, party: usize, action: &Action, about: Option<usize>) {
        let Some(scripted) = self.world.scripted(party) else { return };
        let sent = match action {
            Action::Reply { code, phrase, content } => {
                about.and_then(|about| scripted.reply(about, *code, phrase, content))
            }
            Action::Send { method, dialog, content } => {
                let dialog = match dialog {
                    InDialog::Same => None,
                    InDialog::Nth(nth) => nth.checked_sub(1),
                    InDialog::New { party: whom, uri } => {
                        let (own, other) = (&self.scenario.parties[party], &self.scenario.parties[*whom]);
                        let transport = transport_for(own, other);
                        let uri = uri.clone().unwrap_or_else(|| uri_for(own, *whom, other).to_string());
                        let address = Node::listens_at(*whom, transport);
                        Some(scripted.open(Way { transport, address }, &uri, about))
                    }
                };
                scripted.send(method, dialog, about, content)
            }
            Action::HangUpAll => return,
            _ => None,
        };
        if sent.is_none() {
            self.world
                .note(party, || What::Refused("there is no dialog or message for this step".to_owned()));
        }
        self.send_scripted(party, sent);
    }

    fn send_scripted(&mut self, party: usize, messages: impl IntoIterator<Item = Outgoing>) {
        for (to, message) in messages {
            self.world.send_scripted(party, to, message);
        }
    }
}
