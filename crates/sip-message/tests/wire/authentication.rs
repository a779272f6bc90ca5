//! Challenges and credentials: what they say, what is written, and what stays out of logs.

use proptest::prelude::*;
use sip_message::{
    Algorithm, AuthParams, AuthenticationInfo, BuildError, Challenge, Credentials, DigestChallenge,
    DigestChallengeBuf, DigestCredentials, DigestCredentialsBuf, ParseErrorKind, Protection, Qop, header,
};

use crate::message;

fn challenge(text: &str) -> DigestChallenge<'_> {
    Challenge::parse(text).unwrap().digest().unwrap()
}

fn credentials(text: &str) -> DigestCredentials<'_> {
    Credentials::parse(text).unwrap().digest().unwrap()
}

#[test]
fn challenge_says_what_is_asked_for() {
    let asked = challenge(
        r#"Digest realm="a \"quoted\" realm", nonce="84a4", opaque="", domain="sip:ss1.example.com  sips:h", stale=TRUE, algorithm=SHA-512-256-sess, qop="auth, auth-int,auth-conf", userhash=true, charset=UTF-8"#,
    );
    assert_eq!(asked.realm(), r#"a "quoted" realm"#);
    assert_eq!(asked.nonce(), "84a4");
    assert_eq!(asked.opaque().as_deref(), Some(""));
    assert_eq!(asked.domain().collect::<Vec<_>>(), ["sip:ss1.example.com", "sips:h"]);
    assert!(asked.stale());
    assert_eq!(asked.algorithm(), Some(Algorithm::Sha512_256Sess));
    assert_eq!(
        asked.qop().collect::<Vec<_>>(),
        [Qop::Auth, Qop::AuthInt],
        "unknown qualities are passed over"
    );
    assert!(asked.userhash());
    assert_eq!(asked.charset(), Some("UTF-8"));
}

#[test]
fn challenge_that_says_little_has_the_defaults_of_the_rfc() {
    let asked = challenge(r#"Digest realm="r", nonce="n", stale=maybe"#);
    assert_eq!(asked.algorithm(), Some(Algorithm::Md5));
    assert_eq!((asked.stale(), asked.userhash(), asked.opaque()), (false, false, None));
    assert_eq!(asked.qop().count(), 0);
}

#[test]
fn algorithms_are_known_by_every_spelling_in_use() {
    for (name, algorithm) in [
        ("MD5", Algorithm::Md5),
        ("md5-SESS", Algorithm::Md5Sess),
        ("SHA-256", Algorithm::Sha256),
        ("SHA256", Algorithm::Sha256),
        ("sha256-sess", Algorithm::Sha256Sess),
        ("SHA-512-256", Algorithm::Sha512_256),
    ] {
        assert_eq!(Algorithm::of(name), Some(algorithm), "{name}");
        assert_eq!(algorithm.is_session(), name.to_ascii_lowercase().ends_with("-sess"), "{name}");
    }
    for name in ["AKAv1-MD5", "SHA-512", "SHA512-256", ""] {
        assert_eq!(Algorithm::of(name), None, "{name}");
    }
    let asked = challenge(r#"Digest realm="r", nonce="n", algorithm=AKAv1-MD5"#);
    assert_eq!(asked.algorithm(), None);
    assert_eq!(asked.params().value("Algorithm"), Some("AKAv1-MD5"));
}

#[test]
fn credentials_say_who_and_how() {
    let given = credentials(
        r#"Digest username="bob \\ co", realm="biloxi.com", nonce="dcd98b", uri="sip:bob@biloxi.com", qop=auth, nc=0000001f, cnonce="0a4f113b", response="6629fae4", opaque="5ccc", algorithm=SHA-256, userhash=true"#,
    );
    assert_eq!(given.username(), r"bob \ co");
    assert_eq!((given.realm(), given.nonce()), ("biloxi.com".into(), "dcd98b".into()));
    assert_eq!(given.uri(), "sip:bob@biloxi.com");
    assert_eq!(given.response(), "6629fae4");
    assert_eq!((given.qop(), given.nc()), (Some("auth"), Some(31)));
    assert_eq!(given.cnonce().as_deref(), Some("0a4f113b"));
    assert_eq!(given.opaque().as_deref(), Some("5ccc"));
    assert_eq!(given.algorithm(), Some(Algorithm::Sha256));
    assert!(given.userhash());
}

#[test]
fn extended_user_name_is_decoded() {
    let given = credentials(
        r#"Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm="r", nonce="n", uri="sip:h", response="""#,
    );
    assert_eq!(given.username(), "Jäsøn Doe");
}

#[test]
fn quotes_make_no_difference_to_what_is_said() {
    let quoted = credentials(
        r#"Digest username="a", realm="r", nonce="n", uri="sip:h", response="ab", algorithm="MD5", qop="auth", nc="00000002", cnonce="c""#,
    );
    let bare = credentials(
        "Digest username=a, realm=r, nonce=n, uri=sip:h, response=ab, algorithm=MD5, qop=auth, nc=00000002, cnonce=c",
    );
    let said = |given: DigestCredentials<'static>| {
        let who = (given.username(), given.realm(), given.nonce(), given.uri(), given.response());
        (who, given.algorithm(), given.qop(), given.nc(), given.cnonce())
    };
    assert_eq!(said(quoted), said(bare));
}

#[test]
fn faults_are_found_where_they_stand() {
    for (text, kind, at) in [
        (r#"Digest realm="r", nonce"#, ParseErrorKind::Parameter, "nonce"),
        (r#"Digest  realm="r", nonce="n", REALM="s""#, ParseErrorKind::Duplicate, "REALM"),
        (r#"Digest realm="r", nonce="n"x"#, ParseErrorKind::Parameter, "nonce"),
    ] {
        let error = Challenge::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, text.find(at).unwrap()), "{text}");
    }
    let text = r#"nextnonce="1",nc=0000000g"#;
    let error = AuthenticationInfo::parse(text).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ParseErrorKind::Number, text.find("0000").unwrap()));
}

#[test]
fn parameters_are_counted() {
    let list = |count: usize| (0..count).map(|at| format!("a{at}=1")).collect::<Vec<_>>().join(",");
    assert!(AuthParams::parse(&list(64)).is_ok());
    assert_eq!(AuthParams::parse(&list(65)).unwrap_err().kind(), ParseErrorKind::TooManyParts);
}

#[test]
fn each_line_of_a_message_is_one_challenge() {
    let answer = message(
        "SIP/2.0 401 Unauthorized\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\n\
         WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", algorithm=SHA-256\n\
         WWW-Authenticate: Bearer realm=\"r\"\n\
         WWW-Authenticate: Digest realm=\"r\", nonce=\"2\"\n\n",
    );
    let nonces: Vec<_> = answer
        .values::<header::WwwAuthenticate>()
        .map(|challenge| challenge.unwrap().digest().map(|digest| digest.nonce().into_owned()))
        .collect();
    assert_eq!(nonces, [Some("1".into()), None, Some("2".into())]);
}

#[test]
fn authentication_info_gives_the_next_nonce_and_the_proof() {
    let info = AuthenticationInfo::parse(
        r#"nextnonce="47364c23", qop=auth, rspauth="6629", cnonce="0a4f", nc=00000003"#,
    )
    .unwrap();
    assert_eq!(info.nextnonce().as_deref(), Some("47364c23"));
    assert_eq!((info.qop(), info.rspauth(), info.nc()), (Some("auth"), Some("6629"), Some(3)));
    assert_eq!(info.cnonce().as_deref(), Some("0a4f"));
}

fn answer() -> DigestCredentialsBuf {
    DigestCredentialsBuf {
        username: r#"bob "the" \"#.into(),
        realm: "biloxi.com".into(),
        nonce: "dcd98b".into(),
        uri: "sip:bob@biloxi.com".into(),
        response: "6629fae4".into(),
        algorithm: Some(Algorithm::Md5),
        opaque: Some("5ccc".into()),
        protection: Some(Protection { qop: Qop::Auth, nc: 1, cnonce: "0a4f113b".into() }),
        userhash: false,
    }
}

#[test]
fn written_credentials_are_quoted_as_the_rfc_demands_and_read_back() {
    let text = answer().encode().unwrap();
    assert_eq!(
        text,
        r#"Digest username="bob \"the\" \\", realm="biloxi.com", nonce="dcd98b", uri="sip:bob@biloxi.com", response="6629fae4", algorithm=MD5, opaque="5ccc", qop=auth, nc=00000001, cnonce="0a4f113b""#
    );
    let read = credentials(&text);
    assert_eq!(read.username(), answer().username);
    assert_eq!((read.nc(), read.qop()), (Some(1), Some("auth")));
}

#[test]
fn written_challenge_is_quoted_as_the_rfc_demands_and_read_back() {
    let asked = DigestChallengeBuf {
        realm: r#"a "b""#.into(),
        nonce: "n".into(),
        opaque: None,
        stale: true,
        algorithm: Algorithm::Sha256,
        qop: vec![Qop::Auth, Qop::AuthInt],
        userhash: true,
    };
    let text = asked.encode().unwrap();
    assert_eq!(
        text,
        r#"Digest realm="a \"b\"", nonce="n", stale=true, algorithm=SHA-256, qop="auth,auth-int", userhash=true"#
    );
    assert_eq!(challenge(&text).to_owned(), Some(asked));
    assert_eq!(challenge(r#"Digest realm="r", nonce="n", algorithm=x"#).to_owned(), None);
}

#[test]
fn response_that_no_one_would_read_is_not_written() {
    let given = DigestCredentialsBuf { response: "6629g".into(), ..answer() };
    assert_eq!(given.encode(), Err(BuildError::Parameter("response".into())));
}

#[test]
fn control_characters_are_not_written() {
    for bad in ["a\r\nVia: x", "a\0", "a\tb", "\u{7f}", "\u{85}"] {
        let given = DigestCredentialsBuf { realm: bad.into(), ..answer() };
        assert_eq!(given.encode(), Err(BuildError::ControlCharacter("realm".into())), "{bad:?}");
    }
}

#[test]
fn logs_do_not_show_who_is_calling_or_the_proof() {
    let text = answer().encode().unwrap();
    let other = Credentials::parse("Basic 6629fae4").unwrap();
    let logged =
        format!("{:?} {:#?} {:?} {other:?}", answer(), credentials(&text), Credentials::parse(&text));
    for secret in ["bob", "dcd98b", "6629fae4", "0a4f113b", "5ccc"] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
    }
    assert!(logged.contains("Basic") && logged.contains("\"nonce\""), "{logged}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_without_control_characters_is_read_back(
        (username, realm, nonce) in ("\\PC{0,20}", "\\PC{0,20}", "[ -~]{0,20}"),
        (uri, cnonce, opaque) in ("\\PC{0,20}", "[ -~]{0,20}", prop::option::of("[ -~]{0,20}")),
        (response, nc, userhash) in ("[0-9a-f]{0,64}", any::<u32>(), any::<bool>()),
    ) {
        let protection = Some(Protection { qop: Qop::AuthInt, nc, cnonce: cnonce.clone() });
        let algorithm = Some(Algorithm::Sha256Sess);
        let given = DigestCredentialsBuf { username, realm, nonce, uri, response, algorithm, opaque, protection, userhash };
        let text = given.encode().unwrap();
        let read = Credentials::parse(&text).unwrap();
        prop_assert_eq!(read.to_string(), text.as_str());
        let read = read.digest().unwrap();
        prop_assert_eq!((read.username(), read.realm()), (given.username.into(), given.realm.into()));
        prop_assert_eq!((read.nonce(), read.uri()), (given.nonce.into(), given.uri.into()));
        prop_assert_eq!((read.response(), read.nc()), (given.response.as_str(), Some(nc)));
        prop_assert_eq!((read.cnonce(), read.opaque()), (Some(cnonce.into()), given.opaque.map(Into::into)));
        prop_assert_eq!((read.algorithm(), read.qop(), read.userhash()), (algorithm, Some("auth-int"), userhash));
    }
}
