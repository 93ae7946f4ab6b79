//! Anything a server may send, cut anywhere: see [`check`]; and what servers in good order send, in any order.

use meshbench_core::load_plan::Protocol;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::http2::fuzzing::{check, read_frames};

/// Frames that look enough like a server's to get deep into the session.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let stream = prop_oneof![Just(0_u32), Just(1), Just(3), Just(5), 0_u32..26];
    let block = prop_oneof![
        Just(OK_BLOCK.to_vec()),
        Just(TRAILERS.to_vec()),
        Just(CONTINUE_BLOCK.to_vec()),
        Just(FOUR_BYTES_BLOCK.to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    let known = prop_oneof![
        4 => (stream.clone(), block, any::<u8>()).prop_map(|(stream, block, flags)| raw(1, flags & 0x25 | 4, stream, &block)),
        2 => (stream.clone(), any::<bool>()).prop_map(|(stream, end)| raw(0, end.into(), stream, b"body")),
        1 => stream.clone().prop_map(|stream| number(frame::RST_STREAM, stream, 7)),
        1 => stream.clone().prop_map(goaway),
        1 => (stream.clone(), any::<u32>()).prop_map(|(stream, by)| number(frame::WINDOW_UPDATE, stream, by)),
        1 => (0_u16..7, any::<u32>()).prop_map(|(name, value)| settings_frame(name, value)),
        1 => (0_u8..11, any::<u8>(), stream, prop::collection::vec(any::<u8>(), 0..12))
            .prop_map(|(kind, flags, stream, payload)| raw(kind, flags, stream, &payload)),
    ];
    prop_oneof![
        9 => prop::collection::vec(known, 0..24).prop_map(|frames| frames.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

/// A response and how it ends, as the pieces that no frame of the same stream may come between.
#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    is_interim_first: bool,
    has_length: bool,
    is_continued: bool,
    body: Vec<Vec<u8>>,
    has_trailers: bool,
}

fn answers() -> impl Strategy<Value = Answer> {
    let status = prop_oneof![Just(200_u16), Just(204), Just(301), Just(304), Just(404), Just(500), Just(503)];
    let body = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4);
    (status, any::<[bool; 4]>(), body).prop_map(|(status, flags, body)| {
        let [is_interim_first, has_length, is_continued, has_trailers] = flags;
        let body = if status == 204 || status == 304 { Vec::new() } else { body };
        Answer { status, is_interim_first, has_length, is_continued, body, has_trailers }
    })
}

impl Answer {
    fn head(&self) -> Vec<u8> {
        let mut block = [b"\x08\x03", self.status.to_string().as_bytes()].concat();
        // Kept in the table, so that the fields of all streams share it.
        block.extend(b"\x40\x01a\x01b");
        if self.has_length {
            let length = self.body.iter().map(Vec::len).sum::<usize>().to_string();
            block.extend([&[0x0f, 0x0d, length.len() as u8], length.as_bytes()].concat());
        }
        block
    }

    fn frames(&self, stream: u32) -> Vec<Vec<u8>> {
        let block = self.head();
        let end = |is_last: bool| if is_last { frame::END_STREAM } else { 0 };
        let ends_at_once = end(self.body.is_empty() && !self.has_trailers);
        let mut frames = Vec::new();
        if self.is_interim_first {
            frames.push(raw(frame::HEADERS, frame::END_HEADERS, stream, CONTINUE_BLOCK));
        }
        frames.push(if self.is_continued {
            let rest = raw(frame::CONTINUATION, frame::END_HEADERS, stream, &block[3..]);
            [raw(frame::HEADERS, ends_at_once, stream, &block[..3]), rest].concat()
        } else {
            raw(frame::HEADERS, ends_at_once | frame::END_HEADERS, stream, &block)
        });
        for (left, piece) in (0..self.body.len()).rev().zip(&self.body) {
            frames.push(raw(frame::DATA, end(left == 0 && !self.has_trailers), stream, piece));
        }
        if self.has_trailers {
            frames.push(raw(frame::HEADERS, BOTH, stream, TRAILERS));
        }
        frames
    }
}

/// All frames of all answers, those of one answer in their order, and the last pieces of bytes at the end.
fn mixed(answers: &[Answer], turns: &[Index]) -> Vec<u8> {
    let mut waiting: Vec<_> =
        answers.iter().zip((1..).step_by(2)).map(|(answer, id)| answer.frames(id).into_iter()).collect();
    let mut bytes: Vec<u8> =
        turns.iter().flat_map(|turn| waiting[turn.index(answers.len())].next()).flatten().collect();
    bytes.extend(waiting.into_iter().flatten().flatten());
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn whatever_comes_is_read_alike_and_every_request_ends_once(
        bytes in frames(),
        lengths in prop::collection::vec(any::<u8>(), 0..16),
        is_grpc in any::<bool>(),
    ) {
        check(if is_grpc { Protocol::Grpc } else { Protocol::Http2 }, &bytes, &lengths);
    }

    #[test]
    fn answers_with_a_few_bytes_changed_are_read_alike_too(
        answers in prop::collection::vec(answers(), 1..=6),
        turns in prop::collection::vec(any::<Index>(), 0..20),
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        lengths in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let mut bytes = mixed(&answers, &turns);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        check(Protocol::Http2, &bytes, &lengths);
    }

    #[test]
    fn whatever_the_fuzzer_makes_up_is_read_alike(input in prop::collection::vec(any::<u8>(), 0..200)) {
        read_frames(&input);
    }

    #[test]
    fn every_answer_belongs_to_its_request(
        answers in prop::collection::vec(answers(), 1..=STREAMS as usize),
        turns in prop::collection::vec(any::<Index>(), 0..40),
        piece in 1_usize..50,
    ) {
        let mut client = Client::new(Protocol::Http2, b"", answers.len() as u64);
        for piece in mixed(&answers, &turns).chunks(piece) {
            prop_assert_eq!(client.receive(piece), Ok(Health::Open));
        }
        let mut ended = client.ended();
        ended.sort_unstable_by_key(|(due, _)| *due);
        let of = |answer: &Answer| End::Answered(Outcome::of_status(answer.status));
        prop_assert_eq!(ended, (1..).zip(answers.iter().map(of)).collect::<Vec<_>>());
    }
}
