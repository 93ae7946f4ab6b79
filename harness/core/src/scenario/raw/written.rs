//! [`Written`]: a value still as it is written.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text of a value that is yet to be read as a `T`.
#[derive(Debug)]
pub(in crate::scenario) struct Written<T> {
    /// The text, without quotes.
    pub(in crate::scenario) text: String,
    meaning: PhantomData<T>,
}

impl<T> Written<T> {
    /// As if `text` stood in the file.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), meaning: PhantomData }
    }
}

impl<'de, T> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self { text, meaning: PhantomData })
    }
}

/// Only defaults are ever written, into the JSON schema, where a number must be one.
impl<T> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text.parse::<u64>() {
            Ok(number) => serializer.serialize_u64(number),
            Err(_) => serializer.serialize_str(&self.text),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
