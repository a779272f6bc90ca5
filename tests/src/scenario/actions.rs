//! What a party does: the last words of a step.

use sip_message::StatusCode;
use transfer::{AttendedOptions, Completion, ReferTarget};

use super::{
    Action, Content, InDialog, Scenario,
    parse::{duration, number, party},
};

/// Reads an action.
pub(super) fn action(scenario: &Scenario, words: &[&str]) -> Result<Action, String> {
    let whom = |name: &str| party(scenario, name);
    let maybe = |names: &[&str]| match names {
        [] => Ok(None),
        [name] => whom(name).map(Some),
        _ => Err(format!("one party at most: {}", names.join(" "))),
    };
    match words {
        ["call", name] => Ok(Action::Call(whom(name)?)),
        ["blind", name] => Ok(Action::Blind(whom(name)?)),
        ["consult", name, rest @ ..] => {
            let (options, completion) = asked(rest)?;
            Ok(Action::Consult(whom(name)?, options, completion))
        }
        ["warm", name, rest @ ..] => warm(whom(name)?, rest),
        ["accept-target"] => Ok(Action::DecideWarm(true)),
        ["decline-target"] => Ok(Action::DecideWarm(false)),
        ["register", name, "for", time] => Ok(Action::Register(whom(name)?, duration(time)?)),
        ["unregister"] => Ok(Action::Unregister),
        ["attended", name, target, rest @ ..] => {
            Ok(Action::Attended(whom(name)?, whom(target)?, asked(rest)?.0))
        }
        ["complete"] => Ok(Action::Complete),
        ["hand-over", names @ ..] => Ok(Action::HandOver(maybe(names)?)),
        ["swap"] => Ok(Action::Swap),
        ["hang-up", names @ ..] => Ok(Action::HangUp(maybe(names)?)),
        ["hang-up-all"] => Ok(Action::HangUpAll),
        ["hold", names @ ..] => Ok(Action::Hold(maybe(names)?)),
        ["resume", names @ ..] => Ok(Action::Resume(maybe(names)?)),
        ["cancel-transfer"] => Ok(Action::CancelTransfer),
        ["accept-transfer"] => Ok(Action::AcceptTransfer),
        ["reject-transfer"] => Ok(Action::RejectTransfer),
        ["reply", code, rest @ ..] => {
            let (phrase, sdp) = without_sdp(rest);
            let code = StatusCode::new(number(code)?).ok_or_else(|| format!("not a status code: {code}"))?;
            Ok(Action::Reply { code, phrase: phrase.join(" "), content: content(sdp) })
        }
        ["send", method, rest @ ..] => {
            let (rest, sdp) = without_sdp(rest);
            let dialog = match rest {
                [] => InDialog::Same,
                ["in", nth] => InDialog::Nth(number(nth)?),
                ["to", name] => InDialog::New { party: whom(name)?, uri: None },
                ["to", name, "as", uri] => InDialog::New { party: whom(name)?, uri: Some((*uri).to_owned()) },
                _ => return Err(format!("unexpected: {}", rest.join(" "))),
            };
            Ok(Action::Send { method: (*method).to_owned(), dialog, content: content(sdp) })
        }
        _ => Err(format!("unknown action: {}", words.join(" "))),
    }
}

/// Reads a line of a scripted message into its content.
pub(super) fn line(action: &mut Action, text: &str) -> Result<(), String> {
    let (Action::Reply { content, .. } | Action::Send { content, .. }) = action else {
        return Err("a line of a message needs a `reply` or `send` before it".to_owned());
    };
    let text = text.strip_prefix(' ').unwrap_or(text);
    match &mut content.body {
        Some(body) => body.push(text.to_owned()),
        None if text.is_empty() => content.body = Some(Vec::new()),
        None => content.headers.push(text.to_owned()),
    }
    Ok(())
}

fn content(sdp: bool) -> Content {
    Content { sdp, ..Content::default() }
}

fn without_sdp<'a, 'b>(words: &'b [&'a str]) -> (&'b [&'a str], bool) {
    match words {
        [before @ .., "sdp"] => (before, true),
        _ => (words, false),
    }
}

fn warm(target: usize, words: &[&str]) -> Result<Action, String> {
    let (briefed, words) = match words {
        ["briefed", rest @ ..] => (true, rest),
        _ => (false, words),
    };
    let deadline = match words {
        [] => None,
        ["deadline", deadline] => Some(duration(deadline)?),
        _ => return Err(format!("unexpected: {}", words.join(" "))),
    };
    Ok(Action::Warm { target, briefed, deadline })
}

fn asked(words: &[&str]) -> Result<(AttendedOptions, Completion), String> {
    let (mut options, mut completion) = (AttendedOptions::default(), Completion::OnCommand);
    for word in words {
        match *word {
            "contact" => options.refer_to = Some(ReferTarget::Contact),
            "aor" => options.refer_to = Some(ReferTarget::AddressOfRecord),
            "protect" => options.protect_target = true,
            "force" => options.force = true,
            "on-answer" => completion = Completion::OnAnswer,
            _ => return Err(format!("unknown option of a transfer: {word}")),
        }
    }
    Ok((options, completion))
}
