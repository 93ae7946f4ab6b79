//! The Huffman code of RFC 7541 Appendix B: [`decode`].
//!
//! The code is canonical: codes of one length count up in the order of their symbols, and the first of a length follows from
//! the last of the length before. So the lengths alone define it.

/// Beyond every byte: the symbol that pads the last byte and is never written out.
const END: u16 = 256;
const SYMBOLS: usize = 257;
const LONGEST: usize = 30;

#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The codes of one length.
#[derive(Clone, Copy)]
struct Codes {
    first: u32,
    count: u32,
    /// Where the symbols of the length begin among all, sorted by length.
    symbols_from: u32,
}

const fn codes() -> [Codes; LONGEST + 1] {
    let mut codes = [Codes { first: 0, count: 0, symbols_from: 0 }; LONGEST + 1];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        codes[LENGTHS[symbol] as usize].count += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length <= LONGEST {
        let shorter = codes[length - 1];
        codes[length].first = (shorter.first + shorter.count) << 1;
        codes[length].symbols_from = shorter.symbols_from + shorter.count;
        length += 1;
    }
    codes
}

const fn symbols() -> [u16; SYMBOLS] {
    let mut sorted = [0; SYMBOLS];
    let (mut position, mut length) = (0, 1);
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == length {
                sorted[position] = symbol as u16;
                position += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    sorted
}

static CODES: [Codes; LONGEST + 1] = codes();
static SORTED: [u16; SYMBOLS] = symbols();

/// Decodes `input` into `output`, whose content goes; `None` where it is no text in this code.
pub(super) fn decode(input: &[u8], output: &mut Vec<u8>) -> Option<()> {
    output.clear();
    let (mut code, mut length) = (0_u32, 0_usize);
    for byte in input {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            let codes = CODES.get(length)?;
            let position = code.wrapping_sub(codes.first);
            if position < codes.count {
                let symbol = SORTED[(codes.symbols_from + position) as usize];
                output.push(u8::try_from(symbol).ok().filter(|_| symbol != END)?);
                (code, length) = (0, 0);
            }
        }
    }
    // What is left must be the beginning of END, shorter than a byte.
    (length < 8 && code == (1 << length) - 1).then_some(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // RFC 7541 Appendix C.4 and C.6.
    #[rstest]
    #[case(&[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff], "www.example.com")]
    #[case(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], "no-cache")]
    #[case(&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f], "custom-key")]
    #[case(&[0x64, 0x02], "302")]
    #[case(&[0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44, 0xa8, 0x20, 0x05, 0x95, 0x04, 0x0b, 0x81, 0x66, 0xe0, 0x82, 0xa6, 0x2d, 0x1b, 0xff], "Mon, 21 Oct 2013 20:13:21 GMT")]
    #[case(&[0x9d, 0x29, 0xad, 0x17, 0x18, 0x63, 0xc7, 0x8f, 0x0b, 0x97, 0xc8, 0xe9, 0xae, 0x82, 0xae, 0x43, 0xd3], "https://www.example.com")]
    #[case(&[], "")]
    fn the_examples_of_the_specification(#[case] input: &[u8], #[case] text: &str) {
        let mut output = b"what was there".to_vec();
        assert_eq!(decode(input, &mut output), Some(()));
        assert_eq!(String::from_utf8(output).unwrap(), text);
    }

    #[rstest]
    #[case::padded_by_a_byte(&[0x64, 0x02, 0xff])]
    #[case::padded_by_zeros(&[0x00, 0x00])]
    #[case::end(&[0xff, 0xff, 0xff, 0xfc])]
    fn what_is_no_text(#[case] input: &[u8]) {
        assert_eq!(decode(input, &mut Vec::new()), None);
    }

    #[test]
    fn the_code_is_complete() {
        let shares: u64 = LENGTHS.iter().map(|length| 1 << (LONGEST - usize::from(*length))).sum();
        assert_eq!(shares, 1 << LONGEST, "every sequence of bits must begin with exactly one code");
    }
}
