//! Responses whose frames are in order and that are malformed all the same (RFC 9113 §8.1.1), and those that only seem so.

use super::*;

/// A block with the status 200 and this length, which has one digit.
fn length_block(length: u8) -> Vec<u8> {
    vec![0x88, 0x0f, 0x0d, 1, b'0' + length]
}

fn data(flags: u8, content: &[u8]) -> Vec<u8> {
    raw(frame::DATA, flags, 1, content)
}

/// How the first of two requests ends by these frames, and the types of the frames that are written in answer.
fn answered(method: &str, frames: &[Vec<u8>]) -> (Vec<(u64, End)>, Vec<u8>) {
    let request = PlannedRequest { method: method.to_owned(), ..PlannedRequest::get("/".to_owned(), 1) };
    let mut client = Client::of(Protocol::Http2, request, 2);
    client.written();
    assert_eq!(client.receive(&frames.concat()), Ok(Health::Open));
    let said = client.written().into_iter().map(|(kind, ..)| kind).collect();
    // Whatever it was, the other stream is untouched.
    assert_eq!(client.receive(&answer(3)), Ok(Health::Open));
    let mut ended = client.ended();
    assert_eq!(ended.pop(), Some((2, OK)));
    (ended, said)
}

#[rstest]
#[case::as_long_as_it_says("GET", vec![raw(1, frame::END_HEADERS, 1, &length_block(4)), data(0, b"bo"), data(frame::END_STREAM, b"dy")])]
#[case::padding_does_not_count("GET", vec![raw(1, frame::END_HEADERS, 1, &length_block(2)), raw(frame::DATA, frame::END_STREAM | frame::PADDED, 1, b"\x03ok\0\0\0")])]
#[case::trailers_behind_it("GET", vec![raw(1, frame::END_HEADERS, 1, &length_block(2)), data(0, b"ok"), raw(1, BOTH, 1, TRAILERS)])]
#[case::empty("GET", vec![raw(1, BOTH, 1, &length_block(0))])]
#[case::to_head("HEAD", vec![raw(1, BOTH, 1, &length_block(9))])]
#[case::to_head_in_two_frames("HEAD", vec![raw(1, frame::END_HEADERS, 1, &length_block(9)), data(frame::END_STREAM, b"")])]
#[case::no_content("GET", vec![raw(1, BOTH, 1, b"\x89\x0f\x0d\x019")])]
#[case::not_modified("GET", vec![raw(1, BOTH, 1, b"\x8b\x0f\x0d\x019")])]
#[case::length_of_an_interim_head("GET", vec![raw(1, frame::END_HEADERS, 1, b"\x08\x03103\x0f\x0d\x019"), answer(1)])]
fn whose_length_is_right(#[case] method: &str, #[case] frames: Vec<Vec<u8>>) {
    assert_eq!(answered(method, &frames), (vec![(1, OK)], vec![]));
}

#[rstest]
#[case::shorter("GET", vec![raw(1, frame::END_HEADERS, 1, &length_block(4)), data(frame::END_STREAM, b"bod")])]
#[case::longer("GET", vec![raw(1, frame::END_HEADERS, 1, &length_block(4)), data(0, b"body!")])]
#[case::none_at_all("GET", vec![raw(1, BOTH, 1, &length_block(4))])]
#[case::shorter_before_trailers("GET", vec![raw(1, frame::END_HEADERS, 1, &length_block(4)), data(0, b"bod"), raw(1, BOTH, 1, TRAILERS)])]
#[case::content_to_head("HEAD", vec![head(frame::END_HEADERS, 1), data(0, b"x")])]
#[case::content_of_no_content("GET", vec![raw(1, frame::END_HEADERS, 1, b"\x89"), data(0, b"x")])]
#[case::content_of_not_modified("GET", vec![raw(1, frame::END_HEADERS, 1, b"\x8b"), data(frame::END_STREAM, b"x")])]
#[case::no_length("GET", vec![raw(1, frame::END_HEADERS, 1, b"\x88\x0f\x0d\x01x")])]
#[case::field_of_a_connection("GET", vec![raw(1, BOTH, 1, b"\x88\x00\x0aconnection\x05close")])]
#[case::pseudo_header_in_trailers("GET", vec![head(frame::END_HEADERS, 1), raw(1, BOTH, 1, b"\x00\x02:a\x01b")])]
#[case::capital_in_trailers("GET", vec![head(frame::END_HEADERS, 1), raw(1, BOTH, 1, b"\x00\x01A\x01b")])]
#[case::malformed_interim_head("GET", vec![raw(1, frame::END_HEADERS, 1, b"\x08\x03103\x00\x01A\x01b")])]
fn whose_stream_is_in_error(#[case] method: &str, #[case] frames: Vec<Vec<u8>>) {
    let (ended, said) = answered(method, &frames);
    assert_eq!(ended, [(1, End::Failed(ErrorKind::Protocol))]);
    assert_eq!(said, [frame::RST_STREAM]);
}
