use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn status(status: u16) -> Fields {
    Fields { status: Some(status), ..Fields::default() }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// RFC 7541 Appendix C.5 and C.6: three responses with a table of 256 bytes, from which fields fall out. The statuses are
/// 302, 307 and 200, the first two of them in the dynamic table.
#[rstest]
#[case::plain([
    "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e \
     1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d \
     4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 \
     7369 6f6e 3d31",
])]
#[case::huffman([
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b \
     97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf \
     cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
])]
fn the_examples_of_the_specification(#[case] blocks: [&str; 3]) {
    let mut decoder = Decoder::new();
    // Size update to 256: 0x3f, 0xe1, 0x01.
    assert_eq!(decoder.decode(&[0x3f, 0xe1, 0x01]), Ok(Fields::default()));
    let seen = blocks.map(|block| decoder.decode(&bytes(block)).unwrap());
    assert_eq!(seen, [status(302), status(307), status(200)]);
    // What C.5.3 says is left: set-cookie, content-encoding and date.
    assert_eq!((decoder.table.len(), decoder.size), (3, 215));
}

#[rstest]
#[case::trailers("400b 6772 7063 2d73 7461 7475 7301 35", Fields { grpc_status: Some(5), ..Fields::default() })]
#[case::never_indexed("100b 6772 7063 2d73 7461 7475 7302 3134", Fields { grpc_status: Some(14), ..Fields::default() })]
#[case::status_twice("8889", Fields { status: Some(204), grpc_status: None, is_malformed: true })]
#[case::no_number("4803 3230 78", Fields { status: None, grpc_status: None, is_malformed: true })]
#[case::nothing("", Fields::default())]
fn what_blocks_say(#[case] block: &str, #[case] fields: Fields) {
    assert_eq!(Decoder::new().decode(&bytes(block)), Ok(fields));
}

#[rstest]
#[case::index_zero("80")]
#[case::beyond_the_table("be")]
#[case::unfinished_integer("ff")]
#[case::endless_integer("ffffffffffff7f")]
#[case::text_beyond_the_block("4805 3230")]
#[case::no_huffman("4881 00")]
#[case::larger_table("3fe2 1f")]
fn what_cannot_be_decoded(#[case] block: &str) {
    assert_eq!(Decoder::new().decode(&bytes(block)), Err(ProtocolError::Compression));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn the_table_never_outgrows_its_size(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20)) {
        let mut decoder = Decoder::new();
        for block in blocks {
            let _ = decoder.decode(&block);
            prop_assert!(decoder.size <= decoder.capacity && decoder.capacity <= TABLE_BYTES);
            prop_assert_eq!(decoder.size, decoder.table.iter().map(|(_, size)| size).sum::<usize>());
        }
    }
}
