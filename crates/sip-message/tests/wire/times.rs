use proptest::prelude::*;
use sip_message::{Date, Decimal, ParseErrorKind, Timestamp, header};

use crate::{message, request_text, request_with};

#[test]
fn dates_and_seconds_are_the_same_thing() {
    for (seconds, text) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_289_690_940, "Sat, 13 Nov 2010 23:29:00 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (-62_167_219_200, "Sat, 01 Jan 0000 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        let date = Date::from_unix(seconds).unwrap();
        assert_eq!(date.to_string(), text);
        assert_eq!(Date::parse(text), Ok(date));
        assert_eq!(date.to_unix(), seconds, "{text}");
    }
    for outside in [-62_167_219_201, 253_402_300_800, i64::MIN, i64::MAX] {
        assert_eq!(Date::from_unix(outside), None);
    }
}

#[test]
fn every_day_of_the_calendar_follows_its_predecessor() {
    let noon = |day: i64| Date::from_unix(day * 86_400 + 43_200).unwrap();
    let mut before = noon(-719_528);
    for day in -719_527..=2_932_896 {
        let date = noon(day);
        assert_eq!(date.to_unix(), day * 86_400 + 43_200);
        let next = (date.year, date.month, date.day) == (before.year, before.month, before.day + 1);
        let month = (date.year, date.month, date.day) == (before.year, before.month + 1, 1);
        let year = (date.year, date.month, date.day) == (before.year + 1, 1, 1) && before.month == 12;
        assert!(next || (before.day >= 28 && (month || (before.day == 31 && year))), "{before} {date}");
        before = date;
    }
    assert_eq!(before.to_string(), "Fri, 31 Dec 9999 12:00:00 GMT");
}

#[test]
fn the_fault_of_a_date_is_found_where_it_is() {
    for (text, kind, offset) in [
        ("Mon, 01 Jan 2010 16:00:00 GMT", ParseErrorKind::Value, 0),
        ("Fri, 32 Jan 2010 16:00:00 GMT", ParseErrorKind::Number, 5),
        ("Fri, 01 Jam 2010 16:00:00 GMT", ParseErrorKind::Value, 8),
        ("Fri, 01 Jan 20x0 16:00:00 GMT", ParseErrorKind::Number, 12),
        ("Fri, 01 Jan 2010 25:00:00 GMT", ParseErrorKind::Number, 17),
        ("Fri, 01 Jan 2010 16:00:00 EST", ParseErrorKind::Value, 25),
        (" Fri, 01 Jan 2010 16:00:00 EST", ParseErrorKind::Value, 26),
        ("", ParseErrorKind::Value, 0),
    ] {
        let error = Date::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{text:?}");
    }
    // A date that a program has put together wrongly still prints, and is refused when read.
    let odd = Date { year: u16::MAX, month: u8::MAX, day: u8::MAX, hour: 255, minute: 255, second: 255 };
    assert!(Date::parse(&odd.to_string()).is_err());
    let odd = Date { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    assert!(Date::parse(&odd.to_string()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn later_seconds_are_later_dates(a in -62_167_219_200i64..253_402_300_800, b in -62_167_219_200i64..253_402_300_800) {
        let (earlier, later) = (Date::from_unix(a).unwrap(), Date::from_unix(b).unwrap());
        prop_assert_eq!(earlier.cmp(&later), a.cmp(&b));
        prop_assert_eq!((earlier.to_unix(), Date::parse(&later.to_string())), (a, Ok(later)));
    }
}

#[test]
fn timestamps_keep_every_decimal() {
    let decimal = |whole, fraction, places| Decimal { whole, fraction, places };
    let stamp = Timestamp::parse("54.010 0.00000000000000000012").unwrap();
    assert_eq!(stamp.time, decimal(54, 10, 3));
    assert_eq!(stamp.delay, Some(decimal(0, 12, 20)));
    assert_eq!(Timestamp::parse("54").unwrap(), Timestamp { time: decimal(54, 0, 0), delay: None });
    let error = Timestamp::parse("54 x").unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ParseErrorKind::Number, 3));
    let places = |count: usize| Timestamp::parse(&format!("1.{}", "0".repeat(count))).is_ok();
    assert_eq!((places(255), places(256)), (true, false));
}

#[test]
fn accessors_read_what_the_typed_headers_read() {
    for text in ["0070", "255", "300", "4294967296", "60;x=y", "-1", "x", ""] {
        let request =
            request_text("INVITE", &format!("Expires: {text}\nMin-Expires: {text}\nMin-SE: {text}\n"));
        let request = message(&request.replace("Max-Forwards: 70", &format!("Max-Forwards: {text}")));
        let hops = request.only::<header::MaxForwards>();
        assert_eq!((request.max_forwards(), request.check()), (hops, hops.map(drop)), "{text}");
        assert_eq!(request.expires(), request.only::<header::Expires>().ok().flatten(), "{text}");
        assert_eq!(request.min_expires(), request.only::<header::MinExpires>().ok().flatten(), "{text}");
        let least = request.only::<header::MinSe>().ok().flatten();
        assert_eq!(request.min_se(), least.map(|least| least.seconds), "{text}");
        // Only Min-SE has parameters.
        let read = text.parse::<u64>().ok().map(|number| number.min(u64::from(u32::MAX)) as u32);
        assert_eq!(
            (hops.ok().flatten(), request.expires(), request.min_expires()),
            (read, read, read),
            "{text}"
        );
        assert_eq!(request.min_se(), read.or((text == "60;x=y").then_some(60)), "{text}");
    }
    let twice = request_with("INVITE", "Expires: 60\nExpires: 60\n");
    assert_eq!(twice.expires(), None);
}
