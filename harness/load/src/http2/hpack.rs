//! Header blocks as RFC 7541 has them: [`Decoder`] finds the few fields that matter, and keeps the table that needs all.

use std::collections::VecDeque;

use super::ProtocolError;
use super::huffman;

/// The size of the dynamic table that both sides start with, and that this engine keeps.
pub(super) const TABLE_BYTES: usize = 4096;
/// What an entry counts for beside its name and value (RFC 7541 §4.1).
pub(super) const ENTRY_OVERHEAD: usize = 32;

/// The names of the static table (RFC 7541 Appendix A); the first has index 1.
#[rustfmt::skip]
pub(super) const STATIC_NAMES: [&str; 61] = [
    ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status", ":status", ":status",
    ":status", ":status", ":status", ":status", "accept-charset", "accept-encoding", "accept-language", "accept-ranges",
    "accept", "access-control-allow-origin", "age", "allow", "authorization", "cache-control", "content-disposition",
    "content-encoding", "content-language", "content-length", "content-location", "content-range", "content-type", "cookie",
    "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization",
    "range", "referer", "refresh", "retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding",
    "user-agent", "vary", "via", "www-authenticate",
];
const FIRST_STATIC_STATUS: usize = 8;
const STATIC_STATUSES: [u64; 7] = [200, 204, 206, 304, 400, 404, 500];

/// What the static table comes to, found once: most fields of most blocks are in it.
static STATIC_FIELDS: [Field; STATIC_NAMES.len()] = static_fields();

const STATUS_DIGITS: usize = 3;
/// As many fit into a `u64`, whichever they are.
const LENGTH_DIGITS: usize = 19;

/// What a block says of what matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) status: Option<u16>,
    pub(super) grpc_status: Option<u16>,
    pub(super) content_length: Option<u64>,
    /// A field that no response may have or that is out of order, a value that is none, or one that was given twice
    /// (RFC 9113 §8.2 and §8.3).
    pub(super) is_malformed: bool,
    /// Whether a field came behind which no pseudo-header field may come any more.
    has_regular: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Status,
    GrpcStatus,
    ContentLength,
    Other,
    /// One that no response may have.
    Forbidden,
}

impl Name {
    const fn of(name: &[u8]) -> Self {
        match name {
            b":status" => Self::Status,
            b"grpc-status" => Self::GrpcStatus,
            b"content-length" => Self::ContentLength,
            // RFC 9113 §8.2.2: they speak of a connection of HTTP/1.1.
            b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" | b"upgrade" => {
                Self::Forbidden
            }
            _ if is_field_name(name) => Self::Other,
            _ => Self::Forbidden,
        }
    }

    /// How many digits its value may have; none where the value means nothing here.
    fn most_digits(self) -> Option<usize> {
        match self {
            Self::Status | Self::GrpcStatus => Some(STATUS_DIGITS),
            Self::ContentLength => Some(LENGTH_DIGITS),
            Self::Other | Self::Forbidden => None,
        }
    }
}

/// A name as RFC 9113 §8.2.1 has it, of a regular field: no blanks, controls, capitals or colons, and nothing beyond ASCII.
const fn is_field_name(name: &[u8]) -> bool {
    let mut position = 0;
    while position < name.len() {
        if matches!(name[position], 0..=b' ' | b':' | b'A'..=b'Z' | 0x7f..) {
            return false;
        }
        position += 1;
    }
    !name.is_empty()
}

const fn static_fields() -> [Field; STATIC_NAMES.len()] {
    let mut fields = [Field { name: Name::Other, name_length: 0, number: None }; STATIC_NAMES.len()];
    let mut position = 0;
    while position < fields.len() {
        let name = STATIC_NAMES[position].as_bytes();
        fields[position] = Field { name: Name::of(name), name_length: name.len(), number: None };
        position += 1;
    }
    let mut status = 0;
    while status < STATIC_STATUSES.len() {
        fields[FIRST_STATIC_STATUS - 1 + status].number = Some(STATIC_STATUSES[status]);
        status += 1;
    }
    fields
}

/// A field of which only the value of a number is kept.
#[derive(Debug, Clone, Copy)]
struct Field {
    name: Name,
    name_length: usize,
    /// The value where it is a number and the name matters.
    number: Option<u64>,
}

