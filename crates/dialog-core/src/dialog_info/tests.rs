use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = Box<str>> {
    // With all that has to be escaped, and without the space around that a reader takes away.
    proptest::collection::vec(
        prop::sample::select(vec!['a', '&', '<', '>', '"', '\'', ';', '@', 'ü', '😀', ']']),
        0..8,
    )
    .prop_map(|characters| characters.into_iter().collect::<String>().into())
}

fn attribute() -> impl Strategy<Value = Box<str>> {
    proptest::collection::vec(any::<char>(), 0..6).prop_map(|characters| {
        let usable = |character: &char| !matches!(character, '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
        characters.into_iter().filter(usable).collect::<String>().into()
    })
}

fn party() -> impl Strategy<Value = Party> {
    (prop::option::of(attribute()), text()).prop_map(|(display, uri)| Party { display, uri })
}

fn participant() -> impl Strategy<Value = Participant> {
    let target = (attribute(), proptest::collection::vec((attribute(), attribute()), 0..3))
        .prop_map(|(uri, params)| Target { uri, params });
    (prop::option::of(party()), prop::option::of(target))
        .prop_map(|(identity, target)| Participant { identity, target })
}

fn stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(vec![
        Stage::Trying,
        Stage::Proceeding,
        Stage::Early,
        Stage::Confirmed,
        Stage::Terminated,
    ])
}

fn entry() -> impl Strategy<Value = DialogEntry> {
    let ids = (prop::option::of(attribute()), prop::option::of(attribute()), prop::option::of(attribute()));
    let state = (
        prop::option::of(prop::sample::select(vec![Direction::Initiator, Direction::Recipient])),
        stage(),
        prop::option::of(prop::sample::select(vec![StageEvent::RemoteBye, StageEvent::Cancelled])),
        prop::option::of(any::<u16>()),
        prop::option::of(any::<u64>()),
    );
    let replaced = (attribute(), attribute(), attribute())
        .prop_map(|(call_id, local_tag, remote_tag)| DialogIds { call_id, local_tag, remote_tag });
    let rest = (
        prop::option::of(replaced),
        prop::option::of(party()),
        proptest::collection::vec(text(), 0..3),
        prop::option::of(participant()),
        prop::option::of(participant()),
    );
    ("[a-d]", ids, state, rest).prop_map(
        |(
            id,
            (call_id, local_tag, remote_tag),
            (direction, stage, event, code, duration),
            (replaced, referred_by, routes, local, remote),
        )| DialogEntry {
            call_id,
            local_tag,
            remote_tag,
            direction,
            event,
            code,
            duration,
            replaced,
            referred_by,
            routes,
            local,
            remote,
            ..DialogEntry::new(&id, stage)
        },
    )
}

fn document() -> impl Strategy<Value = DialogInfo> {
    let extent = prop::sample::select(vec![Extent::Full, Extent::Partial]);
    (any::<u32>(), extent, attribute(), proptest::collection::vec(entry(), 0..4))
        .prop_map(|(version, extent, entity, dialogs)| DialogInfo { version, extent, entity, dialogs })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(document in document()) {
        prop_assert_eq!(DialogInfo::parse(document.to_string().as_bytes()), Ok(document));
    }

    #[test]
    fn a_table_that_missed_nothing_is_what_the_notifier_has(
        steps in proptest::collection::vec((any::<bool>(), proptest::collection::vec(entry(), 0..4)), 1..12),
    ) {
        let mut source = DialogInfoSource::new("sip:alice@example.com");
        let mut state = DialogInfoState::default();
        let mut model: Vec<DialogEntry> = Vec::new();
        for (index, (full, changed)) in steps.into_iter().enumerate() {
            for dialog in &changed {
                match model.iter_mut().find(|known| known.id == dialog.id) {
                    Some(known) => *known = dialog.clone(),
                    None => model.push(dialog.clone()),
                }
            }
            let document = if full || index == 0 {
                source.document(Extent::Full, model.clone())
            } else {
                source.document(Extent::Partial, changed)
            };
            prop_assert_eq!(state.merge(document), Merge::Current);
            model.retain(|dialog| dialog.stage != Stage::Terminated);
            let mut known = state.dialogs().to_vec();
            known.sort_by(|one, two| one.id.cmp(&two.id));
            model.sort_by(|one, two| one.id.cmp(&two.id));
            prop_assert_eq!(&known, &model);
            prop_assert_eq!(state.is_free(), Some(model.is_empty()));
        }
    }

    #[test]
    fn no_text_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(document) = DialogInfo::parse(&bytes) {
            prop_assert_eq!(DialogInfo::parse(document.to_string().as_bytes()), Ok(document));
        }
    }
}

const EXAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<d:dialog-info xmlns:d="urn:ietf:params:xml:ns:dialog-info" xmlns:x="urn:other" version="1" state="full"
   entity="sip:alice@example.com">
  <d:dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774" remote-tag="456887766" direction="initiator">
    <d:state event="replaced" code="200">confirmed</d:state>
    <x:state>terminated</x:state>
    <d:duration>274</d:duration>
    <d:replaces call-id="hg287s98s89" local-tag="6762h7" remote-tag="09278hsb"/>
    <d:local>
      <d:identity display="Alice &amp; Co">sip:alice@example.com</d:identity>
      <d:target uri="sip:alice@pc33.example.com"><d:param pname="isfocus" pval="true"/></d:target>
    </d:local>
    <d:remote><d:identity>sip:bob@exam<![CDATA[ple.org]]></d:identity></d:remote>
  </d:dialog>
</d:dialog-info>"#;

#[test]
fn a_document_is_read_with_its_prefix_and_foreign_content_passed_over() {
    let document = DialogInfo::parse(EXAMPLE.as_bytes()).expect("a document");
    assert_eq!((document.version, document.extent), (1, Extent::Full));
    let dialog = &document.dialogs[0];
    assert_eq!(
        (dialog.stage, dialog.event, dialog.code),
        (Stage::Confirmed, Some(StageEvent::Replaced), Some(200))
    );
    assert_eq!((dialog.direction, dialog.duration), (Some(Direction::Initiator), Some(274)));
    let local = dialog.local.as_ref().and_then(|local| local.identity.as_ref()).expect("a name");
    assert_eq!(local.display.as_deref(), Some("Alice & Co"));
    let remote = dialog.remote.as_ref().and_then(|remote| remote.identity.as_ref()).expect("a name");
    assert_eq!(&*remote.uri, "sip:bob@example.org");
    let replaces = dialog.replaces().expect("three ids").expect("usable ids");
    assert_eq!(replaces.to_string(), "a84b4c76e66710;to-tag=1928301774;from-tag=456887766");
}

fn of(version: u32, state: &str, dialogs: &str) -> String {
    format!("<dialog-info version=\"{version}\" state=\"{state}\" entity=\"sip:a@h\">{dialogs}</dialog-info>")
}

#[test]
fn no_entity_of_its_own_and_nothing_beyond_the_limits_is_read() {
    let doctype = format!(
        "<!DOCTYPE d [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>{}",
        of(1, "full", "<dialog id=\"1\"><state>&b;</state></dialog>")
    );
    assert_eq!(DialogInfo::parse(doctype.as_bytes()), Err(DialogInfoError::Entity));
    let unknown = of(1, "full", "<dialog id=\"1\"><state>&b;</state></dialog>");
    assert_eq!(DialogInfo::parse(unknown.as_bytes()), Err(DialogInfoError::Entity));
    let deep = |levels: usize| of(1, "full", &format!("{}{}", "<x>".repeat(levels), "</x>".repeat(levels)));
    assert!(DialogInfo::parse(deep(element::DEPTH - 1).as_bytes()).is_ok());
    assert_eq!(DialogInfo::parse(deep(element::DEPTH).as_bytes()), Err(DialogInfoError::Deep));
    let many = |count: usize| of(1, "full", &"<dialog id=\"1\"><state>early</state></dialog>".repeat(count));
    assert!(DialogInfo::parse(many(read::DIALOGS).as_bytes()).is_ok());
    assert_eq!(DialogInfo::parse(many(read::DIALOGS + 1).as_bytes()), Err(DialogInfoError::Dialogs));
    let sized = |size: usize| {
        let plain = of(1, "full", "");
        format!("{}{plain}", " ".repeat(size - plain.len()))
    };
    assert!(DialogInfo::parse(sized(element::SIZE).as_bytes()).is_ok());
    assert_eq!(DialogInfo::parse(sized(element::SIZE + 1).as_bytes()), Err(DialogInfoError::Large));
}

