use bytes::Bytes;
use sip_message::{
    BuildError, Draft, HeaderId, Limits, Message, Method, NameAddr, Params, ParseErrorKind, Response,
    RetryAfter, StatusCode, Uri, UriBuf, Via, cancel_for, header,
};

use crate::{message, request_text, request_with};

fn padded(total: usize) -> Bytes {
    let head = "SIP/2.0 200 OK\r\n\r\n";
    Bytes::from(format!("{head}{}", "x".repeat(total - head.len())))
}

fn kind(bytes: Bytes, limits: &Limits) -> Option<ParseErrorKind> {
    Message::parse_with(bytes, limits).err().map(|error| error.kind())
}

#[test]
fn message_size_is_limited() {
    let limits = Limits::default();
    assert_eq!(kind(padded(Limits::MESSAGE), &limits), None);
    assert_eq!(kind(padded(Limits::MESSAGE + 1), &limits), Some(ParseErrorKind::MessageTooLarge));
    let error = Message::parse(padded(Limits::MESSAGE + 1)).unwrap_err();
    assert_eq!(error.status(), StatusCode::MESSAGE_TOO_LARGE);
}

#[test]
fn header_lines_are_counted() {
    let with =
        |lines: usize| Bytes::from(format!("SIP/2.0 200 OK\r\n{}\r\n", "Warning: x\r\n".repeat(lines)));
    let limits = Limits::default();
    assert_eq!(kind(with(Limits::HEADERS), &limits), None);
    assert_eq!(kind(with(Limits::HEADERS + 1), &limits), Some(ParseErrorKind::TooManyHeaders));
    let parsed = Message::parse(with(Limits::HEADERS)).unwrap();
    assert_eq!(parsed.count(HeaderId::Warning), Limits::HEADERS);
    // A caller's own limit cannot exceed what the index can hold.
    let wide = Limits { headers: usize::MAX, message: usize::MAX, line: usize::MAX, folds: usize::MAX };
    assert_eq!(kind(with(70_000), &wide), Some(ParseErrorKind::TooManyHeaders));
}

#[test]
fn line_length_is_limited() {
    let limits = Limits::default();
    for end in ["\r\n", "\n"] {
        let start = |length: usize| {
            let line = "SIP/2.0 200 ".to_owned();
            Bytes::from(format!("{line}{}{end}{end}", "x".repeat(length - line.len())))
        };
        assert_eq!(kind(start(Limits::LINE), &limits), None);
        assert_eq!(kind(start(Limits::LINE + 1), &limits), Some(ParseErrorKind::LineTooLong));
        let header = |length: usize| {
            Bytes::from(format!("SIP/2.0 200 OK{end}Subject:{}{end}{end}", "x".repeat(length - 8)))
        };
        assert_eq!(kind(header(Limits::LINE), &limits), None);
        assert_eq!(kind(header(Limits::LINE + 1), &limits), Some(ParseErrorKind::LineTooLong));
    }
}

#[test]
fn limits_of_the_callers_choice_hold() {
    let text = "SIP/2.0 200 OK\r\nTo: sip:b@h\r\nSubject: ab\r\n\r\nbody";
    let parse = |limits: Limits| kind(Bytes::from(text), &limits);
    let exact = Limits { message: text.len(), headers: 2, line: "SIP/2.0 200 OK".len(), folds: 0 };
    assert_eq!(parse(exact), None);
    let below = |limits| parse(limits).unwrap();
    assert_eq!(below(Limits { message: exact.message - 1, ..exact }), ParseErrorKind::MessageTooLarge);
    assert_eq!(below(Limits { headers: exact.headers - 1, ..exact }), ParseErrorKind::TooManyHeaders);
    assert_eq!(below(Limits { line: exact.line - 1, ..exact }), ParseErrorKind::LineTooLong);
    assert_eq!(below(Limits { message: 0, ..exact }), ParseErrorKind::MessageTooLarge);
}

