use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// What a whole connection's bytes come to, fed in the given pieces and then ended.
fn outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(Response, usize), ProtocolError> {
    let mut reader = ResponseReader::new();
    let mut complete = None;
    for piece in pieces {
        match &mut complete {
            Some((_, leftover)) => *leftover += piece.len(),
            None => {
                if let Fed::Complete { response, leftover } = reader.feed(piece)? {
                    complete = Some((response, leftover));
                }
            }
        }
    }
    complete.map_or_else(|| reader.end_of_stream().map(|response| (response, 0)), Ok)
}

fn read(text: &str) -> Result<(u16, bool, usize), ProtocolError> {
    outcome([text.as_bytes()]).map(|(response, leftover)| (response.status, response.keep_alive, leftover))
}

#[rstest]
#[case::length("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, true, 0))]
#[case::no_body("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", (200, true, 0))]
#[case::no_reason("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", (200, true, 0))]
#[case::same_length_twice("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok", (200, true, 0))]
#[case::no_content("HTTP/1.1 204 No Content\r\n\r\n", (204, true, 0))]
#[case::not_modified("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", (304, true, 0))]
#[case::chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", (200, true, 0))]
#[case::chunk_extension("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n00a;x=\"y\"\r\n0123456789\r\n0;z\r\n\r\n", (200, true, 0))]
#[case::trailers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\n", (200, true, 0))]
#[case::chunked_with_length("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (200, false, 0))]
#[case::other_coding("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nuntil the end", (200, false, 0))]
#[case::interim("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", (200, true, 0))]
#[case::close("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n", (200, false, 0))]
#[case::until_close("HTTP/1.1 200 OK\r\n\r\nuntil the end", (200, false, 0))]
#[case::old("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", (200, false, 0))]
#[case::old_kept("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", (200, true, 0))]
#[case::leftover("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nokHTTP", (503, true, 4))]
#[case::leftover_after_chunks("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n!", (200, true, 1))]
fn what_is_a_response(#[case] text: &str, #[case] expected: (u16, bool, usize)) {
    assert_eq!(read(text), Ok(expected));
}

#[rstest]
#[case::nothing("", ProtocolError::Truncated)]
#[case::half_a_head("HTTP/1.1 200 OK\r\nConte", ProtocolError::Truncated)]
#[case::half_a_body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", ProtocolError::Truncated)]
#[case::half_a_chunk(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
    ProtocolError::Truncated
)]
#[case::only_interim("HTTP/1.1 100 Continue\r\n\r\n", ProtocolError::Truncated)]
#[case::garbage("hello", ProtocolError::Head)]
#[case::http_2("HTTP/2 200 OK\r\n\r\n", ProtocolError::Head)]
#[case::switch("HTTP/1.1 101 Switching Protocols\r\n\r\n", ProtocolError::Status)]
#[case::status_too_low("HTTP/1.1 099 No\r\n\r\n", ProtocolError::Status)]
#[case::status_too_high("HTTP/1.1 600 No\r\n\r\n", ProtocolError::Status)]
#[case::two_lengths(
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
    ProtocolError::ContentLength
)]
#[case::negative_length("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", ProtocolError::ContentLength)]
#[case::empty_length("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", ProtocolError::ContentLength)]
#[case::huge_length(
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ProtocolError::ContentLength
)]
#[case::no_chunk_size("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", ProtocolError::Chunk)]
#[case::huge_chunk_size(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
    ProtocolError::Chunk
)]
#[case::chunk_overrun(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n",
    ProtocolError::Chunk
)]
#[case::bare_line_feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok", ProtocolError::Chunk)]
fn what_is_no_response(#[case] text: &str, #[case] expected: ProtocolError) {
    assert_eq!(read(text), Err(expected));
}

#[rstest]
fn endless_heads_and_trailers_are_refused(
    #[values(
        "HTTP/1.1 200 OK\r\nA: ",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    )]
    beginning: &str,
    #[values(1_000, 100_000)] piece: usize,
) {
    let bytes = format!("{beginning}{}", "a".repeat(2 * LARGEST_HEAD));
    assert_eq!(outcome(bytes.as_bytes().chunks(piece)), Err(ProtocolError::TooLarge));
}

#[test]
fn a_reader_is_ready_for_the_next_response() {
    let mut reader = ResponseReader::new();
    let response = Response { status: 200, keep_alive: true };
    for pieces in [
        ["HTTP/1.1 200 OK\r\nConten", "t-Length: 2\r\n\r\nok"],
        ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "!"],
    ] {
        assert_eq!(reader.feed(pieces[0].as_bytes()), Ok(Fed::Incomplete));
        assert_eq!(reader.feed(pieces[1].as_bytes()), Ok(Fed::Complete { response, leftover: 0 }));
    }
}

/// Bytes that look enough like responses to get deep into the reader.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Just(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        Just(b"HTTP/1.0 404 No\r\n".to_vec()),
        Just(b"Content-Length: 5\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"Connection: close\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"3\r\nabc\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        Just(b"hello".to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop_oneof![
        prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat()),
        prop::collection::vec(any::<u8>(), 0..64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn pieces_make_no_difference(bytes in bytes(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let whole = outcome([bytes.as_slice()]);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
        prop_assert_eq!(outcome(pieces), whole);
        prop_assert_eq!(outcome(bytes.chunks(1)), whole);
    }

    #[test]
    fn no_byte_of_a_body_is_taken_for_something_else(body in prop::collection::vec(any::<u8>(), 0..200), chunk in 1_usize..50) {
        let response = Response { status: 200, keep_alive: true };
        let mut plain = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        plain.extend(&body);
        prop_assert_eq!(outcome([plain.as_slice()]), Ok((response, 0)));

        let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in body.chunks(chunk) {
            chunked.extend(format!("{:x}\r\n", piece.len()).bytes());
            chunked.extend(piece);
            chunked.extend(b"\r\n");
        }
        chunked.extend(b"0\r\n\r\n");
        prop_assert_eq!(outcome([chunked.as_slice()]), Ok((response, 0)));
    }
}
