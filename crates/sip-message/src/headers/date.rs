use core::fmt;

use super::number;
use crate::{ParseError, ParseErrorKind, lex};

/// `Date: Sat, 13 Nov 2010 23:29:00 GMT` (RFC 3261 §20.17), always GMT; later dates compare greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, as the month has it.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59: there are no leap seconds here.
    pub second: u8,
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What stands between the fields, each with its place: every field has a fixed width.
const SEPARATORS: [(usize, &str); 7] =
    [(3, ", "), (7, " "), (11, " "), (16, " "), (19, ":"), (22, ":"), (25, " GMT")];

const LENGTH: usize = 29;

const DAY: i64 = 24 * 60 * 60;

/// Days from the start of the year 0 to the start of 1970.
const EPOCH: i64 = days_before_year(1970);

/// Days after which the calendar repeats: 400 years.
const CYCLE: i64 = days_before_year(400);

impl Date {
    /// Parses `wkday, DD month YYYY HH:MM:SS GMT`, case-sensitive (RFC 3261 §20.17).
    ///
    /// Fails with [`ParseErrorKind::Value`] on any other form or zone and on a weekday that is not that of
    /// the date, with [`ParseErrorKind::Number`] on a day or time that does not exist.
    pub fn parse(value: &str) -> Result<Date, ParseError> {
        let text = lex::trim(value);
        let fail = |kind, at: usize| ParseError::of(kind, value, text).shifted(at.min(text.len()));
        for (at, separator) in SEPARATORS {
            if !text.get(at..).is_some_and(|rest| rest.starts_with(separator)) {
                return Err(fail(ParseErrorKind::Value, at));
            }
        }
        if text.len() != LENGTH {
            return Err(fail(ParseErrorKind::Value, LENGTH));
        }
        let field = |at: usize, max: u8| match number(&text[at..at + 2]) {
            Ok(field) if field <= max => Ok(field),
            _ => Err(fail(ParseErrorKind::Number, at)),
        };
        let year = number(&text[12..16]).map_err(|error| fail(error.kind(), 12))?;
        let Some(month) = (1u8..).zip(MONTHS).find(|(_, name)| *name == &text[8..11]).map(|(month, _)| month)
        else {
            return Err(fail(ParseErrorKind::Value, 8));
        };
        let date = Date {
            year,
            month,
            day: field(5, days_of_month(i64::from(year), month))?,
            hour: field(17, 23)?,
            minute: field(20, 59)?,
            second: field(23, 59)?,
        };
        if date.day == 0 {
            return Err(fail(ParseErrorKind::Number, 5));
        }
        if date.weekday() != &text[..3] {
            return Err(fail(ParseErrorKind::Value, 0));
        }
        Ok(date)
    }

    /// The date so many seconds after the start of 1970; `None` outside the years 0 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Date> {
        let mut day = seconds.div_euclid(DAY) + EPOCH;
        if !(0..days_before_year(10_000)).contains(&day) {
            return None;
        }
        // The mean length of a year leads to the right one or a neighbour.
        let mut year = day * 400 / CYCLE + 1;
        while days_before_year(year) > day {
            year -= 1;
        }
        day -= days_before_year(year);
        let mut month = 1;
        while day >= i64::from(days_of_month(year, month)) {
            day -= i64::from(days_of_month(year, month));
            month += 1;
        }
        let time = seconds.rem_euclid(DAY);
        Some(Date {
            year: year as u16,
            month,
            day: day as u8 + 1,
            hour: (time / 3600) as u8,
            minute: (time / 60 % 60) as u8,
            second: (time % 60) as u8,
        })
    }

    /// Seconds since the start of 1970, negative before it.
    pub fn to_unix(self) -> i64 {
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        self.days() * DAY + minutes * 60 + i64::from(self.second)
    }

    /// Days since the start of 1970.
    fn days(self) -> i64 {
        let year = i64::from(self.year);
        let months: i64 = (1..self.month).map(|month| i64::from(days_of_month(year, month))).sum();
        days_before_year(year) - EPOCH + months + i64::from(self.day) - 1
    }

    fn weekday(self) -> &'static str {
        // 1970 began on a Thursday.
        WEEKDAYS[(self.days() + 3).rem_euclid(7) as usize]
    }
}

/// Days from the start of the year 0, which is a leap year, to the start of another that is not before it.
const fn days_before_year(year: i64) -> i64 {
    let last = year - 1;
    365 * year + 1 + last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400)
}

const fn days_of_month(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = MONTHS.get(usize::from(self.month).wrapping_sub(1)).unwrap_or(&"");
        let Date { year, day, hour, minute, second, .. } = self;
        write!(f, "{}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT", self.weekday())
    }
}
