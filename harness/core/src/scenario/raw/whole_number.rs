//! [`Count`] and [`Seed`]: whole numbers.

use std::borrow::Cow;
use std::num::{IntErrorKind, NonZeroU32};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::units::{Expectation, TextError};

/// How many of something there are: at least one.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Count(pub(in crate::scenario) NonZeroU32);

/// Where random choices start.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Seed(pub(in crate::scenario) u64);

/// Reads a whole number, or says which way it is none.
fn read<T: FromStr<Err = std::num::ParseIntError>>(
    text: &str,
    expected: Expectation,
) -> Result<T, TextError> {
    text.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::Zero => expected.refuse(text, "is zero"),
        IntErrorKind::PosOverflow => expected.refuse(text, "is too large"),
        // Unsigned types call a minus sign an invalid digit.
        IntErrorKind::InvalidDigit if text.parse::<i128>().is_ok() => expected.refuse(text, "is negative"),
        _ => expected.unreadable(text),
    })
}

impl FromStr for Count {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        read(text, Expectation { what: "a whole number above zero", examples: r#""3""# }).map(Self)
    }
}

impl FromStr for Seed {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        read(text, Expectation { what: "a whole number", examples: r#""2019""# }).map(Self)
    }
}

impl JsonSchema for Count {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
    }
}

impl JsonSchema for Seed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Seed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}
