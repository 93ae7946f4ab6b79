//! What must hold for whatever a server sends: [`read_responses`], for `cargo fuzz` and for a property test in CI.

use super::ProtocolError;
use super::response::{Fed, Response, ResponseReader};

/// A response that every reader in good order reads as what it is.
const PROBE: &[u8] = b"HTTP/1.1 299 Probe\r\nContent-Length: 5\r\n\r\nprobe";
const PROBE_STATUS: u16 = 299;

/// Reads `input` as what came on one connection, and panics where the reader breaks a promise.
///
/// The first byte says how many of the following ones are lengths of pieces in which the rest comes. However it is cut, it
/// has to come to the same; and whatever it comes to, the next response must be read as if nothing had been before.
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "only `cargo fuzz` reaches it from outside"))]
pub fn read_responses(input: &[u8]) {
    let Some((&cuts, rest)) = input.split_first() else { return };
    let (lengths, stream) = rest.split_at(usize::from(cuts % 16).min(rest.len()));
    let whole = first_response([stream]);
    assert_eq!(first_response(stream.chunks(1)), whole, "byte by byte");
    assert_eq!(first_response(pieces(stream, lengths)), whole, "in pieces of {lengths:?}");
    if let Ok((response, leftover)) = whole {
        assert!((100..600).contains(&response.status), "status {}", response.status);
        assert!(leftover < stream.len(), "{leftover} bytes behind a response out of {}", stream.len());
    }
}

/// The first response of a connection's bytes, with how many bytes came behind it.
fn first_response<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Response, usize), ProtocolError> {
    let mut reader = ResponseReader::new();
    let mut complete = None;
    for piece in pieces {
        match &mut complete {
            Some((_, leftover)) => *leftover += piece.len(),
            None => match reader.feed(piece) {
                Ok(Fed::Incomplete) => {}
                Ok(Fed::Complete { response, leftover }) => complete = Some((response, leftover)),
                Err(error) => {
                    // The engine closes the connection and begins the next one with this reader.
                    reader.reset();
                    read_probe(reader);
                    return Err(error);
                }
            },
        }
    }
    let ended = complete.map_or_else(|| reader.end_of_stream().map(|response| (response, 0)), Ok);
    read_probe(reader);
    ended
}

/// Nothing of what was read before may show in the next response.
fn read_probe(mut reader: ResponseReader) {
    for (end, byte) in (1..).zip(PROBE.chunks(1)) {
        let fed = reader.feed(byte);
        let is_read =
            matches!(fed, Ok(Fed::Complete { response, leftover: 0 }) if response.status == PROBE_STATUS);
        let is_as_expected = if end == PROBE.len() { is_read } else { fed == Ok(Fed::Incomplete) };
        assert!(is_as_expected, "byte {end} of the next response: {fed:?}");
    }
}

fn pieces<'a>(mut stream: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, rest) = stream.split_at(usize::from(*length).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A response with a body of its own framing, and the status it has.
    fn response() -> impl Strategy<Value = (u16, Vec<u8>)> {
        (200_u16..600, 0_u8..4, prop::collection::vec(any::<u8>(), 1..40)).prop_map(
            |(status, framing, body)| {
                let length = body.len();
                let head = match framing {
                    0 => format!("HTTP/1.1 {status} A\r\nContent-Length: {length}\r\n\r\n"),
                    1 => format!(
                        "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 {status} B\r\nContent-Length: {length}\r\n\r\n"
                    ),
                    2 => format!("HTTP/1.1 {status} C\r\nTransfer-Encoding: chunked\r\n\r\n{length:x};e\r\n"),
                    _ => format!(
                        "HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n{length:X}\r\n"
                    ),
                };
                let has_body = status != 204 && status != 304;
                let mut bytes = head.into_bytes();
                if !has_body {
                    bytes = format!("HTTP/1.1 {status} N\r\nContent-Length: {length}\r\n\r\n").into_bytes();
                    return (status, bytes);
                }
                bytes.extend(body);
                bytes.extend(if framing >= 2 { b"\r\n0\r\nT: u\r\n\r\n".as_slice() } else { b"" });
                (status, bytes)
            },
        )
    }

    /// Several responses one after the other, some bytes of them changed, cut anywhere.
    fn damaged_stream() -> impl Strategy<Value = Vec<u8>> {
        let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
        let responses = prop::collection::vec(response(), 1..4);
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..16), responses, damage).prop_map(
            |(cuts, lengths, responses, damage)| {
                let mut stream: Vec<u8> = responses.into_iter().flat_map(|(_, bytes)| bytes).collect();
                for (place, byte) in damage {
                    let place = place.index(stream.len());
                    stream[place] = byte;
                }
                [vec![cuts % 16], lengths, stream].concat()
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_alike_and_leaves_nothing_behind(input in prop_oneof![damaged_stream(), prop::collection::vec(any::<u8>(), 0..200)]) {
            read_responses(&input);
        }

        #[test]
        fn every_answer_belongs_to_its_request(responses in prop::collection::vec(response(), 1..20), piece in 1_usize..50) {
            let mut reader = ResponseReader::new();
            for (status, bytes) in responses {
                let (last, others) = bytes.chunks(piece).collect::<Vec<_>>().split_last().map(|(last, others)| (*last, others.to_vec())).unwrap();
                for other in others {
                    prop_assert_eq!(reader.feed(other), Ok(Fed::Incomplete));
                }
                let response = Response { status, keep_alive: true };
                prop_assert_eq!(reader.feed(last), Ok(Fed::Complete { response, leftover: 0 }));
            }
        }
    }
}
