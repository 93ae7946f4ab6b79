//! What is sent: [`Request`], its header blocks encoded once before the run.

use meshbench_core::load_plan::{LoadPlanSettings, PlannedRequest, Protocol, Target};

use super::hpack::{ENTRY_OVERHEAD, STATIC_NAMES, TABLE_BYTES};

/// The fields of the static table whose value is there too, with their index.
const STATIC_FIELDS: [(&str, &str, usize); 5] = [
    (":method", "GET", 2),
    (":method", "POST", 3),
    (":path", "/", 4),
    (":scheme", "http", 6),
    (":scheme", "https", 7),
];

/// The size of the dynamic table becomes 0 (RFC 7541 §6.3).
const TABLE_STAYS_EMPTY: u8 = 0x20;

/// A request as it is sent on any connection to its target.
///
/// The fields that all requests of a target share are put into the peer's dynamic table by the first request of a connection,
/// whichever that is, and nothing else ever is. So every later block is the same bytes each time, and as short as that of a
/// client that encodes as it goes.
#[derive(Debug)]
pub(crate) struct Request {
    /// The block of a connection's first request.
    pub(super) first: Box<[u8]>,
    /// The block of all others.
    pub(super) later: Box<[u8]>,
    /// The block for a peer that keeps no table, or a smaller one than it must.
    pub(super) plain: Box<[u8]>,
    /// The same, saying first that the table stays empty.
    pub(super) emptying: Box<[u8]>,
    pub(super) body: Box<[u8]>,
    /// Whether a response to it may have a body: not to `HEAD`.
    pub(super) response_has_body: bool,
}

type HeaderField = (String, String);

/// Renders the requests of a target.
pub(super) fn render(target: &Target, settings: &LoadPlanSettings) -> Vec<Request> {
    let is_grpc = settings.protocol == Protocol::Grpc;
    let lists: Vec<_> = target.requests.iter().map(|request| fields(target, request, is_grpc)).collect();
    let shared = shared(&lists);
    let rendered = |(request, list): (&PlannedRequest, &Vec<HeaderField>)| {
        let plain = block(list, &[], Table::Full);
        Request {
            first: block(list, &shared, Table::Filling),
            later: block(list, &shared, Table::Full),
            emptying: [&[TABLE_STAYS_EMPTY], &*plain].concat().into_boxed_slice(),
            plain,
            body: if is_grpc { message(&request.body) } else { request.body.clone().into_boxed_slice() },
            response_has_body: is_grpc || request.method != "HEAD",
        }
    };
    target.requests.iter().zip(&lists).map(rendered).collect()
}

/// The fields of a request in the order in which they are sent: those whose names begin with a colon first.
fn fields(target: &Target, request: &PlannedRequest, is_grpc: bool) -> Vec<HeaderField> {
    let given = |name: &str| request.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name));
    let host = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
    let authority = host.map_or(target.address.as_str(), |header| header.value.as_str());
    let method = if is_grpc { "POST" } else { request.method.as_str() };
    let scheme = if target.tls.is_some() { "https" } else { "http" };
    let length = request.body.len().to_string();
    let has_length = !is_grpc && !request.body.is_empty();
    let ours = [
        (":method", method, true),
        (":scheme", scheme, true),
        (":path", request.path.as_str(), true),
        (":authority", authority, true),
        ("user-agent", crate::USER_AGENT, !given("user-agent")),
        ("accept", "*/*", !is_grpc && !given("accept")),
        ("te", "trailers", is_grpc),
        ("content-type", "application/grpc", is_grpc && !given("content-type")),
        ("content-length", length.as_str(), has_length),
    ];
    let ours = ours.into_iter().filter(|(_, _, is_sent)| *is_sent);
    let ours = ours.map(|(name, value, _)| (name.to_owned(), value.to_owned()));
    let theirs = request.headers.iter().filter(|header| !header.name.eq_ignore_ascii_case("host"));
    ours.chain(theirs.map(|header| (header.name.to_ascii_lowercase(), header.value.clone()))).collect()
}

/// What every list has and no static table, as far as it fits into the dynamic one.
fn shared(lists: &[Vec<HeaderField>]) -> Vec<HeaderField> {
    let Some((first, others)) = lists.split_first() else { return Vec::new() };
    let mut shared: Vec<HeaderField> = Vec::new();
    let mut size = 0;
    for field in first {
        // A field that is given twice is sent twice, and would need two entries.
        let is_once = |list: &Vec<HeaderField>| list.iter().filter(|other| *other == field).count() == 1;
        let is_shared = is_once(first) && others.iter().all(is_once);
        let entry = ENTRY_OVERHEAD + field.0.len() + field.1.len();
        if is_shared && static_field(field).is_none() && size + entry <= TABLE_BYTES {
            size += entry;
            shared.push(field.clone());
        }
    }
    shared
}

/// What the dynamic table holds when a block is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Nothing: the block puts the shared fields there.
    Filling,
    /// The shared fields.
    Full,
}

fn block(list: &[HeaderField], shared: &[HeaderField], table: Table) -> Box<[u8]> {
    let mut output = Vec::new();
    let is_pseudo = |field: &&HeaderField| field.0.starts_with(':');
    let is_shared = |field: &&HeaderField| shared.contains(field);
    // Shared fields always in the same order, whichever request comes first, or their indices would differ.
    let ordered = list
        .iter()
        .filter(is_pseudo)
        .chain(shared.iter().filter(|field| !is_pseudo(field)))
        .chain(list.iter().filter(|field| !is_pseudo(field) && !is_shared(field)));
    for field in ordered {
        let position = shared.iter().position(|shared| shared == field);
        match (static_field(field), position, table) {
            (Some(index), _, _) => write_integer(&mut output, 0x80, 7, index),
            (None, Some(position), Table::Full) => {
                // The newest entry comes first.
                let index = STATIC_NAMES.len() + shared.len() - position;
                write_integer(&mut output, 0x80, 7, index);
            }
            (None, Some(_), Table::Filling) => write_literal(&mut output, 0x40, 6, field),
            (None, None, _) => write_literal(&mut output, 0x00, 4, field),
        }
    }
    output.into_boxed_slice()
}

fn static_field((name, value): &HeaderField) -> Option<usize> {
    let found = STATIC_FIELDS.into_iter().find(|(known, its, _)| known == name && its == value);
    found.map(|(_, _, index)| index)
}

fn write_literal(output: &mut Vec<u8>, pattern: u8, prefix: u32, (name, value): &HeaderField) {
    let index = STATIC_NAMES.iter().position(|known| known == name).map_or(0, |position| position + 1);
    write_integer(output, pattern, prefix, index);
    if index == 0 {
        write_text(output, name);
    }
    write_text(output, value);
}

fn write_text(output: &mut Vec<u8>, text: &str) {
    write_integer(output, 0, 7, text.len());
    output.extend_from_slice(text.as_bytes());
}

/// An integer behind a pattern in its first byte (RFC 7541 §5.1).
fn write_integer(output: &mut Vec<u8>, pattern: u8, prefix: u32, integer: usize) {
    let mask = (1 << prefix) - 1;
    if integer < mask {
        output.push(pattern | integer as u8);
        return;
    }
    output.push(pattern | mask as u8);
    let mut rest = integer - mask;
    while rest >= 0x80 {
        output.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    output.push(rest as u8);
}

/// A message in the frame that gRPC puts before it: not compressed, and its length.
fn message(message: &[u8]) -> Box<[u8]> {
    let mut framed = vec![0];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend(message);
    framed.into_boxed_slice()
}
