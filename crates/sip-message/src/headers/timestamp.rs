use core::fmt;

use super::number;
use crate::{ParseError, ParseErrorKind, lex};

/// `Timestamp: 54.1 0.25` (RFC 3261 §20.38).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// The client's clock in seconds, from whatever start.
    pub time: Decimal,
    /// How long the server took to answer, in seconds (RFC 3261 §8.2.6.1).
    pub delay: Option<Decimal>,
}

/// A decimal number as it is written: `54.10` is not `54.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// What stands before the point.
    pub whole: u64,
    /// What stands behind the point, as a number.
    pub fraction: u64,
    /// How many digits stand behind the point.
    pub places: u8,
}

impl Timestamp {
    /// Parses `1*DIGIT ["." *DIGIT] [LWS delay]`; a number that [`Decimal`] cannot hold is an error.
    pub fn parse(value: &str) -> Result<Timestamp, ParseError> {
        let text = lex::trim(value);
        let (time, delay) = text.split_at(text.find([' ', '\t']).unwrap_or(text.len()));
        let delay = lex::trim(delay);
        let decimal = |part, needs_whole| {
            Decimal::parse(part, needs_whole)
                .ok_or_else(|| ParseError::of(ParseErrorKind::Number, value, part))
        };
        let time = decimal(time, true)?;
        Ok(Timestamp { time, delay: (!delay.is_empty()).then(|| decimal(delay, false)).transpose()? })
    }
}

impl Decimal {
    /// Parses `*DIGIT ["." *DIGIT]`; only a delay may start with its point.
    fn parse(text: &str, needs_whole: bool) -> Option<Decimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let number = |digits: &str| if digits.is_empty() { Some(0) } else { number(digits).ok() };
        Some(Decimal {
            whole: number(whole).filter(|_| !needs_whole || !whole.is_empty())?,
            fraction: number(fraction)?,
            places: fraction.len().try_into().ok()?,
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.time.fmt(f)?;
        self.delay.map_or(Ok(()), |delay| write!(f, " {delay}"))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.places {
            0 => self.whole.fmt(f),
            places => write!(f, "{}.{:0places$}", self.whole, self.fraction, places = usize::from(places)),
        }
    }
}