#[test]
fn continuation_lines_count_into_the_line() {
    let limits = Limits { line: 32, ..Limits::default() };
    let with =
        |folds: usize| Bytes::from(format!("SIP/2.0 200 OK\r\nSubject:ab\r\n{}\r\n", " c\r\n".repeat(folds)));
    // "Subject:ab" and five times CRLF, blank, letter: 10 + 5 * 4 = 30 bytes.
    assert_eq!(kind(with(5), &limits), None);
    assert_eq!(kind(with(5), &Limits { line: 30, ..limits }), None);
    assert_eq!(kind(with(5), &Limits { line: 29, ..limits }), Some(ParseErrorKind::LineTooLong));
    assert_eq!(kind(with(6), &limits), Some(ParseErrorKind::LineTooLong));
}

#[test]
fn continuation_lines_are_counted() {
    let with =
        |folds: usize| Bytes::from(format!("SIP/2.0 200 OK\r\nSubject: a{}\r\n\r\n", "\r\n b".repeat(folds)));
    let limits = Limits::default();
    assert_eq!(kind(with(Limits::FOLDS), &limits), None);
    assert_eq!(kind(with(Limits::FOLDS + 1), &limits), Some(ParseErrorKind::TooManyFolds));
    assert_eq!(kind(with(1), &Limits { folds: 0, ..limits }), Some(ParseErrorKind::TooManyFolds));
}

#[test]
fn endless_line_is_refused_without_its_end() {
    let limits = Limits::default();
    let text = format!("OPTIONS sip:{}", "x".repeat(Limits::LINE));
    assert_eq!(kind(Bytes::from(text), &limits), Some(ParseErrorKind::UriTooLong));
    let text = format!("SIP/2.0 200 {}", "x".repeat(Limits::LINE));
    assert_eq!(kind(Bytes::from(text), &limits), Some(ParseErrorKind::LineTooLong));
}

#[test]
fn parameters_are_counted() {
    let fits = ";a=1".repeat(Limits::PARAMETERS);
    let above = ";a=1".repeat(Limits::PARAMETERS + 1);
    assert_eq!(Params::parse(&fits).unwrap().count("a"), Limits::PARAMETERS);
    assert_eq!(Params::parse(&above).unwrap_err().kind(), ParseErrorKind::TooManyParts);
    assert!(Uri::parse(&format!("sip:a@h{fits}")).is_ok());
    assert_eq!(Uri::parse(&format!("sip:a@h{above}")).unwrap_err().kind(), ParseErrorKind::TooManyParts);
    assert!(NameAddr::parse(&format!("<sip:a@h>{fits}")).is_ok());
    assert_eq!(
        NameAddr::parse(&format!("<sip:a@h>{above}")).unwrap_err().kind(),
        ParseErrorKind::TooManyParts
    );
}

#[test]
fn a_marked_via_has_no_more_parameters_than_are_read() {
    let marked = |host: &str, first: &str, others: usize| {
        let text = format!("SIP/2.0/UDP {host}{first}{}", ";a=1".repeat(others));
        let marked = Via::parse(&text).unwrap().received_from([192, 0, 2, 1].into(), 5060);
        marked
            .map(|marked| Via::parse(&marked).unwrap().params.iter().count())
            .map_err(|error| (error.kind(), error.header()))
    };
    let too_many = Err((ParseErrorKind::TooManyParts, Some(HeaderId::Via)));
    // Neither, `received`, or both are added; what stands there already takes no more room.
    assert_eq!(marked("192.0.2.1", "", Limits::PARAMETERS), Ok(Limits::PARAMETERS));
    assert_eq!(marked("h", "", Limits::PARAMETERS - 1), Ok(Limits::PARAMETERS));
    assert_eq!(marked("h", "", Limits::PARAMETERS), too_many);
    assert_eq!(marked("h", ";received=192.0.2.9", Limits::PARAMETERS - 1), Ok(Limits::PARAMETERS));
    assert_eq!(marked("h", ";rport", Limits::PARAMETERS - 2), Ok(Limits::PARAMETERS));
    assert_eq!(marked("192.0.2.1", ";rport", Limits::PARAMETERS - 1), too_many);
}

