//! What scenarios say in one word of several.

/// For an enum of plain variants: the word of each in scenarios and reports, written and read.
macro_rules! written_as_word {
    ($type:ident, $what:literal, $($variant:ident => $word:literal),+ $(,)?) => {
        impl $type {
            const WORDS: &[&str] = &[$($word),+];

            /// The word in scenarios and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.pad(self.name())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::units::TextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(Self::Err::not_one_of($what, text, Self::WORDS)),
                }
            }
        }
    };
}

pub(super) use written_as_word;
