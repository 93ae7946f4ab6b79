//! [`locate`]: the line and column of a value that serde has already read.
//!
//! `serde_yaml` keeps no places of values, but puts one on every error. So the text is read once more, and the
//! reading fails on purpose exactly where the value is.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::path::{Path, Step};

/// Which end of the last step is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The value that the path leads to.
    Value,
    /// The key before that value.
    Key,
    /// The same key where it is written for the second time.
    RepeatedKey,
}

/// Line and column, both counted from one, of what a path leads to; `None` when it leads nowhere.
#[must_use]
pub fn locate(text: &str, path: &Path, place: Place) -> Option<(usize, usize)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let walk = Walk { steps: path.steps(), place };
    let stopped = walk.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    let location = stopped.location()?;
    Some((location.line(), location.column()))
}

/// The rest of the way. As a visitor it accepts lists and mappings only as long as there is a step left to take,
/// so that whatever it arrives at is an error there.
#[derive(Clone, Copy)]
struct Walk<'path> {
    steps: &'path [Step],
    place: Place,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the next step of the path")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.steps.split_first() else {
            return Err(A::Error::custom("found"));
        };
        for _ in 0..*wanted {
            entries.next_element::<IgnoredAny>()?;
        }
        entries.next_element_seed(Walk { steps: rest, ..self })?;
        while entries.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.steps.split_first() else {
            return Err(A::Error::custom("found"));
        };
        let mut seen = 0;
        loop {
            let key = Key { wanted, stop: self.stops_at_key(rest, seen) };
            match entries.next_key_seed(key)? {
                None => return Ok(()),
                Some(false) => _ = entries.next_value::<IgnoredAny>()?,
                Some(true) if self.place == Place::RepeatedKey && rest.is_empty() => {
                    seen += 1;
                    entries.next_value::<IgnoredAny>()?;
                }
                Some(true) => entries.next_value_seed(Walk { steps: rest, ..self })?,
            }
        }
    }
}

impl Walk<'_> {
    fn stops_at_key(self, rest: &[Step], seen: usize) -> bool {
        rest.is_empty()
            && match self.place {
                Place::Value => false,
                Place::Key => true,
                Place::RepeatedKey => seen > 0,
            }
    }
}

/// Tells whether a key is the wanted one, or fails there.
struct Key<'path> {
    wanted: &'path str,
    stop: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        let wanted = key == self.wanted;
        if wanted && self.stop { Err(E::custom("found")) } else { Ok(wanted) }
    }
}