#[test]
fn uri_headers_are_counted() {
    let with = |count: usize| format!("sip:a@h?{}", vec!["a=1"; count].join("&"));
    assert_eq!(Uri::parse(&with(Limits::PARAMETERS)).unwrap().headers().count(), Limits::PARAMETERS);
    assert_eq!(Uri::parse(&with(Limits::PARAMETERS + 1)).unwrap_err().kind(), ParseErrorKind::TooManyParts);
    // What could not be read is not made either.
    let plain: UriBuf = "sip:a@h".parse().unwrap();
    let made = |count: usize| plain.with_headers(vec![("a", "1"); count]);
    assert_eq!(made(Limits::PARAMETERS).unwrap().as_str(), with(Limits::PARAMETERS));
    assert_eq!(made(Limits::PARAMETERS + 1).unwrap_err().kind(), ParseErrorKind::TooManyParts);
}

#[test]
fn route_lists_are_counted() {
    let with = |count: usize| {
        request_with("OPTIONS", &format!("Record-Route: {}\n", vec!["<sip:p;lr>"; count].join(",")))
    };
    assert_eq!(with(Limits::LIST_ITEMS).record_routes().unwrap().len(), Limits::LIST_ITEMS);
    assert_eq!(
        with(Limits::LIST_ITEMS + 1).record_routes().unwrap_err().kind(),
        ParseErrorKind::TooManyParts
    );
}

#[test]
fn values_of_a_list_are_counted() {
    let with = |lines: usize, items: usize| {
        let line = format!("Path: {}\n", vec!["<sip:p>"; items].join(","));
        let lines = line.repeat(lines);
        let message = request_with("REGISTER", &lines);
        let read: Result<Vec<_>, _> = message.values::<header::Path>().collect();
        read.map(|values| values.len()).map_err(|error| (error.kind(), error.header()))
    };
    assert_eq!(with(2, Limits::LIST_ITEMS / 2), Ok(Limits::LIST_ITEMS));
    let too_many = Err((ParseErrorKind::TooManyParts, Some(HeaderId::Path)));
    assert_eq!(with(1, Limits::LIST_ITEMS + 1), too_many);
    // Every value behind the limit is the same one error.
    let message =
        request_with("REGISTER", &format!("Path: {}\n", vec!["<sip:p>"; 3 * Limits::LIST_ITEMS].join(",")));
    assert_eq!(message.values::<header::Path>().count(), Limits::LIST_ITEMS + 1);
}

#[test]
fn comments_in_comments_are_counted() {
    let nested = |depth: usize| format!("5 {}{}", "(".repeat(depth), ")".repeat(depth));
    let fits = nested(Limits::COMMENTS);
    assert_eq!(RetryAfter::parse(&fits).unwrap().comment.unwrap().len(), 2 * Limits::COMMENTS - 2);
    let above = nested(Limits::COMMENTS + 1);
    assert_eq!(RetryAfter::parse(&above).unwrap_err().kind(), ParseErrorKind::TooManyParts);
}

#[test]
fn method_length_is_limited() {
    let longest = "M".repeat(Method::MAX_LEN);
    assert_eq!(Method::parse(&longest).unwrap().as_str(), longest);
    assert_eq!(message(&request_text(&longest, "")).method().unwrap().to_string(), longest);
    assert_eq!(Method::parse(&"M".repeat(Method::MAX_LEN + 1)).unwrap_err().kind(), ParseErrorKind::Method);
}

#[test]
fn numbers_outside_their_range_are_refused_or_capped() {
    let number = |value: &str| {
        message(&request_text("INVITE", "").replace("CSeq: 2", &format!("CSeq: {value}")))
            .cseq()
            .map(|cseq| cseq.number)
    };
    assert_eq!(number("2147483647").unwrap(), 2_147_483_647);
    assert!(number("2147483648").is_err());
    assert!(number("99999999999999999999").is_err());
    let expires = |value: &str| request_with("INVITE", &format!("Expires: {value}\n")).expires();
    assert_eq!(expires("4294967295"), Some(u32::MAX));
    assert_eq!(expires("4294967296"), Some(u32::MAX));
    assert_eq!(expires("-1"), None);
}

