use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn status(status: u16) -> Fields {
    Fields { status: Some(status), has_regular: true, ..Fields::default() }
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
#[case::trailers("400b 6772 7063 2d73 7461 7475 7301 35", Fields { grpc_status: Some(5), has_regular: true, ..Fields::default() })]
#[case::never_indexed("100b 6772 7063 2d73 7461 7475 7302 3134", Fields { grpc_status: Some(14), has_regular: true, ..Fields::default() })]
#[case::length("880f 0d02 3432", Fields { content_length: Some(42), ..status(200) })]
#[case::nothing("", Fields::default())]
fn what_blocks_say(#[case] block: &str, #[case] fields: Fields) {
    assert_eq!(Decoder::new().decode(&bytes(block)), Ok(fields));
}

/// RFC 9113 §8.2 and §8.3; the table goes on as if they were nothing special.
#[rstest]
#[case::status_twice(b"\x88\x89")]
#[case::no_status_but_text(b"\x08\x0320x")]
#[case::length_twice(b"\x88\x0f\x0d\x015\x0f\x0d\x015")]
#[case::length_below_zero(b"\x88\x0f\x0d\x02-5")]
#[case::length_beyond_64_bits(b"\x88\x0f\x0d\x1420000000000000000000")]
#[case::length_of_the_table(b"\x88\x9c")]
#[case::status_behind_a_field(b"\x00\x01a\x01b\x88")]
#[case::pseudo_header_of_a_request(b"\x88\x82")]
#[case::pseudo_header_that_nobody_knows(b"\x88\x00\x02:a\x01b")]
#[case::capital(b"\x88\x00\x06Server\x01b")]
#[case::capital_with_a_kept_field(b"\x88\x40\x06Server\x01b")]
#[case::blank(b"\x88\x00\x02a \x01b")]
#[case::no_name(b"\x88\x00\x00\x01b")]
#[case::beyond_ascii(b"\x88\x00\x02\xc3\xa4\x01b")]
#[case::connection(b"\x88\x00\x0aconnection\x05close")]
#[case::keep_alive(b"\x88\x00\x0akeep-alive\x01b")]
#[case::proxy_connection(b"\x88\x00\x10proxy-connection\x05close")]
#[case::transfer_encoding_by_the_table(b"\x88\x0f\x2a\x07chunked")]
#[case::upgrade(b"\x88\x00\x07upgrade\x03h2c")]
fn what_no_response_may_say(#[case] block: &[u8]) {
    let mut decoder = Decoder::new();
    assert!(decoder.decode(block).unwrap().is_malformed);
    assert_eq!(decoder.decode(&[0x88]), Ok(Fields { status: Some(200), ..Fields::default() }));
}

/// A field that is kept in the table is as wrong the second time.
#[test]
fn what_no_response_may_say_stays_so_in_the_table() {
    let mut decoder = Decoder::new();
    assert!(decoder.decode(b"\x88\x40\x02:a\x01b").unwrap().is_malformed);
    assert!(decoder.decode(b"\x88\xbe").unwrap().is_malformed);
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
