//! SIP.js as the client of our WebSocket: it has no address of its own, so that everything goes over its connection.

use patchcord_tests::peer::{
    PATIENCE, application::Application, authority::Authority, phone::Phone, sipjs::SipJs,
};

use super::{
    Outcome, address_by_transport, names,
    over::{Over, tls},
    seat::{FIRST_TONE, SECOND_TONE},
    table::{self, Row, cases},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 28;

/// What the client does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// Asks for OPTIONS.
    Options(Over),
    /// Calls `answer`, holds, resumes, hangs up.
    Calls(Over),
    /// Calls `answer`, which hangs up.
    HungUp(Over),
    /// Calls `answer` and moves it to another.
    Moves(Over),
}

cases! {
    everything_goes_over_the_clients_connection;
    a_websocket_client_asks_for_options: Case::Options(Over::Ws),
    a_secure_websocket_client_asks_for_options: Case::Options(Over::Wss),
    a_websocket_client_calls_holds_and_resumes_us: Case::Calls(Over::Ws),
    a_secure_websocket_client_calls_holds_and_resumes_us: Case::Calls(Over::Wss),
    a_websocket_client_is_hung_up_on: Case::HungUp(Over::Ws),
    a_websocket_client_moves_us: Case::Moves(Over::Ws),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (over, role, kind, with, media, expected) = match case {
            Case::Options(over) => {
                (over, "anybody", "OPTIONS", "`answer`", "–", "200, Allow names INVITE, REFER, NOTIFY")
            }
            Case::Calls(over) => (
                over,
                "caller",
                "call, hold, resume, BYE",
                "`answer --echo`",
                "tone there and back; silence on hold",
                "each hold is told",
            ),
            Case::HungUp(over) => (
                over,
                "caller",
                "call, BYE by the called party",
                "`answer --echo`",
                "tone there and back",
                "the BYE comes over its connection",
            ),
            Case::Moves(over) => (
                over,
                "transferor",
                "blind",
                "`answer` (transferee), `answer` by UDP (target)",
                "RTP both ways",
                "the NOTIFYs come over its connection; it learns of the success and its call ends",
            ),
        };
        Row {
            peer: "SIP.js",
            role,
            kind,
            with: format!("{with} over {}", over.name()),
            media,
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn everything_goes_over_the_clients_connection(place: u8, case: Case) -> Outcome {
    // covers: TR-202
    let [ours, peer, target] = [1, 2, 3].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let (Case::Options(over) | Case::Calls(over) | Case::HungUp(over) | Case::Moves(over)) = case;
    let host = ours.to_string();
    let authority = Authority::new(&host)?;
    let listen = over.listen(ours);
    let mut arguments: Vec<String> = ["answer", "--listen", &listen].map(str::to_owned).into();
    arguments.extend(
        match case {
            Case::Options(_) | Case::Calls(_) | Case::HungUp(_) => vec!["--echo"],
            Case::Moves(_) => {
                vec!["--listen", "udp:{ours}:5060", "--refer", "allow", "--allow-target", "127.0.0.0/8"]
            }
        }
        .into_iter()
        .map(|word| word.replace("{ours}", &host)),
    );
    if over == Over::Wss {
        arguments.extend(tls(&authority.issue("ours", &[&host])?, &authority.roots()));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut answer = Application::start(&arguments)?;
    let server = format!("{}://{host}:{}", over.token(), over.port());
    let mut bob = SipJs::start_websocket("bob", peer, FIRST_TONE, &server, &authority.roots())?;
    let user = format!("sip:alice@{host}");
    match case {
        Case::Options(_) => {
            bob.say(&format!("options {user}"))?;
            let told = bob.wait_for("an answer", PATIENCE, |event| event["event"] == "options")?;
            assert_eq!(told["code"], 200, "{told}");
            let allow = told["allow"].as_str().unwrap_or_default();
            assert!(["INVITE", "REFER", "NOTIFY"].iter().all(|method| allow.contains(method)), "{told}");
        }
        Case::Calls(_) => {
            bob.call(&user)?;
            bob.hears(Some(FIRST_TONE))?;
            bob.hold()?;
            answer.wait_for_event("a hold", |event| event["remote_hold"] == true)?;
            bob.hears(None)?;
            bob.resume()?;
            answer.wait_for_event("its end", |event| event["remote_hold"] == false)?;
            bob.hears(Some(FIRST_TONE))?;
            bob.hang_up()?;
            answer.wait_for("call_ended", PATIENCE)?;
        }
        Case::HungUp(_) => {
            bob.call(&user)?;
            bob.hears(Some(FIRST_TONE))?;
            answer.interrupt()?;
            let (code, events) = answer.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}");
            assert!(names(&events).contains(&"call_ended"), "{events:#?}");
            bob.wait_for("a BYE", PATIENCE, |event| event["event"] == "bye")?;
            bob.ended()?;
        }
        Case::Moves(_) => {
            let carol = ["answer", "--listen", &Over::Udp.listen(target), "--tone", &SECOND_TONE.to_string()];
            let mut carol = Application::start(&carol)?;
            bob.call(&user)?;
            bob.blind(&Over::Udp.uri("carol", &target.to_string()))?;
            answer.wait_for("transfer_succeeded", PATIENCE)?;
            carol.wait_for("media_flowing", PATIENCE)?;
        }
    }
    Ok(())
}