#[test]
fn built_message_size_is_limited() {
    let draft = |length: usize| {
        message_draft().body("text/plain", "x".repeat(length)).encode("SIP/2.0/UDP h;branch=z9hG4bK1", None)
    };
    let head = draft(10_000).unwrap().len() - 10_000;
    assert_eq!(draft(Limits::MESSAGE - head).unwrap().len(), Limits::MESSAGE);
    assert_eq!(draft(Limits::MESSAGE - head + 1), Err(BuildError::TooLarge(Limits::MESSAGE + 1)));
}

fn message_draft() -> Draft {
    Draft::request(Method::Message, "sip:b@h")
        .header(HeaderId::From, "<sip:a@h>;tag=1")
        .header(HeaderId::To, "<sip:b@h>")
        .header(HeaderId::CallId, "1")
        .header(HeaderId::CSeq, "1 MESSAGE")
}

#[test]
fn built_header_lines_are_counted() {
    // Via, Max-Forwards, From, To, Call-ID, CSeq and Content-Length stand in every request.
    let with = |lines: usize| {
        let mut draft = message_draft();
        (7..lines).for_each(|_| draft.push(HeaderId::Warning, "x"));
        draft.encode("SIP/2.0/UDP h;branch=z9hG4bK1", None)
    };
    let most = Message::parse(with(Limits::HEADERS).unwrap()).unwrap();
    assert_eq!(most.headers().len(), Limits::HEADERS);
    assert_eq!(with(Limits::HEADERS + 1), Err(BuildError::TooManyHeaders(Limits::HEADERS + 1)));
    // Via, From, To, Call-ID, CSeq and Content-Length stand in every response.
    let request = request_with("OPTIONS", "");
    let with = |lines: usize| {
        let mut response = Response::to(&request, StatusCode::OK);
        (6..lines).for_each(|_| response.push(HeaderId::Warning, "x"));
        response.encode()
    };
    assert!(Message::parse(with(Limits::HEADERS).unwrap()).is_ok());
    assert_eq!(with(Limits::HEADERS + 1), Err(BuildError::TooManyHeaders(Limits::HEADERS + 1)));
}

#[test]
fn an_answer_is_not_longer_than_the_vias_that_it_copies() {
    let list = vec!["SIP/2.0/UDP h"; 500].join(",");
    let request = request_with("OPTIONS", &format!("v: ,{list},,\nVia: SIP/2.0/UDP last\n"));
    let answer = Message::parse(Response::to(&request, StatusCode::OK).encode().unwrap()).unwrap();
    assert!(answer.vias().eq(request.vias()));
    assert!(answer.bytes().len() <= request.bytes().len());
    // The topmost value, which may be replaced, has a line of its own, wherever it stands.
    let first =
        request_text("OPTIONS", "").replacen("Via: ", "Via: ,\nVia: SIP/2.0/UDP h;branch=z9hG4bK0, ", 1);
    let request = message(&first);
    let marked = Response::to(&request, StatusCode::OK).top_via("SIP/2.0/UDP marked").encode().unwrap();
    let marked = Message::parse(marked).unwrap();
    assert_eq!(marked.all(HeaderId::Via).next(), Some("SIP/2.0/UDP marked"));
    assert!(marked.vias().skip(1).eq(request.vias().skip(1)));
}

#[test]
fn built_line_length_is_limited() {
    let with = |length: usize| {
        message_draft()
            .header(HeaderId::Subject, "x".repeat(length - "Subject: ".len()))
            .encode("SIP/2.0/UDP h;branch=z9hG4bK1", None)
    };
    assert!(Message::parse(with(Limits::LINE).unwrap()).is_ok());
    assert_eq!(with(Limits::LINE + 1), Err(BuildError::LineTooLong("Subject".into())));
    let to = |length: usize| {
        let mut draft = message_draft();
        draft.set_uri(&"x".repeat(length - "MESSAGE  SIP/2.0".len()));
        draft.encode("SIP/2.0/UDP h;branch=z9hG4bK1", None)
    };
    assert!(Message::parse(to(Limits::LINE).unwrap()).is_ok());
    assert_eq!(to(Limits::LINE + 1), Err(BuildError::LineTooLong("start line".into())));
}

