//! What is kept of the resolver's answers, and how long.

use std::time::Duration;

use sip_transport::{
    Answer, LookupError, Question, Records, Tick,
    targets::{Cache, CacheConfig, MAX_RECORDS},
};

use crate::zone::srv;

fn at(seconds: u64) -> Tick {
    Tick::from_micros(seconds * 1_000_000)
}

fn name(number: usize) -> Question {
    Question::Addresses(format!("h{number}.example.com").into())
}

fn records() -> Records {
    Records::Addresses(["192.0.2.1".parse().expect("an address")].into_iter().collect())
}

fn answer(records: Records, seconds: u64) -> Answer {
    Answer { records, ttl: Duration::from_secs(seconds) }
}

/// Asserts that the answer is known for exactly so long.
fn kept_for(config: CacheConfig, result: &Result<Answer, LookupError>, seconds: u64) {
    let mut cache = Cache::new(config);
    cache.put(name(1), result, at(100));
    let known = result.clone().map(|answer| answer.records);
    let last = Tick::from_micros(at(100 + seconds).as_micros() - 1);
    assert_eq!(cache.get(&name(1), last), Some(known), "{result:?}");
    assert_eq!(cache.get(&name(1), at(100 + seconds)), None, "{result:?}");
    assert!(cache.is_empty());
}

#[test]
fn each_answer_has_its_time() {
    let config = CacheConfig::default();
    kept_for(config, &Ok(answer(records(), 60)), 60);
    kept_for(config, &Ok(answer(records(), 3600)), 3600);
    kept_for(config, &Ok(answer(records(), 3601)), 3600);
    kept_for(config, &Ok(Answer { records: records(), ttl: Duration::MAX }), 3600);
    kept_for(config, &Err(LookupError::NotFound), 30);
    kept_for(config, &Err(LookupError::Unsupported), 30);
    kept_for(config, &Err(LookupError::Timeout), 5);
    let config = CacheConfig { shortest: Duration::from_secs(10), ..config };
    kept_for(config, &Ok(answer(records(), 0)), 10);
    kept_for(config, &Ok(answer(records(), 11)), 11);
}

#[test]
fn an_answer_that_is_not_to_be_kept_is_not() {
    let mut cache = Cache::new(CacheConfig::default());
    cache.put(name(1), &Ok(answer(records(), 60)), at(0));
    cache.put(name(1), &Ok(answer(records(), 0)), at(1));
    assert_eq!(cache.get(&name(1), at(1)), None);
    assert!(cache.is_empty());
}

#[test]
fn a_new_answer_takes_the_place_of_the_old_one() {
    let mut cache = Cache::new(CacheConfig::default());
    cache.put(name(1), &Err(LookupError::NotFound), at(0));
    cache.put(name(1), &Ok(answer(records(), 60)), at(1));
    assert_eq!(cache.get(&name(1), at(40)), Some(Ok(records())));
    assert_eq!(cache.len(), 1);
}

#[test]
fn questions_of_another_kind_are_other_questions() {
    let mut cache = Cache::new(CacheConfig::default());
    cache.put(Question::Naptr("example.com".into()), &Err(LookupError::NotFound), at(0));
    assert_eq!(cache.get(&Question::Addresses("example.com".into()), at(0)), None);
}

#[test]
fn of_1025_answers_the_oldest_goes() {
    let entries = CacheConfig::default().entries;
    let mut cache = Cache::new(CacheConfig::default());
    for number in 1..=entries {
        cache.put(name(number), &Ok(answer(records(), 60)), at(0));
    }
    // The first one is told again, so the second is the oldest now.
    cache.put(name(1), &Ok(answer(records(), 60)), at(1));
    assert_eq!(cache.len(), entries);
    assert!(cache.get(&name(2), at(1)).is_some());
    cache.put(name(entries + 1), &Ok(answer(records(), 60)), at(1));
    assert_eq!(cache.len(), entries);
    assert_eq!(cache.get(&name(2), at(1)), None);
    assert!(cache.get(&name(1), at(1)).is_some());
}

#[test]
fn a_cache_of_nothing_keeps_nothing() {
    let mut cache = Cache::new(CacheConfig { entries: 0, ..CacheConfig::default() });
    cache.put(name(1), &Ok(answer(records(), 60)), at(0));
    assert!(cache.is_empty());
}

#[test]
fn of_a_thousand_records_those_that_are_looked_at_are_kept() {
    for (sent, kept) in [(MAX_RECORDS, MAX_RECORDS), (MAX_RECORDS + 1, MAX_RECORDS), (1000, MAX_RECORDS)] {
        let mut cache = Cache::new(CacheConfig::default());
        let question = Question::Srv("_sip._udp.example.com".into());
        let records: Vec<_> = (0..sent).map(|_| srv(0, 0, 5060, "a.example.com")).collect();
        cache.put(question.clone(), &Ok(answer(Records::Srv(records.into()), 60)), at(0));
        let Some(Ok(Records::Srv(records))) = cache.get(&question, at(0)) else { panic!("nothing kept") };
        assert_eq!(records.len(), kept);
    }
}
