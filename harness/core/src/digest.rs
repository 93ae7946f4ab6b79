//! [`digest`]: what tells whether two texts are the same without keeping both.

use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes` as `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let hexadecimal: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hexadecimal}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of one block in FIPS 180-2, appendix B.1.
    #[test]
    fn agrees_with_the_standard() {
        assert_eq!(digest(b"abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