/// What is copied is written with its long name and a blank behind the colon, which may not have stood there.
#[test]
fn a_copied_line_that_outgrows_the_limit_fails_the_message() {
    let value = |start: &str, name: &str, length: usize| {
        format!("{start}{}", "x".repeat(length - name.len() - ": ".len() - start.len()))
    };
    let too_long = |name: &str| BuildError::LineTooLong(name.into());
    let request = |name: &str, line: &str| {
        let text = request_text("INVITE", "");
        let others = text.split_inclusive('\n').filter(|other| !other.starts_with(&format!("{name}: ")));
        message(&others.collect::<String>().replacen('\n', &format!("\n{line}\n"), 1))
    };
    let answer = |request: &Message| Response::to(request, StatusCode::OK).record_routes().encode();
    for (name, short, start) in [
        ("Via", "v", "SIP/2.0/UDP h;branch=z9hG4bK1;x="),
        ("Record-Route", "Record-Route", "<sip:p;lr>;x="),
        ("From", "f", "<sip:a@h>;tag="),
        ("To", "t", "<sip:b@h>;tag="),
        ("Call-ID", "i", ""),
    ] {
        let with = |length: usize| request(name, &format!("{short}:{}", value(start, name, length)));
        assert!(Message::parse(answer(&with(Limits::LINE)).unwrap()).is_ok(), "{name}");
        assert_eq!(answer(&with(Limits::LINE + 1)), Err(too_long(name)));
        let is_copied = name != "Record-Route";
        assert!(cancel_for(&with(Limits::LINE), None).is_ok());
        assert_eq!(cancel_for(&with(Limits::LINE + 1), None).is_err(), is_copied, "{name}");
    }
    let timed =
        |length: usize| request("Timestamp", &format!("Timestamp:{}", value("", "Timestamp", length)));
    let trying = |request: &Message| Response::to(request, StatusCode::TRYING).encode();
    assert!(Message::parse(trying(&timed(Limits::LINE)).unwrap()).is_ok());
    assert_eq!(trying(&timed(Limits::LINE + 1)), Err(too_long("Timestamp")));
    let routed =
        |length: usize| request("Route", &format!("Route:{}", value("<sip:p;lr>;x=", "Route", length)));
    assert!(Message::parse(cancel_for(&routed(Limits::LINE), None).unwrap()).is_ok());
    assert_eq!(cancel_for(&routed(Limits::LINE + 1), None), Err(too_long("Route")));
    // To grows by the tag, too.
    let tagged = |length: usize| {
        let request = request("To", &format!("To: {}", value("<sip:b@h>;x=", "To", length)));
        Response::to(&request, StatusCode::OK).to_tag("b1").encode()
    };
    let room = Limits::LINE - ";tag=b1".len();
    assert_eq!(Message::parse(tagged(room).unwrap()).unwrap().to_tag(), Some("b1"));
    assert_eq!(tagged(room + 1), Err(too_long("To")));
}

#[test]
fn a_tag_is_not_added_beyond_the_parameters_that_are_read() {
    let answer = |parameters: usize| {
        let text = request_text("OPTIONS", "")
            .replace("To: <sip:bob@192.0.2.4>", &format!("To: <sip:b@h>{}", ";a".repeat(parameters)));
        Response::to(&message(&text), StatusCode::OK).to_tag("b1").encode()
    };
    let answered = Message::parse(answer(Limits::PARAMETERS - 1).unwrap()).unwrap();
    assert_eq!(answered.to_tag(), Some("b1"));
    let Err(BuildError::SourceValue(error)) = answer(Limits::PARAMETERS) else { panic!("it is refused") };
    assert_eq!((error.kind(), error.header()), (ParseErrorKind::TooManyParts, Some(HeaderId::To)));
}
