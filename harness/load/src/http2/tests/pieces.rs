//! Anything a server may send, cut anywhere: no panic, no difference, and every request ends once.

use meshbench_core::load_plan::Protocol;
use meshbench_core::recording::ErrorKind;
use proptest::prelude::*;

use super::*;

/// Frames that look enough like a server's to get deep into the session.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let stream = prop_oneof![Just(0_u32), Just(1), Just(3), Just(5), 0_u32..12];
    let block = prop_oneof![
        Just(OK_BLOCK.to_vec()),
        Just(TRAILERS.to_vec()),
        Just(CONTINUE_BLOCK.to_vec()),
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
        9 => prop::collection::vec(known, 0..12).prop_map(|frames| frames.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

/// How five requests end that are under way when `pieces` come, and the connection ends.
fn outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(u64, End)> {
    let mut client = Client::new(Protocol::Http2, b"body", 5);
    let mut kind = ErrorKind::Reset;
    for piece in pieces {
        if let Err(error) = client.receive(piece) {
            kind = error;
            break;
        }
    }
    client.session.fail_all(kind, &mut client.ended);
    client.ended()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn pieces_make_no_difference_and_every_request_ends_once(
        bytes in frames(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = outcome([bytes.as_slice()]);
        let mut dues: Vec<_> = whole.iter().map(|(due, _)| *due).collect();
        dues.sort_unstable();
        prop_assert_eq!(dues, [1, 2, 3, 4, 5]);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
        prop_assert_eq!(&outcome(pieces), &whole);
        prop_assert_eq!(&outcome(bytes.chunks(1)), &whole);
    }
}
