//! What a party's application does when a step of the scenario is due.

use session_core::{
    Account,
    engine::{Acceptance, AccountCommand, CallOptions, Command, WarmOptions},
};
use sip_message::NameAddrBuf;
use transfer::Decision;

use super::{Player, uri_for, uri_of};
use crate::{journal::What, scenario::Action};

impl Player<'_> {
    /// Does what a step says. `about` is the message that a scripted party's step waited for.
    pub(super) fn act(&mut self, party: usize, action: &Action, about: Option<usize>) {
        if self.scenario.parties[party].is_scripted() {
            self.act_scripted(party, action, about);
            return;
        }
        let (what, command) = self.command_of(party, action);
        let Some(command) = command else {
            let refused = || What::Refused(format!("{what}: there is nothing to do it with"));
            return self.world.note(party, refused);
        };
        self.ask(party, command, what);
    }

    fn command_of(&self, party: usize, action: &Action) -> (String, Option<Command>) {
        let known = &self.known[party];
        let name = |number: usize| self.scenario.parties[number].name.as_str();
        let uri = |number: usize| uri_of(number, &self.scenario.parties[number]);
        let call = |with: &Option<usize>| known.call(with.map(name));
        // A command about one call, its own word followed by the other party where the step names one.
        let about = |word: &str, with: &Option<usize>| match with {
            Some(with) => format!("{word} {}", name(*with)),
            None => word.to_owned(),
        };
        match action {
            Action::Call(whom) => {
                let parties = &self.scenario.parties;
                let target = uri_for(&parties[party], *whom, &parties[*whom]);
                let command = Command::Call { target, options: CallOptions::default() };
                (format!("call {}", name(*whom)), Some(command))
            }
            Action::Blind(whom) => {
                let command = call(&None).map(|session| Command::Blind { session, target: uri(*whom) });
                (format!("blind {}", name(*whom)), command)
            }
            Action::Consult(whom, options, completion) => {
                let command = call(&None).map(|session| Command::Consult {
                    session,
                    target: uri(*whom),
                    options: *options,
                    completion: *completion,
                });
                (format!("consult {}", name(*whom)), command)
            }
            Action::Warm { target, briefed, deadline } => {
                let mut options = WarmOptions::default();
                options.acceptance = if *briefed { Acceptance::Briefed } else { Acceptance::Application };
                options.deadline = deadline.unwrap_or(options.deadline);
                let command = call(&None).map(|session| Command::Warm {
                    session,
                    target: uri(*target),
                    options: Box::new(options),
                });
                (format!("warm {}", name(*target)), command)
            }
            Action::DecideWarm(accept) => {
                let command =
                    known.transfer().map(|transfer| Command::DecideWarm { transfer, accept: *accept });
                (if *accept { "accept-target" } else { "decline-target" }.to_owned(), command)
            }
            Action::Register(registrar, time) => {
                let account = Account::new(NameAddrBuf::from(uri(party))).ok().map(|mut account| {
                    account.registrars = vec![uri(*registrar)];
                    account.contact_user = Some(name(party).into());
                    account.expires = *time;
                    Command::Account(AccountCommand::Register(Box::new(account)))
                });
                (format!("register {}", name(*registrar)), account)
            }
            Action::Unregister => {
                let unregister = |registration| Command::Account(AccountCommand::Unregister(registration));
                ("unregister".to_owned(), known.registration.map(unregister))
            }
            Action::Attended(whom, target, options) => {
                let calls = call(&Some(*whom)).zip(call(&Some(*target)));
                let command = calls.map(|(session, consultation)| Command::Attended {
                    session,
                    consultation,
                    options: *options,
                });
                (format!("attended {} {}", name(*whom), name(*target)), command)
            }
            Action::Complete => {
                ("complete".to_owned(), known.transfer().map(|transfer| Command::Complete { transfer }))
            }
            Action::Swap => ("swap".to_owned(), known.transfer().map(|transfer| Command::Swap { transfer })),
            Action::HandOver(with) => {
                (about("hand-over", with), call(with).map(|session| Command::HandOver { session }))
            }
            Action::HangUp(with) => {
                (about("hang-up", with), call(with).map(|session| Command::HangUp { session }))
            }
            Action::HangUpAll => ("hang-up-all".to_owned(), Some(Command::HangUpAll)),
            Action::Hold(with) => (about("hold", with), call(with).map(|session| Command::Hold { session })),
            Action::Resume(with) => {
                (about("resume", with), call(with).map(|session| Command::Resume { session }))
            }
            Action::CancelTransfer => {
                let command = known.transfer().map(|transfer| Command::CancelTransfer { transfer });
                ("cancel-transfer".to_owned(), command)
            }
            Action::AcceptTransfer => {
                let decision = Decision::Accept;
                let command = known.transfer().map(|transfer| Command::Decide { transfer, decision });
                ("accept-transfer".to_owned(), command)
            }
            Action::RejectTransfer => {
                let decision = Decision::Reject;
                let command = known.transfer().map(|transfer| Command::Decide { transfer, decision });
                ("reject-transfer".to_owned(), command)
            }
            Action::Reply { .. } | Action::Send { .. } => ("a scripted message".to_owned(), None),
        }
    }
}
