//! Words: lists of names that the domain has too.

/// A word that is not of its list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownWord(pub(in crate::api::v1) String);

/// Declares the words of a list: in kebab case on the wire, as text, and as a schema.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                serde::Serialize::serialize(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::api::v1::types::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let word = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
                serde::Deserialize::deserialize(word)
                    .map_err(|error| $crate::api::v1::types::UnknownWord(error.to_string()))
            }
        }
    };
    // The same list as one of the domain.
    ($(#[$meta:meta])* $name:ident = $domain:ident { $($variants:tt)* }) => {
        words! { $(#[$meta])* $name = fleet::$domain { $($variants)* } }
    };
    ($(#[$meta:meta])* $name:ident = $domain:path { $($(#[$doc:meta])* $variant:ident),* $(,)? }) => {
        words! { $(#[$meta])* $name { $($(#[$doc])* $variant),* } }

        impl From<$domain> for $name {
            fn from(word: $domain) -> Self {
                match word { $(<$domain>::$variant => Self::$variant),* }
            }
        }

        impl From<$name> for $domain {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant),* }
            }
        }
    };
}
