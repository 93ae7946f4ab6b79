//! One response head: [`Head`], its status and how the body behind it is framed.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use super::ProtocolError;

/// Larger heads are refused: no server means to send one, and it would have to be kept.
pub(super) const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 128;

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// What matters of a response head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
    /// Bytes that the head takes, blank line and all.
    pub(super) length: usize,
}

/// Reads a head at the start of `input`; `None` where it is not complete yet.
pub(super) fn read(input: &[u8]) -> Result<Option<Head>, ProtocolError> {
    // Left uninitialised because clearing 128 headers for every response costs more than reading them.
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, input, &mut headers);
    let length = match parsed {
        Ok(Status::Complete(length)) if length > LARGEST_HEAD => return Err(ProtocolError::TooLarge),
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(ProtocolError::TooLarge),
        Err(_) => return Err(ProtocolError::Head),
    };
    let status = response.code.ok_or(ProtocolError::Head)?;
    let fields = Fields::of(response.headers, response.version == Some(1))?;
    let framing = match fields {
        _ if status < 200 || status == 204 || status == 304 => Framing::Length(0),
        Fields { chunked: true, .. } => Framing::Chunked,
        Fields { transfer_encoding: true, .. } => Framing::UntilClose,
        Fields { length: Some(length), .. } => Framing::Length(length),
        Fields { .. } => Framing::UntilClose,
    };
    Ok(Some(Head { status, framing, keep_alive: fields.keep_alive, length }))
}

/// The fields that decide framing and the life of the connection.
#[derive(Debug, Clone, Copy)]
struct Fields {
    length: Option<u64>,
    transfer_encoding: bool,
    chunked: bool,
    keep_alive: bool,
}

impl Fields {
    fn of(headers: &[Header<'_>], is_http_1_1: bool) -> Result<Self, ProtocolError> {
        let mut fields =
            Self { length: None, transfer_encoding: false, chunked: false, keep_alive: is_http_1_1 };
        for Header { name, value } in headers {
            if name.eq_ignore_ascii_case("content-length") {
                fields.add_length(value)?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                fields.transfer_encoding = true;
                // Only the last coding frames the message.
                fields.chunked =
                    list(value).next_back().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
            } else if name.eq_ignore_ascii_case("connection") {
                fields.add_connection_options(value, is_http_1_1);
            }
        }
        // RFC 9112 §6.1 and §6.3: framing that contradicts itself, or that HTTP/1.0 does not know, ends the connection.
        if fields.transfer_encoding && (fields.length.is_some() || !is_http_1_1) {
            fields.keep_alive = false;
        }
        Ok(fields)
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), ProtocolError> {
        for item in list(value) {
            let length = decimal(item).ok_or(ProtocolError::ContentLength)?;
            if self.length.replace(length).is_some_and(|before| before != length) {
                return Err(ProtocolError::ContentLength);
            }
        }
        // An empty field is as wrong as one that is not a number.
        if self.length.is_some() { Ok(()) } else { Err(ProtocolError::ContentLength) }
    }

    fn add_connection_options(&mut self, value: &[u8], is_http_1_1: bool) {
        for option in list(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.keep_alive = false;
            } else if option.eq_ignore_ascii_case(b"keep-alive") && !is_http_1_1 {
                self.keep_alive = true;
            }
        }
    }
}

/// The items of a comma-separated field value.
fn list(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}
