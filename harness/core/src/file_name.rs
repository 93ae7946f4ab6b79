//! Names of other people's making, such as kubeconfig contexts, as parts of file names: [`encode`] and [`decode`].

use std::fmt::Write as _;

/// A name with everything that is not a letter, a digit or one of `._@-` of ASCII written as `%` and two hexadecimal digits.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._@-".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // A string takes all that is written to it.
            let _ = write!(encoded, "%{byte:02x}");
        }
    }
    encoded
}

/// What [`encode`] made this of; `None` where it made no such thing.
#[must_use]
pub fn decode(encoded: &str) -> Option<String> {
    let mut parts = encoded.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("kubernetes-admin@kind", "kubernetes-admin@kind")]
    #[case("arn:aws:eks:eu-west-1:1:cluster/east", "arn%3aaws%3aeks%3aeu-west-1%3a1%3acluster%2feast")]
    #[case("100%", "100%25")]
    fn a_name_becomes_part_of_a_file_name(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(encode(name), expected);
    }

    #[rstest]
    #[case("%")]
    #[case("a%2")]
    #[case("%zz")]
    #[case("%ff")]
    fn what_is_no_encoded_name_is_none(#[case] text: &str) {
        assert_eq!(decode(text), None);
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in ".*") {
            prop_assert_eq!(decode(&encode(&name)), Some(name));
        }
    }
}
