use clap::error::ErrorKind;

use session_core::Transport;

use super::*;

fn parse(words: &str) -> Result<CommandLine, clap::Error> {
    let line = CommandLine::try_parse_from(std::iter::once("patchcord").chain(words.split_whitespace()))?;
    check(&line).map(|()| line)
}

/// A wrong value ends with code 2, and the text names the flag and what is allowed.
fn refused(words: &str, flag: &str, allowed: &str) {
    let error = parse(words).expect_err(words);
    let text = error.to_string();
    assert_eq!(error.exit_code(), 2, "{words}");
    assert!(text.contains(flag), "{words}: {flag} is not in: {text}");
    assert!(text.contains(allowed), "{words}: {allowed} is not in: {text}");
}

#[test]
fn the_definition_is_consistent() {
    use clap::CommandFactory;
    CommandLine::command().debug_assert();
}

#[test]
fn each_wrong_value_names_its_flag_and_what_is_allowed() {
    for (words, flag, allowed) in [
        (
            "demo tea",
            "SCENARIO",
            "blind, target-busy, target-silent, attended, consultative, warm, replaces-refused, consult-busy, lossy, kill, fallback, all",
        ),
        ("answer --listen sctp:127.0.0.1:5060", "--listen", "none of udp, tcp, tls, ws and wss"),
        ("answer --listen 127.0.0.1", "--listen", "TRANSPORT:IP:PORT"),
        ("answer --listen udp:127.0.0.1", "--listen", "TRANSPORT:IP:PORT"),
        ("answer --listen udp:localhost:5060", "--listen", "TRANSPORT:IP:PORT"),
        ("answer --listen udp:127.0.0.1:65536", "--listen", "TRANSPORT:IP:PORT"),
        ("answer --listen udp:::1:5060", "--listen", "tcp:[::1]:0"),
        ("answer --dns example.com", "--dns", "IP:PORT or IP"),
        ("answer --tone 49", "--tone", "from 50 to 3800"),
        ("answer --tone 3801", "--tone", "from 50 to 3800"),
        ("answer --tone a4", "--tone", "from 50 to 3800"),
        ("answer --after -1", "--after", "from 0 to 3600"),
        ("answer --after=-1", "--after", "from 0 to 3600"),
        ("answer --after 3601", "--after", "from 0 to 3600"),
        ("answer --after nan", "--after", "from 0 to 3600"),
        ("answer --after soon", "--after", "from 0 to 3600"),
        ("answer --refer maybe", "--refer", "deny, allow, ask"),
        ("answer --allow-target 10.0.0.1/8", "--allow-target", "10.0.0.0/8"),
        ("answer --allow-target 10.0.0.0/33", "--allow-target", "10.0.0.0/8"),
        ("answer --allow-target example.org", "--allow-target", "10.0.0.0/8"),
        ("answer --replaces all", "--replaces", "trusted, referred-by, allow, deny"),
        ("answer --trunk 10.0.0.1/8", "--trunk", "10.0.0.0/8"),
        ("answer --max-calls 0", "--max-calls", "from 1 to 100000"),
        ("answer --max-calls 100001", "--max-calls", "from 1 to 100000"),
        ("answer --max-calls many", "--max-calls", "from 1 to 100000"),
        ("answer --for inf", "--for", "from 0 to 31536000"),
        ("answer --for 31536001", "--for", "from 0 to 31536000"),
        ("answer --media maybe", "--media", "on, off"),
        ("call sip:b@h --account sip:example.org", "--account", "sip:USER@DOMAIN"),
        ("call sip:b@h --account tel:+1", "--account", "sip:USER@DOMAIN"),
        ("answer --account sip:a@h --registrar sip:u@h", "--registrar", "sip:HOST[:PORT]"),
        ("answer --account sip:a@h --proxy h", "--proxy", "sip:HOST[:PORT]"),
        ("answer --account sip:a@h --instance 4711", "--instance", "must be a URN"),
        ("answer --account sip:a@h --instance urn:uuid:<>", "--instance", "must be a URN"),
        ("answer --instance urn:uuid:1", "required arguments", "--account <URI>"),
        ("answer --account sip:a@h --outbound", "required arguments", "--instance <URN>"),
        ("answer --users team", "required arguments", "--realm <NAME>"),
        ("answer --realm example.org", "required arguments", "--users <FILE>"),
        ("answer --challenge transfers", "required arguments", "--users <FILE>"),
        ("answer --users team --realm example.org --challenge all", "--challenge", "calls, transfers"),
        ("answer --password-env SECRET", "required arguments", "--account <URI>"),
        ("answer --auth-user alice", "required arguments", "--account <URI>"),
        ("transfer sip:b@h sip:c@h --proxy sip:h", "required arguments", "--account <URI>"),
        ("call bob", "URI", "sip:[USER@]HOST[:PORT]"),
        ("call sip:", "URI", "sip:[USER@]HOST[:PORT]"),
        ("call tel:+15551234", "URI", "sip:[USER@]HOST[:PORT]"),
        ("call sip:bob@example.org?Subject=tea", "URI", "sip:[USER@]HOST[:PORT]"),
        ("call sip:bob@example.org:99999", "URI", "sip:[USER@]HOST[:PORT]"),
        ("call sip:b@h --duration 86401", "--duration", "from 0 to 86400"),
        ("call sip:b@h --hold-after x", "--hold-after", "from 0 to 86400"),
        ("call sip:b@h --hold-after 10", "--hold-after", "less than --duration (10 s)"),
        ("call sip:b@h --duration 3 --hold-after 5", "--hold-after", "less than --duration (3 s)"),
        ("transfer bob sip:c@h", "FIRST_URI", "sip:[USER@]HOST[:PORT]"),
        ("transfer sip:b@h http://h", "TARGET_URI", "sip:, sips: or tel:"),
        ("transfer sip:b@h sip:c@h;method=BYE", "TARGET_URI", "without headers and method"),
        ("transfer sip:b@h sip:c@h?Replaces=1", "TARGET_URI", "without headers and method"),
        (
            "transfer sip:b@h sip:c@h --kind rude",
            "--kind",
            "blind, attended, consultative, semi-attended, protect-target, warm",
        ),
        ("transfer sip:b@h sip:c@h --refer-to home --kind attended", "--refer-to", "contact, aor"),
        ("transfer sip:b@h sip:c@h --refer-to aor", "--refer-to", "any --kind but blind"),
        ("transfer sip:b@h sip:c@h --consult-limit 5", "--consult-limit", "any --kind but blind"),
        ("transfer sip:b@h sip:c@h --kind attended --consult-limit 0.9", "--consult-limit", "from 1 to 3600"),
        (
            "transfer sip:b@h sip:c@h --kind attended --consult-limit 3601",
            "--consult-limit",
            "from 1 to 3600",
        ),
        ("transfer sip:b@h tel:+1555 --kind attended", "TARGET_URI", "sip:[USER@]HOST[:PORT]"),
        ("transfer sip:b@h sip:c@h --kind attended --briefing b.wav", "--briefing", "--kind warm"),
        ("transfer sip:b@h sip:c@h --profile nobody", "--profile", "generic"),
        ("transfer sip:b@h sip:c@h --header X", "--header", "NAME:VALUE"),
        ("transfer sip:b@h sip:c@h --header From:x", "--header", "must not be added"),
        ("transfer sip:b@h sip:c@h --header X-Case:", "--header", "value of a header"),
        ("transfer sip:b@h sip:c@h --fallback bidge", "--fallback", "none, bridge"),
        (
            "transfer sip:b@h tel:+1555 --fallback bridge",
            "TARGET_URI",
            "to be called for a bridge, it must be sip:",
        ),
        ("transfer sip:b@h sip:c@h --report prose", "--report", "text, json, mermaid"),
        ("transfer sip:b@h sip:c@h --report text --json", "--report", "--report json"),
        ("transfer sip:b@h sip:c@h --decide-limit 5", "--decide-limit", "--kind warm"),
        ("transfer sip:b@h sip:c@h --talk 3601", "--talk", "from 0 to 3600"),
    ] {
        refused(words, flag, allowed);
    }
}