#[test]
fn what_must_be_there_is_asked_for() {
    for (text, error) in [
        ("", DialogInfoError::Malformed),
        ("<presence/>", DialogInfoError::Malformed),
        ("<dialog-info version=\"1\" state=\"full\" entity=\"e\">", DialogInfoError::Malformed),
        ("<dialog-info state=\"full\" entity=\"e\"/>", DialogInfoError::Value("version")),
        ("<dialog-info version=\"-1\" state=\"full\" entity=\"e\"/>", DialogInfoError::Value("version")),
        ("<dialog-info version=\"1\" state=\"some\" entity=\"e\"/>", DialogInfoError::Value("state")),
        ("<dialog-info version=\"1\" state=\"full\"/>", DialogInfoError::Value("entity")),
        (
            "<dialog-info version=\"1\" state=\"full\" entity=\"e\"><dialog id=\"1\"/></dialog-info>",
            DialogInfoError::Value("state"),
        ),
    ] {
        assert_eq!(DialogInfo::parse(text.as_bytes()), Err(error), "{text}");
    }
}

fn merged(state: &mut DialogInfoState, version: u32, extent: Extent, dialogs: &[(&str, Stage)]) -> Merge {
    let dialogs = dialogs.iter().map(|(id, stage)| DialogEntry::new(id, *stage)).collect();
    state.merge(DialogInfo { version, extent, entity: "sip:a@h".into(), dialogs })
}

#[test]
fn who_is_free_is_known_from_the_first_full_state_on() {
    let mut state = DialogInfoState::default();
    assert_eq!(state.is_free(), None);
    assert_eq!(merged(&mut state, 3, Extent::Partial, &[]), Merge::Incomplete);
    assert_eq!(state.is_free(), None);
    assert_eq!(merged(&mut state, 4, Extent::Full, &[("1", Stage::Early)]), Merge::Current);
    assert_eq!(state.is_free(), Some(false));
    assert_eq!(merged(&mut state, 5, Extent::Partial, &[("1", Stage::Terminated)]), Merge::Current);
    assert_eq!(state.is_free(), Some(true));
}

#[test]
fn a_gap_makes_the_table_incomplete_and_a_late_document_is_dropped() {
    let mut state = DialogInfoState::default();
    merged(&mut state, 0, Extent::Full, &[("1", Stage::Confirmed)]);
    assert_eq!(merged(&mut state, 2, Extent::Partial, &[("2", Stage::Trying)]), Merge::Incomplete);
    assert_eq!(merged(&mut state, 1, Extent::Partial, &[("1", Stage::Terminated)]), Merge::Stale);
    assert_eq!(merged(&mut state, 2, Extent::Partial, &[("2", Stage::Terminated)]), Merge::Stale);
    assert_eq!(merged(&mut state, 3, Extent::Partial, &[]), Merge::Incomplete);
    assert_eq!(state.dialogs().len(), 2);
    assert_eq!(merged(&mut state, 9, Extent::Full, &[]), Merge::Current);
    assert_eq!(merged(&mut state, 9, Extent::Full, &[]), Merge::Current);
    assert_eq!(merged(&mut state, 8, Extent::Full, &[("1", Stage::Confirmed)]), Merge::Stale);
}

#[test]
fn one_dialog_beyond_the_limit_makes_the_table_incomplete() {
    let mut state = DialogInfoState::default();
    let ids: Vec<String> = (0..DialogInfoState::DIALOGS).map(|number| number.to_string()).collect();
    let all: Vec<(&str, Stage)> = ids.iter().map(|id| (id.as_str(), Stage::Confirmed)).collect();
    assert_eq!(merged(&mut state, 0, Extent::Full, &all), Merge::Current);
    assert_eq!(merged(&mut state, 1, Extent::Partial, &[("x", Stage::Confirmed)]), Merge::Incomplete);
    assert_eq!(state.dialogs().len(), DialogInfoState::DIALOGS);
}

#[test]
fn a_character_that_xml_does_not_have_is_refused() {
    for id in ["a\u{17}b", "a&#x17;b", "a\u{ffff}b"] {
        let document = format!(
            "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" entity=\"sip:a@example.com\">\
             <dialog id=\"{id}\"><state>confirmed</state></dialog></dialog-info>"
        );
        assert_eq!(DialogInfo::parse(document.as_bytes()), Err(DialogInfoError::Malformed), "{id:?}");
    }
}