/// Decodes the header blocks of one connection, all of them and in their order.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Fields and what they count for, the newest first.
    table: VecDeque<(Field, usize)>,
    size: usize,
    capacity: usize,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        let table = VecDeque::with_capacity(TABLE_BYTES / ENTRY_OVERHEAD);
        Self { table, size: 0, capacity: TABLE_BYTES, name: Vec::new(), value: Vec::new() }
    }

    pub(super) fn reset(&mut self) {
        self.table.clear();
        (self.size, self.capacity) = (0, TABLE_BYTES);
    }

    pub(super) fn decode(&mut self, block: &[u8]) -> Result<Fields, ProtocolError> {
        let (mut fields, mut input) = (Fields::default(), Input { rest: block });
        while let Some(&first) = input.rest.first() {
            match first {
                0x80.. => fields.add(self.field(input.integer(7)?)?),
                0x40.. => {
                    let (field, value_length) = self.literal(&mut input, 6, true)?;
                    self.insert(field, field.name_length + value_length + ENTRY_OVERHEAD);
                    fields.add(field);
                }
                0x20.. => self.resize(input.integer(5)?)?,
                _ => fields.add(self.literal(&mut input, 4, false)?.0),
            }
        }
        Ok(fields)
    }

    /// The field with an index.
    fn field(&self, index: usize) -> Result<Field, ProtocolError> {
        let position = index.checked_sub(1).ok_or(ProtocolError::Compression)?;
        STATIC_FIELDS
            .get(position)
            .or_else(|| self.table.get(position - STATIC_FIELDS.len()).map(|(field, _)| field))
            .copied()
            .ok_or(ProtocolError::Compression)
    }

    /// A field whose value, and perhaps name, is written out, and the length of its value where `is_kept`.
    fn literal(
        &mut self,
        input: &mut Input<'_>,
        prefix: u32,
        is_kept: bool,
    ) -> Result<(Field, usize), ProtocolError> {
        let index = input.integer(prefix)?;
        let (name, name_length) = if index == 0 {
            let name = input.text()?.decoded(&mut self.name)?;
            (Name::of(name), name.len())
        } else {
            let field = self.field(index)?;
            (field.name, field.name_length)
        };
        let text = input.text()?;
        let most_digits = name.most_digits();
        if most_digits.is_none() && !is_kept {
            return Ok((Field { name, name_length, number: None }, 0));
        }
        let value = text.decoded(&mut self.value)?;
        let number = most_digits.and_then(|most| number(value, most));
        Ok((Field { name, name_length, number }, value.len()))
    }

    fn insert(&mut self, field: Field, size: usize) {
        self.shrink_to(self.capacity.saturating_sub(size));
        // A field that is larger than the table empties it and is not kept (RFC 7541 §4.4).
        if size <= self.capacity {
            self.table.push_front((field, size));
            self.size += size;
        }
    }

    fn resize(&mut self, capacity: usize) -> Result<(), ProtocolError> {
        if capacity > TABLE_BYTES {
            return Err(ProtocolError::Compression);
        }
        self.capacity = capacity;
        self.shrink_to(capacity);
        Ok(())
    }

    fn shrink_to(&mut self, size: usize) {
        while self.size > size
            && let Some((_, oldest)) = self.table.pop_back()
        {
            self.size -= oldest;
        }
    }
}

impl Fields {
    fn add(&mut self, field: Field) {
        let short = field.number.and_then(|number| u16::try_from(number).ok());
        let is_sound = match field.name {
            Name::Status => set_once(&mut self.status, short) && !self.has_regular,
            Name::GrpcStatus => set_once(&mut self.grpc_status, short),
            Name::ContentLength => set_once(&mut self.content_length, field.number),
            Name::Other => true,
            Name::Forbidden => false,
        };
        self.is_malformed |= !is_sound;
        self.has_regular |= field.name != Name::Status;
    }
}

/// Whether there is a value, and there was none before.
fn set_once<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let is_first = slot.is_none();
    *slot = value;
    is_first && slot.is_some()
}

/// A number of at most so many digits.
fn number(digits: &[u8], most: usize) -> Option<u64> {
    let is_number = (1..=most).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| 10 * number + u64::from(digit - b'0')))
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, ProtocolError> {
        let (byte, rest) = self.rest.split_first().ok_or(ProtocolError::Compression)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// An integer whose first byte has `prefix` bits for it (RFC 7541 §5.1). Nothing of a size that fits in a block needs more
    /// than three bytes behind it.
    fn integer(&mut self, prefix: u32) -> Result<usize, ProtocolError> {
        let mask = (1 << prefix) - 1;
        let mut integer = usize::from(self.byte()?) & mask;
        if integer < mask {
            return Ok(integer);
        }
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            integer += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(integer);
            }
        }
        Err(ProtocolError::Compression)
    }

    fn text(&mut self) -> Result<Text<'a>, ProtocolError> {
        let is_huffman = self.rest.first().is_some_and(|byte| byte & 0x80 != 0);
        let length = self.integer(7)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(ProtocolError::Compression)?;
        self.rest = rest;
        Ok(Text { bytes, is_huffman })
    }
}

/// A text as written.
struct Text<'a> {
    bytes: &'a [u8],
    is_huffman: bool,
}

impl<'a> Text<'a> {
    fn decoded(self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
        if !self.is_huffman {
            return Ok(self.bytes);
        }
        huffman::decode(self.bytes, buffer).ok_or(ProtocolError::Compression)?;
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests;