#[test]
fn missing_and_unknown_arguments_are_usage_errors() {
    for words in
        ["", "sing", "call", "transfer sip:b@h", "parse", "call sip:b@h --loud", "call sip:b@h sip:c@h"]
    {
        let error = parse(words).expect_err(words);
        assert_eq!(error.exit_code(), 2, "{words}");
    }
    let error = parse("answer --tone 440 --echo").expect_err("two sources");
    assert_eq!(error.kind(), ErrorKind::ArgumentConflict);
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn help_and_version_are_no_errors() {
    for words in [
        "--help",
        "-h",
        "--version",
        "demo --help",
        "answer --help",
        "call -h",
        "transfer --help",
        "parse --help",
    ] {
        assert_eq!(parse(words).expect_err(words).exit_code(), 0, "{words}");
    }
}

#[test]
fn defaults_are_the_documented_ones() {
    let Verb::Answer(answer) = parse("answer").expect("no argument is needed").verb else { panic!("answer") };
    assert_eq!(answer.listen, [Listen(Transport::Udp, "0.0.0.0:5060".parse().expect("an address"))]);
    assert_eq!((answer.after, answer.refer, answer.max_calls), (Duration::ZERO, Refer::Deny, 256));
    assert_eq!((answer.lifetime, answer.media), (None, Switch::On));
    assert_eq!((answer.output.pcap, answer.output.json), (None, false));
    let Verb::Transfer(transfer) = parse("transfer sip:b@h tel:+1555").expect("two URIs").verb else {
        panic!("transfer")
    };
    assert_eq!((transfer.kind, transfer.talk), (Kind::Blind, Duration::from_secs(2)));
    assert_eq!((transfer.consult_limit, transfer.refer_to, transfer.fallback), (None, None, None));
    let Verb::Demo(demo) = parse("demo").expect("no argument is needed").verb else { panic!("demo") };
    assert_eq!((demo.scenario, demo.output.pcap, demo.output.json), (Scenario::Blind, None, false));
}

#[test]
fn what_is_documented_is_accepted() {
    for words in [
        "demo all --json --pcap demo.pcap",
        "demo target-silent",
        "demo attended",
        "demo consultative",
        "demo replaces-refused --json",
        "demo consult-busy",
        "demo warm",
        "demo lossy",
        "demo kill",
        "demo fallback",
        "answer --listen udp:127.0.0.1:0 --listen udp:[::1]:5060 --echo --after 0.5 --refer allow --allow-target 10.0.0.0/8 \
         --allow-target 192.0.2.7 --allow-target 2001:db8::/32 --replaces referred-by --trunk 10.0.0.0/8 --trunk 192.0.2.7 --max-calls 100000 --for 31536000 \
         --media off --json --pcap answer.pcap",
        "answer --play hello.wav",
        "answer --tone 50",
        "answer --tone 3800",
        "call sip:bob@127.0.0.1:5070 --listen UDP:127.0.0.1:0 --tone 440 --duration 3 --hold-after 1.5 --pcap call.pcap --json",
        "call sip:[::1]:5070",
        "transfer sip:bob@127.0.0.1 sips:carol@example.org --kind blind --talk 0 --echo --pcap transfer.pcap --json",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --kind attended --consult-limit 1 --refer-to contact",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --kind consultative --consult-limit 3600 --refer-to aor",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --kind semi-attended",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --kind protect-target",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --kind warm --briefing b.wav --moh m.wav --decide-limit 30",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --profile generic --header X-Case:4711 --header X-Why:test --report text",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --report json --json",
        "transfer sip:bob@127.0.0.1 tel:+15551234 --fallback none --profile twilio",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --fallback bridge",
        "transfer sip:bob@127.0.0.1 sip:carol@127.0.0.2 --fallback bridge --kind consultative",
        "parse one.sip two.sip --json",
    ] {
        assert!(parse(words).is_ok(), "{words}: {:?}", parse(words));
    }
}
