//! Times as the world sees them.

use std::borrow::Cow;
use std::fmt;

use chrono::{Datelike, Timelike};
use domain::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A time in UTC as RFC 3339 with exactly three decimals and `Z`.
#[derive(Debug, Clone, Copy)]
pub struct WireTime(pub Timestamp);

impl WireTime {
    /// The text, digit by digit: to write it by a pattern takes ten times as long, and a customer has up to four times.
    fn text(self) -> [u8; 24] {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let (date, time) = (self.0.date_naive(), self.0.time());
        // The years of RFC 3339 have four digits, and no other is ever stored.
        let parts = [
            (3, date.year().clamp(0, 9999).unsigned_abs()),
            (6, date.month()),
            (9, date.day()),
            (12, time.hour()),
            (15, time.minute()),
            (18, time.second()),
            (22, time.nanosecond() / 1_000_000 % 1_000),
        ];
        for (end, mut number) in parts {
            for digit in text.iter_mut().take(end + 1).rev() {
                if number == 0 || !digit.is_ascii_digit() {
                    break;
                }
                *digit += u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        text
    }
}

impl fmt::Display for WireTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for WireTime {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
            "examples": ["2026-11-25T04:36:05.708Z"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_chrono_would_by_the_pattern() {
        // Days, and parts of a day, in steps that meet all months, leap days, and every number of digits.
        for day in (-719_528_i64..2_932_896).step_by(97) {
            let time = Timestamp::from_timestamp_millis(day * 86_400_000 + day.rem_euclid(86_399) * 1_001).unwrap();
            assert_eq!(WireTime(time).to_string(), time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
        }
    }
}
